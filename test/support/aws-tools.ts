import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from '../../scripts/temporal/cache.mjs';

const run = promisify(execFile);
/** Both need the same botocore. */
const PACKAGES = ['awscli==1.45.40', 'boto3==1.43.40'];
const LARGEST_OUTPUT_BYTES = 16 << 20;

export type AwsTools =
  | { readonly kind: 'here'; readonly python: string }
  /** Why not: no Python, or no PyPI to install from. */
  | { readonly kind: 'missing'; readonly reason: string };

/** The AWS CLI and boto3, in a virtual environment beside the other servers of the cache; installed once. */
export async function awsTools(): Promise<AwsTools> {
  const version = await run('python3', [
    '-c',
    'import sys, venv, ensurepip; print(sys.version.split()[0])',
  ]).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (version === undefined) return { kind: 'missing', reason: 'no python3 with venv on PATH' };
  const folder = cacheFolder(process.env);
  const home = path.join(folder, ['python', version, ...PACKAGES].join('-').replaceAll('==', '-'));
  const python = path.join(home, 'bin', 'python');
  if (await isWhole(python)) return { kind: 'here', python };
  try {
    await install(folder, home, python);
  } catch (error) {
    const [first = ''] = String(error instanceof Error ? error.message : error)
      .split('\n')
      .filter((line) => line.startsWith('ERROR'));
    return { kind: 'missing', reason: `PyPI gave no ${PACKAGES.join(' and ')}: ${first}` };
  }
  return { kind: 'here', python };
}

/** Whole or not at all: two runs at once both end with a good one. */
async function install(folder: string, home: string, python: string): Promise<void> {
  const draft = path.join(folder, `draft-${randomUUID()}`);
  try {
    await mkdir(folder, { recursive: true });
    await run('python3', ['-m', 'venv', draft]);
    const quick = [
      '--disable-pip-version-check',
      '--no-input',
      '--quiet',
      '--retries',
      '1',
      '--timeout',
      '15',
    ];
    const pip = ['-m', 'pip', 'install', ...quick, '--only-binary', ':all:', ...PACKAGES];
    await run(path.join(draft, 'bin', 'python'), pip);
    await rename(draft, home).catch(async (error: unknown) => {
      if (await isWhole(python)) return;
      throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

async function isWhole(python: string): Promise<boolean> {
  return run(python, ['-c', 'import awscli, boto3']).then(
    () => true,
    () => false,
  );
}

/** What a program of that Python printed. Rejects with what it said when it fails. */
export async function runPython(
  python: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { stdout } = await run(python, [...args], { env, maxBuffer: LARGEST_OUTPUT_BYTES });
  return stdout;
}
