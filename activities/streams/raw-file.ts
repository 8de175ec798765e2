import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { areUtf8 } from './plain.ts';
import type { StreamRecord } from './port.ts';

/** A raw object in the making: records as they came, a line of JSON each, gzipped into a local file. */
export class RawFile {
  readonly #path: string;
  // Level 1: what it saves over no compression is most of what there is to save, at half the time of the default.
  readonly #gzip = createGzip({ level: 1, chunkSize: 256 * 1024 });
  readonly #sha256 = createHash('sha256');
  readonly #done: Promise<void>;
  #bytes = 0;
  #ended: Promise<{ path: string; bytes: number; sha256: string }> | undefined;

  /** `path` must not exist, its folder must. */
  constructor(path: string) {
    this.#path = path;
    this.#gzip.on('data', (chunk: Buffer) => {
      this.#sha256.update(chunk);
      this.#bytes += chunk.length;
    });
    this.#done = pipeline(this.#gzip, createWriteStream(path, { flags: 'wx' }));
    // Heard of at the end, or with the next write.
    this.#done.catch(() => undefined);
  }

  /** Pages may be added at once; each stays together and in order. */
  async add(channel: string, records: readonly StreamRecord[]): Promise<void> {
    const lines = Buffer.from(linesOf(channel, records));
    await new Promise<void>((resolve, reject) => {
      this.#gzip.write(lines, (error) => (error ? reject(error) : resolve()));
    });
  }

  /** All of it, closed. */
  end(): Promise<{ path: string; bytes: number; sha256: string }> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end() {
    this.#gzip.end();
    await this.#done;
    return { path: this.#path, bytes: this.#bytes, sha256: this.#sha256.digest('hex') };
  }
}

function linesOf(channel: string, records: readonly StreamRecord[]): string {
  const prefix = `","channel":${JSON.stringify(channel)},"position":"`;
  const allUtf8 = areUtf8(records);
  let arrivedAtMs = Number.NaN;
  let arrival = '';
  let lines = '';
  for (const record of records) {
    const { sequence, data } = record;
    // Whole pages arrive at one time.
    if (record.arrivedAtMs !== arrivedAtMs) {
      arrivedAtMs = record.arrivedAtMs;
      arrival = new Date(arrivedAtMs).toISOString();
    }
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const payload =
      allUtf8 || isUtf8(bytes)
        ? `"text":${JSON.stringify(bytes.toString('utf8'))}`
        : `"base64":"${bytes.toString('base64')}"`;
    lines += `{"arrival":"${arrival}${prefix}${sequence}",${payload}}\n`;
  }
  return lines;
}
