import { createGunzip } from 'node:zlib';
import type { FileFormat } from '../../lake/spec.ts';
import { Unframeable } from './framing.ts';

/** Turns a file's bytes as they come into the bytes that are framed. Throws `Unframeable` on broken ones. */
export interface Decoder {
  push(chunk: Buffer): Promise<readonly Buffer[]>;
  end(): Promise<readonly Buffer[]>;
}

/** By its name: what ends in `.gz` is gunzipped, unless nobody looks into it. */
export function decoderFor(item: string, format: FileFormat): Decoder {
  return item.endsWith('.gz') && !('raw' in format) ? new Gunzip() : PLAIN;
}

const PLAIN: Decoder = {
  push: async (chunk) => [chunk],
  end: async () => [],
};

/** So much goes in at once: it may come out a thousand times larger, and waits in memory until it is framed. */
const STEP_BYTES = 32 * 1024;

class Gunzip implements Decoder {
  readonly #gunzip = createGunzip({ chunkSize: 256 * 1024 });
  #out: Buffer[] = [];
  #in = 0;
  #isOver = false;
  #error: Error | undefined;
  readonly #ended: Promise<void>;

  constructor() {
    this.#gunzip.on('data', (chunk: Buffer) => this.#out.push(chunk));
    this.#ended = new Promise<void>((resolve) => {
      this.#gunzip.once('end', resolve);
      this.#gunzip.once('error', (error) => {
        this.#error = error;
        resolve();
      });
    }).then(() => {
      this.#isOver = true;
    });
  }

  async push(chunk: Buffer): Promise<readonly Buffer[]> {
    for (let at = 0; at < chunk.length; at += STEP_BYTES) {
      const step = chunk.subarray(at, at + STEP_BYTES);
      this.#in += step.length;
      if (this.#isOver) continue;
      // After an error, or bytes beyond its end, zlib calls nobody back.
      const written = new Promise<void>((resolve) => void this.#gunzip.write(step, () => resolve()));
      await Promise.race([written, this.#ended]);
      this.#check();
    }
    return this.#taken();
  }

  async end(): Promise<readonly Buffer[]> {
    if (!this.#isOver) this.#gunzip.end();
    await this.#ended;
    this.#check();
    const left = this.#in - this.#gunzip.bytesWritten;
    if (left > 0) throw new Unframeable(`${left} bytes follow the end of its gzip data; right would be none`);
    return this.#taken();
  }

  #taken(): readonly Buffer[] {
    const out = this.#out;
    this.#out = [];
    return out;
  }

  #check(): void {
    if (!this.#error) return;
    const { message } = this.#error;
    throw new Unframeable(
      `after ${this.#in} bytes, gunzip says "${message}"; right would be a whole gzip file`,
    );
  }
}
