import { activityInfo, cancellationSignal } from '@temporalio/activity';
import { type DmsTarget, type LandedTable, landedTable, targetOf } from '../../lake/dms-target.ts';
import type { Entry } from '../../lake/entry.ts';
import { type DatabaseSource, type TableSpec, datasetOf } from '../../lake/spec.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import type { ReplicationTasks, TaskDetails } from '../dms/port.ts';
import type { DuckDbOptions } from '../duckdb.ts';
import { failure } from '../failure.ts';
import type { FileFolder, SpecReader } from '../files/port.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { TablesPacing } from './pacing.ts';

export interface TablePorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: SpecReader;
  readonly tasks: ReplicationTasks;
  /** What tasks have landed: folders are `s3://bucket/prefix`. */
  readonly landings: FileFolder;
  readonly duck: DuckDbOptions;
  readonly clock: { now(): number };
  readonly pacing: TablesPacing;
}

/** One source as the newest applied spec has it and its task as DMS has it, for one attempt of an activity. */
export interface DatabaseContext extends TablePorts {
  readonly name: string;
  readonly source: DatabaseSource;
  readonly task: TaskDetails;
  readonly target: DmsTarget;
  readonly specNumber: number;
  readonly bucket: string;
  readonly epoch: Entry['epoch'];
  readonly attempt: string;
  readonly signal: AbortSignal;
  /** Each declared table, by `schema.table`. */
  readonly tables: ReadonlyMap<string, DeclaredTable>;
}

export interface DeclaredTable extends TableSpec {
  /** `schema.table` */
  readonly name: string;
  readonly landed: LandedTable;
  /** Where it lands: `s3://bucket/folder/schema/table`. */
  readonly folder: string;
  readonly mapping: Mapping | undefined;
}

/** Fails with `UnknownSource` when the spec has no database of this name, and as `ReplicationTasks.settings` does. */
export async function openDatabase(ports: TablePorts, name: string): Promise<DatabaseContext> {
  const signal = cancellationSignal();
  const { n, spec } = await ports.spec.read(signal);
  const source = Object.hasOwn(spec.sources, name) ? spec.sources[name] : undefined;
  if (source?.kind !== 'database') {
    const known = Object.entries(spec.sources).flatMap(([one, { kind }]) =>
      kind === 'database' ? [one] : [],
    );
    throw failure(
      'UnknownSource',
      `${JSON.stringify(name)} is ${source ? `a source of ${source.kind}` : 'no source'} of spec ${n}; databases: ${known.join(', ') || 'none'}`,
    );
  }
  const task = await ports.tasks.settings(source.dms.task, signal);
  const target = targetOf(task.s3);
  const info = activityInfo();
  const tables = Object.entries(source.tables).map(([table, declared]) => {
    const { schema, table: short } = splitName(table);
    const landed = landedTable(task, schema, short);
    const served = datasetOf(spec, declared.feed);
    return {
      ...declared,
      name: table,
      landed,
      folder: `s3://${[target.bucket, target.folder, landed.schema, landed.table].filter((part) => part !== '').join('/')}`,
      mapping: served && { dataset: served.dataset, use: served.use, columns: declared.columns },
    };
  });
  return {
    ...ports,
    name,
    source,
    task,
    target,
    specNumber: n,
    bucket: spec.lake.bucket,
    epoch: {
      run: info.workflowExecution?.runId ?? info.activityId,
      scheduledAt: new Date(info.currentAttemptScheduledTimestampMs).toISOString(),
    },
    attempt: String(info.attempt),
    signal,
    tables: new Map(tables.map((table) => [table.name, table])),
  };
}

/** A schema has no dot in its name here. */
export function splitName(name: string): { readonly schema: string; readonly table: string } {
  const dot = name.indexOf('.');
  return { schema: name.slice(0, dot), table: name.slice(dot + 1) };
}
