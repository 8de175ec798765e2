import { Client } from 'pg';
import { databaseLiteral, databaseTable } from '../../lake/sql/compare-table.ts';

type Texts = readonly (readonly (string | null)[])[];

interface Column {
  readonly name: string;
  readonly type: string;
  readonly form: string;
  readonly notNull: boolean;
}

/** Everything comes as the text that Postgres writes. */
const AS_TEXT = { getTypeParser: () => (text: string | Buffer) => String(text) };
const ROWS_AT_A_TIME = 5_000;
const CONNECT_WITHIN_MS = 20_000;

/** Postgres, read in snapshots. Each has a connection of its own, which is gone afterwards. */
export class PostgresDatabase {
  readonly #url: string;

  /** `postgresql://…`: it holds a password, so it goes nowhere but to the driver. */
  constructor(url: string) {
    this.#url = url;
  }

  async snapshot<T>(work: (snapshot: PostgresSnapshot) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const client = new Client({
      connectionString: this.#url,
      application_name: 'tributary',
      connectionTimeoutMillis: CONNECT_WITHIN_MS,
      types: AS_TEXT,
    });
    // A connection that breaks while nothing is asked of it fails the next thing asked.
    client.on('error', () => undefined);
    const end = () => void client.end();
    signal.addEventListener('abort', end);
    try {
      await client.connect();
      return await work(await PostgresSnapshot.take(client));
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', end);
      await client.end();
    }
  }
}

/** What stood in the database at one moment. */
export class PostgresSnapshot {
  readonly #client: Client;
  readonly at: string;
  readonly lsn: string;

  private constructor(client: Client, at: string, lsn: string) {
    this.#client = client;
    this.at = at;
    this.lsn = lsn;
  }

  static async take(client: Client): Promise<PostgresSnapshot> {
    const settings = ["TimeZone TO 'UTC'", "DateStyle TO 'ISO, YMD'", "IntervalStyle TO 'postgres'"];
    settings.push("bytea_output TO 'hex'", 'extra_float_digits TO 1', 'statement_timeout TO 0');
    // pg_get_expr and casts of text find types of any schema by their whole names.
    await client.query(settings.map((setting) => `SET ${setting}`).join('; '));
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const [row] = await texts(
      client,
      `SELECT to_char(clock_timestamp(), 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), current_setting('server_encoding'),
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END::text`,
    );
    const [at, encoding, lsn] = row ?? [];
    // Lengths and hashes are of the bytes that the server has.
    if (encoding !== 'UTF8')
      throw new Error(`the database's encoding is ${encoding}: only UTF8 can be compared`);
    return new PostgresSnapshot(client, at ?? '', lsn ?? '');
  }

  async columnsOf(table: string): Promise<readonly Column[] | undefined> {
    const name = `to_regclass(${databaseLiteral(databaseTable(table))})`;
    const found = await texts(
      this.#client,
      `SELECT a.attname, b.typname, format_type(a.atttypid, a.atttypmod), a.attnotnull
       FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
         JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
       WHERE a.attrelid = ${name} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`,
    );
    if (found.length === 0) return undefined;
    return found.map(([own, type, form, notNull]) => ({
      name: own ?? '',
      type: type ?? '',
      form: form ?? '',
      notNull: notNull === 't',
    }));
  }

  async *rows(sql: string): AsyncGenerator<Texts> {
    await this.#client.query(`DECLARE rows NO SCROLL CURSOR FOR ${sql}`);
    for (;;) {
      const some = await texts(this.#client, `FETCH ${ROWS_AT_A_TIME} FROM rows`);
      if (some.length > 0) yield some;
      if (some.length < ROWS_AT_A_TIME) break;
    }
    await this.#client.query('CLOSE rows');
  }
}

async function texts(client: Client, text: string): Promise<Texts> {
  const { rows } = await client.query<(string | null)[]>({ text, rowMode: 'array' });
  return rows;
}
