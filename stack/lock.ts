import { execFileSync } from 'node:child_process';
import { linkSync, readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The data folder is this process's until the returned function is called. Throws when another live process
 * holds it; the lock of a dead one is taken over. A process is its id and its start time, for ids are reused.
 */
export function lockFolder(dir: string): () => void {
  const path = join(dir, 'lock');
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) ?? 'unknown' });
  for (let attempt = 0; attempt < 3; attempt += 1) {
    if (create(path, mine)) return () => release(path, mine);
    takeOver(dir, path);
  }
  throw new Error(`${path} is being contended for: start one stack on this folder`);
}

function create(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a dead process's lock. Moved away first, so that of two who find it dead one cannot remove the other's. */
function takeOver(dir: string, path: string): void {
  const found = read(path);
  if (found === undefined) return;
  const { pid, started } = parse(found);
  if (pid !== undefined && startOf(pid) === started) {
    throw new Error(`${dir} is in use by process ${pid}: stop it, or choose another data folder`);
  }
  const moved = `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    renameSync(path, moved);
    if (read(moved) !== found) linkSync(moved, path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    remove(moved);
  }
}

function release(path: string, mine: string): void {
  if (read(path) === mine) remove(path);
}

/** When a process started, in whatever unit the system has; undefined when there is no such process. */
function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = read(`/proc/${pid}/stat`);
    // The command, in brackets, may hold spaces and brackets of its own. State and start are 1 and 20 after it.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields === undefined || fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19];
  }
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}

function parse(text: string): { pid?: number; started?: string } {
  try {
    return JSON.parse(text) as { pid?: number; started?: string };
  } catch {
    return {};
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ESRCH') return undefined;
    throw error;
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
