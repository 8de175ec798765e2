import { Client, type ClientConfig } from 'pg';
import { type SourceColumn, sourceColumn } from './kinds.ts';
import type { Mappings } from './mappings.ts';
import type { Source } from './source-settings.ts';

export interface SourceTable {
  readonly schema: string;
  readonly name: string;
  /** Whether Postgres can say which row an update or a deletion meant. */
  readonly isIdentified: boolean;
  /** A table that is made anew under the same name has another one. */
  readonly oid: string;
  /** The name and type of each column, by a number that outlives its name. */
  readonly columns: Readonly<Record<string, string>>;
}

/** How to connect: values come as Postgres writes them, times in UTC. */
export function clientConfig(source: Source): ClientConfig {
  return {
    host: source.host,
    port: source.port,
    database: source.database,
    user: source.user,
    ...(source.password === undefined ? {} : { password: source.password }),
    ...(source.ssl ? { ssl: { rejectUnauthorized: false } } : {}),
    options:
      '-c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=postgres -c bytea_output=hex -c extra_float_digits=3',
    application_name: 'dms',
    connectionTimeoutMillis: 10_000,
    types: { getTypeParser: () => (text: string) => text },
  };
}

/** Does it with a connection of its own, whose loss rejects and harms nobody else. */
export async function withClient<T>(source: Source, act: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(clientConfig(source));
  client.on('error', () => {});
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The selected tables in order of their names. A partitioned table is one, and its partitions are none. */
export async function sourceTables(client: Client, mappings: Mappings): Promise<SourceTable[]> {
  const { rows } = await client.query<Record<'schema' | 'name' | 'oid' | 'identified' | 'columns', string>>(
    `SELECT n.nspname AS schema, c.relname AS name, c.oid::text AS oid, (${IS_IDENTIFIED}) AS identified,
       coalesce((SELECT json_object_agg(attnum, attname || ' ' || format_type(atttypid, atttypmod)) FROM pg_attribute
         WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped), '{}') AS columns
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence = 'p'
       AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
     ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  return rows
    .filter(({ schema, name }) => mappings.isSelected(schema, name))
    .map(({ schema, name, oid, identified, columns }) => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the query makes it of names
      const named = JSON.parse(columns) as Record<string, string>;
      return { schema, name, oid, isIdentified: identified === 't', columns: named };
    });
}

/** Of the table `c`: it and every one of its partitions have to say it, for each row is logged by the one it lies in. */
const IS_IDENTIFIED = `NOT EXISTS (
  SELECT FROM (SELECT c.oid UNION SELECT relid FROM pg_partition_tree(c.oid)) of (oid) JOIN pg_class part USING (oid)
  WHERE part.relreplident <> 'f' AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = part.oid
    AND CASE part.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END))`;

/** What the rows of the table itself are read from: those of a partitioned one lie in its partitions. */
export async function rowsOf(client: Client, schema: string, name: string): Promise<string> {
  const table = qualified(schema, name);
  const { rows } = await client.query(`SELECT FROM pg_class WHERE oid = to_regclass($1) AND relkind = 'p'`, [
    table,
  ]);
  return rows.length > 0 ? table : `ONLY ${table}`;
}

/** Whether what was a table of its own has become a partition of another one. */
export async function isPartition(client: Client, oid: string): Promise<boolean> {
  const { rows } = await client.query('SELECT FROM pg_class WHERE oid = $1::oid AND relispartition', [oid]);
  return rows.length > 0;
}

/** The columns that Postgres also replicates: all but generated ones. None of a table that is not there. */
export async function sourceColumns(client: Client, schema: string, name: string): Promise<SourceColumn[]> {
  const { rows } = await client.query<{ name: string; type: string; modifier: string; key: string }>(
    `SELECT attname AS name, atttypid::text AS type, atttypmod::text AS modifier,
       EXISTS (SELECT FROM pg_index i WHERE i.indrelid = attrelid AND indisprimary AND attnum = ANY (indkey)) AS key
     FROM pg_attribute
     WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum`,
    [qualified(schema, name)],
  );
  return rows.map((row) => sourceColumn(row.name, Number(row.type), Number(row.modifier), row.key === 't'));
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function qualified(schema: string, name: string): string {
  return `${quoted(schema)}.${quoted(name)}`;
}
