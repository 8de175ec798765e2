import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { run } from './run.mjs';

/** Older servers cannot pause, reset and re-time a pending activity, which operators rely on. */
export const OLDEST_VERSION = '1.8.0';

/**
 * The version that the binary itself reports, such as `1.9.1`; undefined when it is not a Temporal CLI or does not run.
 *
 * @param {string} binary
 * @returns {Promise<string | undefined>}
 */
export async function versionOf(binary) {
  const ran = await run(binary, ['--version'], { timeoutMs: 20_000 });
  return ran.code === 0 ? /^temporal version v?(\d+\.\d+\.\d+)/m.exec(ran.stdout)?.[1] : undefined;
}

/**
 * @param {string} version
 * @param {string} least
 */
export function isAtLeast(version, least) {
  const [found, wanted] = [version, least].map((text) => text.split('.').map(Number));
  for (const [place, number] of (wanted ?? []).entries()) {
    const difference = (found?.[place] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return true;
}

/**
 * Where the shell would find `program`, first match first.
 *
 * @param {string} program
 * @param {NodeJS.ProcessEnv} env
 */
export function onPath(program, env) {
  return (env['PATH'] ?? '')
    .split(path.delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => path.resolve(folder, program))
    .filter(isExecutableFile);
}

/** @param {string} file */
function isExecutableFile(file) {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
