import { Client, type ClientConfig } from 'pg';
import { type SourceColumn, sourceColumn } from './kinds.ts';
import type { Mappings } from './mappings.ts';
import type { Source } from './source-settings.ts';

export interface SourceTable {
  readonly schema: string;
  readonly name: string;
  /** Whether Postgres can say which row an update or a deletion meant. */
  readonly isIdentified: boolean;
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

/** The selected tables in order of their names. A partition is a table of its own; its parent, which holds no rows, is none. */
export async function sourceTables(client: Client, mappings: Mappings): Promise<SourceTable[]> {
  const { rows } = await client.query<{ schema: string; name: string; identified: string }>(
    `SELECT n.nspname AS schema, c.relname AS name,
       (c.relreplident = 'f' OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid
         AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident END)) AS identified
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
     ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`,
  );
  return rows
    .filter(({ schema, name }) => mappings.isSelected(schema, name))
    .map(({ schema, name, identified }) => ({ schema, name, isIdentified: identified === 't' }));
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
