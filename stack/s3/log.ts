import { closeSync, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { crc32 } from 'node:zlib';

/** One line of the log: a JSON value, and bytes that ride along. */
export interface Entry {
  readonly record: unknown;
  readonly bytes?: Buffer;
}

const WINDOW = 4 << 20;
const LONGEST_HEAD = 64;

/**
 * An append-only file. An entry is `crc json-size bytes-size\n`, the JSON, the bytes and a line feed. What `append`
 * returned for survives the death of the process; of the machine, only after `sync`.
 */
export class Log {
  readonly #fd: number;
  #end = 0;
  #isDirty = false;

  constructor(path: string) {
    this.#fd = openSync(path, 'a+');
  }

  get sizeBytes(): number {
    return this.#end;
  }

  /**
   * Gives every whole entry with the position of its bytes, and cuts off what follows the last one: a torn write,
   * which nobody was answered for. Call it once, before the first append.
   */
  load(visit: (record: unknown, bytesAt: number, bytesSize: number) => void): void {
    const total = fstatSync(this.#fd).size;
    let [window, windowAt, at] = [Buffer.alloc(0), 0, 0];
    const need = (size: number): Buffer | undefined => {
      if (at + size > total) return undefined;
      if (at + size > windowAt + window.length) {
        window = Buffer.allocUnsafe(Math.min(Math.max(WINDOW, size), total - at));
        windowAt = at;
        readFully(this.#fd, window, at);
      }
      return window.subarray(at - windowAt, at - windowAt + size);
    };
    for (;;) {
      const head = need(Math.min(LONGEST_HEAD, total - at));
      const line = head && parseHead(head);
      const content =
        line && need(line.headSize + line.jsonSize + line.bytesSize + 1)?.subarray(line.headSize);
      if (!line || !content || content.at(-1) !== 10 || crc32(content.subarray(0, -1)) !== line.crc) break;
      const record: unknown = JSON.parse(content.toString('utf8', 0, line.jsonSize));
      visit(record, at + line.headSize + line.jsonSize, line.bytesSize);
      at += line.headSize + content.length;
    }
    if (at < total) ftruncateSync(this.#fd, at);
    this.#end = at;
  }

  /** Writes the entries in one piece; returns where the bytes of each now are. */
  append(entries: readonly Entry[]): number[] {
    const pieces: Buffer[] = [];
    const positions: number[] = [];
    let end = this.#end;
    for (const { record, bytes } of entries) {
      const json = Buffer.from(JSON.stringify(record));
      const size = bytes?.length ?? 0;
      const crc = bytes ? crc32(bytes, crc32(json)) : crc32(json);
      const head = Buffer.from(`${crc.toString(16)} ${json.length} ${size}\n`);
      positions.push(end + head.length + json.length);
      end += head.length + json.length + size + 1;
      pieces.push(head, json, ...(bytes ? [bytes] : []), LINE_FEED);
    }
    const whole = Buffer.concat(pieces);
    let written = 0;
    try {
      while (written < whole.length) written += writeSync(this.#fd, whole, written);
    } catch (error) {
      // A full disk: half an entry must not stand before the next one.
      ftruncateSync(this.#fd, this.#end);
      throw error;
    }
    this.#end = end;
    this.#isDirty = true;
    return positions;
  }

  read(at: number, size: number): Buffer {
    const bytes = Buffer.allocUnsafe(size);
    readFully(this.#fd, bytes, at);
    return bytes;
  }

  sync(): void {
    if (this.#isDirty) fdatasyncSync(this.#fd);
    this.#isDirty = false;
  }

  close(): void {
    this.sync();
    closeSync(this.#fd);
  }
}

const LINE_FEED = Buffer.from('\n');

function parseHead(
  bytes: Buffer,
): { headSize: number; crc: number; jsonSize: number; bytesSize: number } | undefined {
  const end = bytes.indexOf(10);
  const found = end < 0 ? null : /^([0-9a-f]{1,8}) (\d+) (\d+)$/.exec(bytes.toString('latin1', 0, end));
  if (!found) return undefined;
  const [, crc = '', jsonSize, bytesSize] = found;
  return {
    headSize: end + 1,
    crc: Number.parseInt(crc, 16),
    jsonSize: Number(jsonSize),
    bytesSize: Number(bytesSize),
  };
}

function readFully(fd: number, into: Buffer, position: number): void {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, position + done);
    if (count === 0) throw new Error(`the log ends at ${position + done}, before ${position + into.length}`);
    done += count;
  }
}
