import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { type DuckDb, type DuckDbOptions, withDuckDb } from '../duckdb.ts';

export interface Work {
  readonly db: DuckDb;
  /** A folder that is gone afterwards. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

/** Well below any heartbeat timeout of `workflows/policies.ts`. */
const BEAT_MS = 5_000;

/** Run `work` on a DuckDB of its own that ends with the activity, with heartbeats while a statement runs. */
export async function inScratch<T>(duck: DuckDbOptions, work: (work: Work) => Promise<T>): Promise<T> {
  const signal = cancellationSignal();
  const folder = await mkdtemp(join(duck.scratch, 'builds-'));
  const beat = setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await withDuckDb({ ...duck, scratch: folder }, async (db) => {
      const stop = () => db.interrupt();
      signal.addEventListener('abort', stop);
      try {
        await db.run('SET preserve_insertion_order=false');
        return await work({ db, folder, signal });
      } catch (error) {
        signal.throwIfAborted();
        throw error;
      } finally {
        signal.removeEventListener('abort', stop);
      }
    });
  } finally {
    clearInterval(beat);
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Length and hex sha256 of a file. */
export async function digestOf(path: string): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 }) as AsyncIterable<Buffer>) {
    hash.update(chunk);
    bytes += chunk.byteLength;
  }
  return { bytes, sha256: hash.digest('hex') };
}
