import type { DuckDb } from '../duckdb.ts';

interface Busy {
  readonly db: DuckDb;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/** DuckDB works on its own threads: heartbeats go on, and a cancellation reaches it. */
export async function busy<T>({ db, signal, onProgress }: Busy, work: () => Promise<T>): Promise<T> {
  const beat = setInterval(onProgress, 5000);
  const stop = () => db.interrupt();
  signal.addEventListener('abort', stop);
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(beat);
    signal.removeEventListener('abort', stop);
  }
}
