import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import { type Context, type TableName, changeTable } from './context.ts';
import { stopWhenTold } from './endings.ts';
import { loadTable } from './load.ts';
import type { TableState } from './model.ts';
import { type Lsn, parseLsn } from './positions.ts';
import { type Moment, createSlot, objectName } from './slot.ts';
import { type SourceTable, clientConfig } from './source.ts';

/** A load is owed, or was cut off. */
export const PENDING: readonly TableState[] = [
  'Before load',
  'Full load',
  'Table cancelled',
  'Table is being reloaded',
];
const MOST_AT_ONCE = 4;

/** The tables that a load still owes. */
export function pendingTables({ catalogue, arn }: Context, existing: readonly SourceTable[]): TableName[] {
  return existing.filter(({ schema, name }) => {
    const table = catalogue.table(arn, schema, name);
    return table !== undefined && (table.isReloadOwed === true || PENDING.includes(table.state));
  });
}

/** Loads the tables as they were at one moment, and says where the log then was. */
export async function loadAll(
  context: Context,
  client: Client,
  tables: readonly TableName[],
  moment: Moment,
): Promise<void> {
  const { catalogue, arn, settings } = context;
  catalogue.changeTask(arn, { loadStartedAt: context.now(), loadFinishedAt: undefined });
  const left = [...tables];
  const lane = async (): Promise<void> => {
    for (let table = left.shift(); table; table = left.shift()) {
      context.signal.throwIfAborted();
      stopWhenTold(context);
      const { state, isReloadOwed } = catalogue.table(arn, table.schema, table.name) ?? {};
      // A reload that was cut off stays one.
      const isReload = state === 'Table is being reloaded' || isReloadOwed === true;
      await loadTable(context, table, moment, isReload ? 'Table is being reloaded' : 'Full load');
    }
  };
  const lanes = Math.min(MOST_AT_ONCE, settings.FullLoadSettings.MaxFullLoadSubTasks);
  const outcomes = await Promise.allSettled(Array.from({ length: lanes }, lane));
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  catalogue.changeTask(arn, { loadFinishedAt: context.now(), loadEnd: await writtenLog(client) });
}

/** A moment without a slot of its own: of a plain snapshot, or, where changes follow, of a slot that goes with it. */
export async function momentOf(context: Context): Promise<Moment> {
  const { source, type, arn, now } = context;
  if (type !== 'full-load') {
    return createSlot(context, `${objectName(arn)}_${randomBytes(4).toString('hex')}`, true);
  }
  const beganAt = now();
  const client = new Client(clientConfig(source));
  client.on('error', () => {});
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
  const { rows } = await client.query<{ snapshot: string }>('SELECT pg_export_snapshot() AS snapshot');
  return { at: '', beganAt, snapshot: rows[0]?.snapshot ?? '', release: () => client.end().catch(() => {}) };
}

/** Makes known which tables there are; those that are new wait for their load. */
export function registerTables(context: Context, existing: readonly SourceTable[]): void {
  const { catalogue, arn, type } = context;
  for (const table of existing) {
    const { schema, name, oid, columns } = table;
    const known = catalogue.table(arn, schema, name);
    const state = known?.state ?? (type === 'cdc' ? 'Table completed' : 'Before load');
    // What happened to it since it was seen last is for the watch to find.
    if (known?.oid === undefined) changeTable(context, table, { state, oid, columns });
  }
}

/**
 * A place behind all that has been committed at the source, which whoever follows the log soon comes to: a message of
 * ours is committed there. Where the log was written to alone may be in the middle of what is not yet complete.
 */
export async function writtenLog(client: Client): Promise<Lsn> {
  const sql = `SELECT pg_logical_emit_message(true, 'dms', '')::text AS at`;
  const { rows } = await client.query<{ at: string }>(sql);
  return parseLsn(rows[0]?.at ?? '0/0');
}
