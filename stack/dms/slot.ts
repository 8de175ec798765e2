import { createHash } from 'node:crypto';
import { Client } from 'pg';
import type { Context } from './context.ts';
import { type Lsn, parseLsn } from './positions.ts';
import { type SourceTable, clientConfig, qualified, quoted } from './source.ts';
import type { Source } from './source-settings.ts';

/** A moment in the source: whoever takes the snapshot sees what committed before `at`; the slot brings the rest. */
export interface Moment {
  readonly at: Lsn;
  readonly snapshot: string;
  /** Milliseconds since the epoch: not later than the moment. */
  readonly beganAt: number;
  /** The snapshot can be taken until then. */
  release(): Promise<void>;
}

/** A name for what a task makes at its source, of letters that Postgres takes. */
export function objectName(taskArn: string): string {
  return `awsdms_${createHash('sha256').update(taskArn).digest('hex').slice(0, 24)}`;
}

/** A connection that speaks the replication protocol. */
export async function replicationClient(source: Source): Promise<Client> {
  const config = { ...clientConfig(source), replication: 'database' };
  const client = new Client(config);
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Makes a slot and stands at its moment. A temporary slot is gone with the release. */
export async function createSlot(
  { source, now }: Pick<Context, 'source' | 'now'>,
  slot: string,
  isTemporary: boolean,
): Promise<Moment> {
  const beganAt = now();
  const client = await replicationClient(source);
  try {
    const { rows } = await client.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT ${quoted(slot)} ${isTemporary ? 'TEMPORARY ' : ''}LOGICAL pgoutput EXPORT_SNAPSHOT`,
    );
    const [made] = rows;
    if (!made) throw new Error(`the source made no slot ${slot}`);
    return {
      at: parseLsn(made.consistent_point),
      snapshot: made.snapshot_name,
      beganAt,
      release: () => client.end().catch(() => {}),
    };
  } catch (error) {
    await client.end().catch(() => {});
    throw error;
  }
}

/** Drops the slot once nobody reads it; one that is not there is as good. */
export async function dropSlot(client: Client, slot: string): Promise<void> {
  await client.query(
    `SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL`,
    [slot],
  );
  await client.query(
    `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
}

export async function dropPublications(client: Client, name: string): Promise<void> {
  for (const one of publicationNames(name)) await client.query(`DROP PUBLICATION IF EXISTS ${quoted(one)}`);
}

/** The second one is for tables whose updates Postgres would refuse if it had to publish them: it publishes inserts. */
export function publicationNames(name: string): readonly [string, string] {
  return [name, `${name}_inserts`];
}

/** The changes of partitions come under the name of the table that they make up. */
const AS_ONE = 'publish_via_partition_root = true';

/** Publishes these tables too, each as it can be now: one that gained or lost its identity changes over. */
export async function publish(client: Client, name: string, tables: readonly SourceTable[]): Promise<void> {
  const [whole, inserts] = publicationNames(name);
  const { rows: existing } = await client.query<{ pubname: string }>(
    'SELECT pubname FROM pg_publication WHERE pubname = ANY ($1)',
    [[whole, inserts]],
  );
  const names = existing.map(({ pubname }) => pubname);
  if (!names.includes(whole)) await client.query(`CREATE PUBLICATION ${quoted(whole)} WITH (${AS_ONE})`);
  if (!names.includes(inserts)) {
    await client.query(
      `CREATE PUBLICATION ${quoted(inserts)} WITH (publish = 'insert, truncate', ${AS_ONE})`,
    );
  }
  const { rows } = await client.query<{ pubname: string; schemaname: string; tablename: string }>(
    'SELECT pubname, schemaname, tablename FROM pg_publication_tables WHERE pubname = ANY ($1)',
    [[whole, inserts]],
  );
  const published = new Map(
    rows.map(({ pubname, schemaname, tablename }) => [qualified(schemaname, tablename), pubname]),
  );
  for (const { schema, name: table, isIdentified } of tables) {
    const at = qualified(schema, table);
    const [now, wanted] = [published.get(at), isIdentified ? whole : inserts];
    if (now === wanted) continue;
    const add = `ALTER PUBLICATION ${quoted(wanted)} ADD TABLE ${at}`;
    // Both at once, so that no change falls between them.
    const leave = now === undefined ? '' : `ALTER PUBLICATION ${quoted(now)} DROP TABLE ${at};`;
    await client.query(`${leave}${add}`);
  }
}
