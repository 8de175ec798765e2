import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { versionOf } from './binary.mjs';

/**
 * Outside the repository, so that every clone shares it.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function cacheFolder(env) {
  if (env['TRIBUTARY_CACHE']) return path.resolve(env['TRIBUTARY_CACHE']);
  return path.join(env['XDG_CACHE_HOME'] || path.join(env['HOME'] || homedir(), '.cache'), 'tributary');
}

/**
 * The cached binary of this version, when it still has the digest it was kept with; undefined otherwise.
 *
 * @param {string} folder
 * @param {string} version
 * @returns {Promise<string | undefined>}
 */
export async function fromCache(folder, version) {
  const home = path.join(folder, `temporal-${version}`);
  const binary = path.join(home, 'temporal');
  try {
    const kept = (await readFile(path.join(home, 'sha256'), 'utf8')).trim();
    return kept === (await sha256Of(binary)) ? binary : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Put a binary into the cache, whole or not at all: two set-ups at once both end with a good one. Returns its path.
 * Rejects what reports another version than it should.
 *
 * @param {string} folder
 * @param {string} version
 * @param {Buffer} content
 * @returns {Promise<string>}
 */
export async function intoCache(folder, version, content) {
  const home = path.join(folder, `temporal-${version}`);
  const draft = path.join(folder, `draft-${randomUUID()}`);
  try {
    await mkdir(draft, { recursive: true });
    await writeFile(path.join(draft, 'temporal'), content);
    await chmod(path.join(draft, 'temporal'), 0o755);
    const reported = await versionOf(path.join(draft, 'temporal'));
    if (reported !== version) throw new Error(`it reports version ${reported ?? '(none)'}, not ${version}`);
    await writeFile(path.join(draft, 'sha256'), `${sha256(content)}\n`);
    await moveInto(draft, home, () => fromCache(folder, version));
    return path.join(home, 'temporal');
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/**
 * @param {string} draft
 * @param {string} home
 * @param {() => Promise<string | undefined>} isGood
 */
async function moveInto(draft, home, isGood) {
  for (;;) {
    try {
      return await rename(draft, home);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    }
    if (await isGood()) return undefined;
    // A damaged one stands there: take it away by rename, which only one of two racers manages.
    const away = `${draft}-damaged`;
    await rename(home, away).catch(() => undefined);
    await rm(away, { recursive: true, force: true });
  }
}

/** @param {Buffer} content */
export function sha256(content) {
  return createHash('sha256').update(content).digest('hex');
}

/** @param {string} file */
async function sha256Of(file) {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}
