import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';

export interface DuckDbOptions {
  /** Of this instance; what does not fit spills to `scratch`. */
  readonly memoryMb: number;
  readonly threads: number;
  /** An existing folder of the caller's own. */
  readonly scratch: string;
}

/** One query's rows with DuckDB's JSON conventions: big integers, decimals and timestamps as text. */
export type Row = Readonly<Record<string, unknown>>;

/**
 * Run `work` on a DuckDB instance of its own, closed afterwards. The session's time zone is UTC; nothing is ever
 * installed or loaded over the network.
 */
export async function withDuckDb<T>(options: DuckDbOptions, work: (db: DuckDb) => Promise<T>): Promise<T> {
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: `${options.memoryMb}MB`,
    threads: String(options.threads),
    temp_directory: options.scratch,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  try {
    const connection = await instance.connect();
    try {
      await connection.run("SET TimeZone='UTC'");
      return await work(new DuckDb(connection));
    } finally {
      connection.closeSync();
    }
  } finally {
    instance.closeSync();
  }
}

/** A connection that speaks plain rows. */
export class DuckDb {
  readonly #connection: DuckDBConnection;

  constructor(connection: DuckDBConnection) {
    this.#connection = connection;
  }

  async run(sql: string): Promise<void> {
    await this.#connection.run(sql);
  }

  async rows(sql: string): Promise<readonly Row[]> {
    const reader = await this.#connection.runAndReadAll(sql);
    return reader.getRowObjectsJson();
  }

  /** Column names and types, with the rows: for people and `--json`. */
  async table(
    sql: string,
  ): Promise<{ readonly columns: readonly { name: string; type: string }[]; readonly rows: readonly Row[] }> {
    const reader = await this.#connection.runAndReadAll(sql);
    const names = reader.deduplicatedColumnNames();
    const columns = names.map((name, index) => ({ name, type: reader.columnType(index).toString() }));
    return { columns, rows: reader.getRowObjectsJson() };
  }

  /** Stop what runs now: its promise rejects. */
  interrupt(): void {
    this.#connection.interrupt();
  }
}
