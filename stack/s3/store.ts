import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, renameSync, rmSync, unlink } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { type Entry, Log } from './log.ts';
import type { BodyFile, Change, Version } from './model.ts';
import { State } from './state.ts';

/** Bodies below this many bytes stand in the log: one write instead of a file each. */
export const LARGEST_INLINE_BYTES = 16_383;
const SYNC_EVERY_MS = 1_000;
const READ_BYTES = 512 << 10;

/**
 * All of S3's data in one folder: a log of changes and a file per larger body. What `commit` returned for is
 * still there after kill -9; the machine may take back the last second.
 */
export class Store {
  readonly state: State;
  readonly #log: Log;
  readonly #bodies: string;
  readonly #timer: NodeJS.Timeout;

  constructor(dir: string) {
    this.#bodies = join(dir, 'bodies');
    mkdirSync(this.#bodies, { recursive: true });
    let isLoaded = false;
    this.state = new State((file) => {
      if (isLoaded) unlink(this.#pathOf(file), () => {});
    });
    this.#log = openLog(dir, this.state);
    isLoaded = true;
    for (const file of readdirSync(this.#bodies)) {
      if (!this.state.isUsed(file)) rmSync(this.#pathOf(file), { force: true });
    }
    this.#timer = setInterval(() => this.#log.sync(), SYNC_EVERY_MS).unref();
  }

  /** Makes the change durable and visible, in this turn of the event loop: what was checked before still holds. */
  commit(changes: readonly Change[], inline?: Buffer): void {
    const positions = this.#log.append(
      changes.map((record, i): Entry => ({
        record,
        ...(i === 0 && inline ? { bytes: inline } : {}),
      })),
    );
    changes.forEach((change, i) => {
      if (change.type === 'put') change.version.inlineAt = positions[i] ?? 0;
      this.state.apply(change);
    });
  }

  /** A new body file. Whoever asks writes it, closes it, and removes it if no commit is to name it. */
  async createBody(): Promise<{ id: string; file: FileHandle }> {
    const id = randomBytes(12).toString('hex');
    return { id, file: await open(this.#pathOf(id), 'wx') };
  }

  removeBody(id: string): void {
    unlink(this.#pathOf(id), () => {});
  }

  /** The bytes from `start` up to `end`, not included. They stay, whatever is deleted, until the stream closes. */
  read(version: Version, start: number, end: number): Readable {
    if (version.files.length === 0) return Readable.from([this.readInline(version).subarray(start, end)]);
    this.state.hold(version.files);
    const stream = Readable.from(this.#readFiles(version.files, start, end));
    return stream.once('close', () => this.state.release(version.files));
  }

  /** The whole body of a version that stands in the log. */
  readInline(version: Version): Buffer {
    return this.#log.read(version.inlineAt ?? 0, version.size);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#log.close();
  }

  async *#readFiles(files: readonly BodyFile[], start: number, end: number): AsyncGenerator<Buffer> {
    let offset = 0;
    for (const file of files) {
      const [from, to] = [Math.max(start - offset, 0), Math.min(end - offset, file.size)];
      if (from < to) yield* this.#readFile(file, from, to);
      offset += file.size;
    }
  }

  async *#readFile({ id }: BodyFile, start: number, end: number): AsyncGenerator<Buffer> {
    const file = await open(this.#pathOf(id));
    try {
      for (let at = start; at < end;) {
        const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, end - at));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
        if (bytesRead === 0) throw new Error(`${this.#pathOf(id)} ends at ${at}, before ${end}`);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  #pathOf(file: string): string {
    return join(this.#bodies, file);
  }
}

/** Loads the log into the state, and writes it anew when most of it is history. */
function openLog(dir: string, state: State): Log {
  const path = join(dir, 'log');
  const log = new Log(path);
  let entries = 0;
  log.load((record, bytesAt) => {
    // Written by `commit` alone and held to its checksum.
    const change = record as Change;
    if (change.type === 'put') change.version.inlineAt = bytesAt;
    state.apply(change);
    entries += 1;
  });
  let [live, liveBytes] = [0, 0];
  for (const change of state.asChanges()) {
    live += 1;
    if (change.type === 'put' && change.version.files.length === 0) liveBytes += change.version.size;
  }
  const isMostlyHistory =
    entries > 2 * live + 1_000 || log.sizeBytes > 2 * (liveBytes + live * 1_000) + (32 << 20);
  return isMostlyHistory ? rewrite(path, log, state) : log;
}

function rewrite(path: string, old: Log, state: State): Log {
  const next = `${path}.next`;
  rmSync(next, { force: true });
  const log = new Log(next);
  for (const change of state.asChanges()) {
    const inline = change.type === 'put' && change.version.files.length === 0 && !change.version.isMarker;
    const bytes = inline ? old.read(change.version.inlineAt ?? 0, change.version.size) : undefined;
    const [at] = log.append([{ record: change, ...(bytes ? { bytes } : {}) }]);
    if (change.type === 'put') change.version.inlineAt = at ?? 0;
  }
  log.sync();
  renameSync(next, path);
  old.close();
  const folder = openSync(join(path, '..'), 'r');
  fsyncSync(folder);
  closeSync(folder);
  return log;
}
