import type { Catalogue } from './catalogue.ts';
import type { Strike } from './faults-at.ts';
import type { Landing } from './landing.ts';
import type { Mappings } from './mappings.ts';
import type { Table } from './model.ts';
import type { S3Target } from './s3-settings.ts';
import type { Source } from './source-settings.ts';
import type { TaskSettings } from './task-settings.ts';

/** What a run of a task works with; its settings are those of its start. */
export interface Context {
  readonly arn: string;
  readonly id: string;
  readonly type: 'full-load' | 'full-load-and-cdc' | 'cdc';
  readonly catalogue: Catalogue;
  readonly source: Source;
  readonly target: S3Target;
  readonly mappings: Mappings;
  readonly settings: TaskSettings;
  readonly landing: Landing;
  readonly strike: Strike;
  /** Aborted when the run is to end: by StopReplicationTask, or with the stack. */
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch, by the stack's clock. */
  readonly now: () => number;
}

export interface TableName {
  readonly schema: string;
  readonly name: string;
}

/** Changes what is known of a table, which is made when it is new. */
export function changeTable({ arn, catalogue, now }: Context, at: TableName, change: Partial<Table>): Table {
  const fresh: Table = {
    taskArn: arn,
    schema: at.schema,
    name: at.name,
    state: 'Before load',
    inserts: 0,
    updates: 0,
    deletes: 0,
    ddls: 0,
    loadRows: 0,
    isReloaded: false,
    updatedAt: 0,
  };
  const table = { ...(catalogue.table(arn, at.schema, at.name) ?? fresh), ...change, updatedAt: now() };
  catalogue.setTable(table);
  return table;
}

/** Counts what was done to the table's definition at the source. */
export function countDdls(context: Context, at: TableName, count: number, change: Partial<Table> = {}): void {
  const known = context.catalogue.table(context.arn, at.schema, at.name)?.ddls ?? 0;
  changeTable(context, at, { ...change, ddls: known + count });
}

/** The key that the fault rules of a table see. */
export function faultKey({ id }: Context, { schema, name }: TableName): string {
  return `${id}/${schema}.${name}`;
}
