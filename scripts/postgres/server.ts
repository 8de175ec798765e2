import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { freePorts } from '../temporal/ports.mjs';
import { findPostgres, isReachable } from './binaries.ts';

export interface PostgresOptions {
  /** Keeps the database between starts. A temporary one, gone after `stop`, unless given. */
  readonly dataDir?: string;
  /** A free one unless given. */
  readonly port?: number;
}

export interface Postgres {
  readonly port: number;
  /** `postgresql://postgres@127.0.0.1:<port>/postgres`: no password is asked for on the loopback. */
  readonly url: string;
  readonly pid: number;
  /** Ends this server and no other; resolves when it is gone. May be called again. */
  stop(): Promise<void>;
  /** The server dies as by kill -9; its data stays until `stop`. */
  kill(): Promise<void>;
}

const KEEPER = fileURLToPath(new URL('keeper.mjs', import.meta.url));
const READY_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_replication_slots: '32',
  max_wal_senders: '32',
  shared_buffers: '32MB',
  // What is killed here are processes, never the machine.
  fsync: 'off',
} as const;

/**
 * A Postgres on 127.0.0.1 that can replicate logically, made and started with the programs that `findPostgres` finds.
 * Should this process end without a `stop`, even by SIGKILL, the server ends too. Rejects with the server's last words.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binaries = await findPostgres();
  const identity = await identityOfServer();
  const home = await homeFor(options, identity);
  const data = path.join(home, 'data');
  if (!existsSync(path.join(data, 'PG_VERSION'))) {
    const args = ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'];
    await promisify(execFile)(binaries.initdb, args, { cwd: '/', ...identity });
  }
  const port = options.port ?? (await freePorts(1))[0] ?? 0;
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = path.join(home, 'postgres.log');
  const keeper = keep(log, identity, [binaries.postgres, '-D', data, '-p', String(port), ...settings]);
  const pid = await Promise.race([once(keeper, 'exit').then(() => 0), pidOf(keeper)]);
  const stop = async (): Promise<void> => {
    await ended(keeper, () => keeper.stdin?.end());
    if (options.dataDir === undefined) await rm(home, { recursive: true, force: true });
  };
  if (pid === 0 || !(await isReady(path.join(data, 'postmaster.pid'), pid, keeper))) {
    const words = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
    await stop();
    throw new Error(`Postgres did not start on port ${port} (${binaries.postgres}):\n${words}`);
  }
  return {
    port,
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    pid,
    stop,
    kill: () => ended(keeper, () => process.kill(pid, 'SIGKILL')),
  };
}

interface Identity {
  readonly uid?: number;
  readonly gid?: number;
}

/** Postgres refuses to run as root: then it runs as the first of these users that the machine has. */
async function identityOfServer(): Promise<Identity> {
  if (process.getuid?.() !== 0) return {};
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const found = users.find(([user]) => user === name);
    if (found) return { uid: Number(found[2]), gid: Number(found[3]) };
  }
  throw new Error('root cannot run Postgres, and /etc/passwd has neither postgres nor nobody: run as a user');
}

async function homeFor({ dataDir }: PostgresOptions, { uid, gid }: Identity): Promise<string> {
  const home = dataDir ?? (await mkdtemp(path.join(tmpdir(), 'tributary-postgres-')));
  await mkdir(home, { recursive: true });
  if (uid === undefined || gid === undefined) return home;
  if (!isReachable(path.dirname(path.resolve(home)))) {
    throw new Error(
      `${home} is below a private folder, which root's Postgres cannot enter: name another one`,
    );
  }
  await chown(home, uid, gid);
  return home;
}

function keep(log: string, { uid = -1, gid = -1 }: Identity, command: readonly string[]): ChildProcess {
  const file = openSync(log, 'a');
  // A session of its own, so that Ctrl-C reaches those first who use it.
  const keeper = spawn(process.execPath, [KEEPER, String(uid), String(gid), ...command], {
    stdio: ['pipe', 'pipe', file],
    detached: true,
  });
  closeSync(file);
  return keeper;
}

async function pidOf(keeper: ChildProcess): Promise<number> {
  const [line]: unknown[] = keeper.stdout ? await once(keeper.stdout, 'data') : [];
  return Number(String(line));
}

async function ended(keeper: ChildProcess, act: () => unknown): Promise<void> {
  if (keeper.exitCode !== null || keeper.signalCode !== null) return;
  const exit = once(keeper, 'exit');
  act();
  await exit;
}

/** The server writes `ready` into its pid file when it takes connections; a dead one's file names another pid. */
async function isReady(pidFile: string, pid: number, keeper: ChildProcess): Promise<boolean> {
  const until = Date.now() + READY_WITHIN_MS;
  while (Date.now() < until && keeper.exitCode === null) {
    const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
    if (Number(lines[0]) === pid && lines[7]?.trim() === 'ready') return true;
    await wait(LOOK_EVERY_MS);
  }
  return false;
}
