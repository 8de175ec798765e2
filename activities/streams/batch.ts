import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { type Framed, Frames } from './frames.ts';
import type { StreamRecord } from './port.ts';
import { RawFile } from './raw-file.ts';

/** Records of one commit, whole on disk: framed, and as they came. */
export interface BatchFiles {
  readonly framed: Framed;
  readonly raw: { readonly path: string; readonly bytes: number; readonly sha256: string };
}

/** Records on their way into one commit. Pages may be added at once; each stays together and in order. */
export class Batch {
  readonly #frames: Frames;
  readonly #raw: RawFile;

  /** A folder of its own, which is made. */
  constructor(folder: string) {
    mkdirSync(folder, { recursive: true });
    this.#frames = new Frames(path.join(folder, 'framed'));
    this.#raw = new RawFile(path.join(folder, 'raw.ndjson.gz'));
  }

  get records(): number {
    return this.#frames.records;
  }

  /** Of payloads, those of user records where a record holds several. */
  get bytes(): number {
    return this.#frames.bytes;
  }

  async add(channel: string, records: readonly StreamRecord[]): Promise<void> {
    // Both settle before an error passes: neither may still write when the folder goes.
    const added = await Promise.allSettled([
      this.#frames.add(channel, records),
      this.#raw.add(channel, records),
    ]);
    for (const one of added) if (one.status === 'rejected') throw one.reason;
  }

  /** Everything, whole on disk. Call once, after every `add`. */
  async finish(): Promise<BatchFiles> {
    const framed = await this.#frames.finish();
    return { framed, raw: await this.#raw.end() };
  }

  /** Closes what is open, for a batch that is given up. */
  async discard(): Promise<void> {
    await this.#frames.discard();
    await this.#raw.end().catch(() => undefined);
  }
}
