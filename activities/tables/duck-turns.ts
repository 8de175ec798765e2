import { type DuckDb, type DuckDbOptions, withDuckDb } from '../duckdb.ts';

interface Opened {
  readonly db: DuckDb;
  close(): Promise<void>;
}

/** A few DuckDBs on which pieces of work take turns. Opening one costs as much as a small landing: they stay until `close`. */
export class DuckTurns {
  readonly #options: DuckDbOptions;
  readonly #waiting: (() => void)[] = [];
  readonly #idle: Opened[] = [];
  #free: number;

  /** `width` of them at most, each with these options. */
  constructor(options: DuckDbOptions, width: number) {
    this.#options = options;
    this.#free = width;
  }

  /** Who uses one leaves no table behind that another would meet. After a failure it is used no more. */
  async take<T>(work: (db: DuckDb) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => void this.#waiting.push(resolve));
    try {
      const opened = this.#idle.pop() ?? (await open(this.#options));
      try {
        const result = await work(opened.db);
        this.#idle.push(opened);
        return result;
      } catch (error) {
        await opened.close();
        throw error;
      }
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  /** The caller owes it once no work is left. */
  async close(): Promise<void> {
    for (const opened of this.#idle.splice(0)) await opened.close();
  }
}

function open(options: DuckDbOptions): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const closed = withDuckDb(
      options,
      (db) =>
        new Promise<void>((release) => {
          resolve({
            db,
            async close() {
              release();
              await closed;
            },
          });
        }),
    );
    closed.catch(reject);
  });
}
