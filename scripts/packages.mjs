import { spawn } from 'node:child_process';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { stopwatch } from './temporal/find.mjs';

/**
 * Afterwards node_modules holds what package-lock.json says. Costs some milliseconds when it did already. Two at once
 * in one clone take turns.
 *
 * @param {string} root
 * @param {(line: string) => void} say
 */
export async function installPackages(root, say) {
  if (await isInstalled(root)) return;
  await inTurn(path.join(root, '.tributary', 'install.lock'), say, async () => {
    if (await isInstalled(root)) return;
    const took = stopwatch();
    say('installing packages: npm ci --ignore-scripts');
    await npmCi(root);
    say(`  installed in ${took()}`);
  });
}

/**
 * Whether each package of the lock file is there in its version. What npm leaves out for other platforms is no loss.
 *
 * @param {string} root
 */
export async function isInstalled(root) {
  const [wanted, found] = await Promise.all([
    packagesOf(path.join(root, 'package-lock.json')),
    packagesOf(path.join(root, 'node_modules', '.package-lock.json')),
  ]);
  for (const [place, { version, optional }] of wanted) {
    const there = found.get(place);
    if (there ? there.version !== version : !optional) return false;
  }
  return wanted.size > 0;
}

/**
 * @param {string} file
 * @returns {Promise<Map<string, { version?: string, optional?: boolean }>>}
 */
async function packagesOf(file) {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const packages = Object.entries(JSON.parse(text).packages ?? {});
  return new Map(packages.filter(([place]) => place !== ''));
}

/**
 * @param {string} root
 * @returns {Promise<void>}
 */
function npmCi(root) {
  return new Promise((resolve, reject) => {
    // stdout is kept clean: whoever calls set-up may be read by a program.
    const child = spawn('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: root,
      stdio: ['ignore', process.stderr, 'inherit'],
    });
    child.once('error', (error) => reject(new Error(`npm could not be started: ${error.message}`)));
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`npm ci --ignore-scripts in ${root} ended with ${code}`)),
    );
  });
}

/**
 * Hold a lock file while working. One whose holder has died is taken over.
 *
 * @param {string} lock
 * @param {(line: string) => void} say
 * @param {() => Promise<void>} work
 */
export async function inTurn(lock, say, work) {
  await mkdir(path.dirname(lock), { recursive: true });
  let told = false;
  while (!(await take(lock))) {
    const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
    if (holder > 0 && !isAlive(holder)) {
      // By rename: of two who see the dead holder, only one moves this very file.
      await rename(lock, `${lock}.${process.pid}`).catch(() => undefined);
      await rm(`${lock}.${process.pid}`, { force: true });
      continue;
    }
    if (!told) say(`waiting for the set-up that process ${holder} does`);
    told = true;
    await wait(200);
  }
  try {
    await work();
  } finally {
    await rm(lock, { force: true });
  }
}

/** @param {string} lock */
async function take(lock) {
  try {
    await writeFile(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
