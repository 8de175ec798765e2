import { partitionNumber } from '../lake/partition.ts';
import {
  CHANGE_COLUMN,
  type Columns,
  type ColumnType,
  type DatasetSpec,
  type DeclaredCheck,
  type Partitioning,
  type SourceSpec,
} from '../lake/spec.ts';
import type { Say } from './faults.ts';
import { type OwnFeeds, hasChangeVersion, resolveFeeds, resolveVersion } from './feed-rules.ts';
import type { LakeFile } from './lake-schema.ts';
import { defined } from './members.ts';

type DatasetFile = LakeFile['datasets'][string];

/** Hold one dataset against itself and the feeds that may serve it, and write every default in. */
export function resolveDataset(file: DatasetFile, name: string, own: OwnFeeds, say: Say): DatasetSpec {
  const at = (...path: (string | number)[]) => ['datasets', name, ...path];
  const byChange = hasChangeVersion(file, own);
  const columns: Columns = {
    ...(file.columns as Columns),
    ...(byChange && { [CHANGE_COLUMN.name]: CHANGE_COLUMN.type }),
  };
  const needColumn = (column: string, path: (string | number)[], type?: ColumnType): void => {
    if (!(column in columns))
      say(path, `${column} is no column of ${name}; there are: ${Object.keys(columns).join(', ')}`);
    else if (type && columns[column] !== type)
      say(path, `${column} is ${columns[column]}: it must be ${type}`);
  };
  // Engines print a double each in their own way, and a key or a comparison is of texts (docs/formats.md).
  const needText = (column: string, path: (string | number)[]): void => {
    needColumn(column, path);
    if (columns[column] === 'double')
      say(path, `${column} is double: a key, and what is compared, must be exact: make it decimal(p,s)`);
  };
  for (const [index, column] of file.key.entries()) {
    needText(column, at('key', index));
    if (file.key.indexOf(column) < index) say(at('key', index), `${column} stands in the key already`);
  }
  const partition = resolvePartition(file, at, needColumn, say);
  const feeds = resolveFeeds(file, at, columns, own, say);
  if (file.eventTime !== undefined) needColumn(file.eventTime, at('eventTime'), 'timestamp');
  resolveVersion(file, at, feeds, needColumn, say);
  const batch = Object.keys(feeds).filter((feed) => feeds[feed]?.role === 'batch');
  for (const [index, feed] of (file.close?.needs ?? []).entries()) {
    if (!batch.includes(feed))
      say(
        at('close', 'needs', index),
        `${feed} is no batch feed of ${name}; there are: ${batch.join(', ') || 'none'}`,
      );
    else if (own.feedNamed(feed)?.spec.kind === 'files' && !isWindowed(own.feedNamed(feed)?.spec)) {
      say(
        at('close', 'needs', index),
        `${feed} declares no window, so nothing says which days it covers: add window to the source`,
      );
    }
  }
  if (file.close && partition.kind !== 'time')
    say(at('close'), 'close is for time partitions: the others rebuild when something came');
  for (const [index, column] of (file.gate?.compare ?? []).entries())
    needText(column, at('gate', 'compare', index));
  for (const [index, check] of (file.gate?.checks ?? []).entries()) {
    const { min, max } = 'rows' in check ? check.rows : {};
    if (min !== undefined && max !== undefined && min > max)
      say(at('gate', 'checks', index), `min is ${min} and max is ${max}: min must not be the greater`);
  }
  const eventTime = file.eventTime ?? (partition.kind === 'time' ? partition.column : undefined);
  return {
    merge: file.merge,
    key: file.key,
    ...(file.version !== undefined && { version: file.version }),
    ...(byChange && { version: CHANGE_COLUMN.name }),
    partition,
    columns,
    ...(eventTime !== undefined && { eventTime }),
    feeds,
    close: {
      latenessMs: file.close?.lateness ?? 0,
      graceMs: file.close?.grace ?? 0,
      needs: file.close?.needs ?? batch.filter((feed) => isWindowed(own.feedNamed(feed)?.spec)),
      ...(file.close?.deadline !== undefined && { deadlineMs: file.close.deadline }),
      // oxlint-disable-next-line unicorn/no-thenable
      then: file.close?.then ?? 'hold',
    },
    rebuild: { lateRatio: lateRatio(file, at, say), lateAfterMs: file.rebuild?.after ?? 3_600_000 },
    gate: {
      compare: file.gate?.compare ?? [],
      tolerance: file.gate?.tolerance ?? {
        missing: { count: 0 },
        differs: { count: 0 },
        moved: { count: 0 },
        conflicting: { count: 0 },
      },
      settleAfterMs: 0,
      checks: (file.gate?.checks ?? []).map((check, index) =>
        resolveCheck(check, (column) => needColumn(column, at('gate', 'checks', index))),
      ),
    },
  };
}

function resolvePartition(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  needColumn: (column: string, path: (string | number)[], type?: ColumnType) => void,
  say: Say,
): Partitioning {
  const declared = file.partition;
  if (declared === 'whole') return { kind: 'whole' };
  if ('buckets' in declared) return { kind: 'bucket', buckets: declared.buckets };
  const [unit, column] =
    'hour' in declared
      ? (['hour', declared.hour] as const)
      : 'day' in declared
        ? (['day', declared.day] as const)
        : (['month', declared.month] as const);
  needColumn(column, at('partition', unit), 'timestamp');
  if (!declared.fixed && !file.key.includes(column)) {
    say(
      at('partition'),
      `a key must determine its partition: make ${column} part of the key, or say fixed: true where it never changes for a key`,
    );
  }
  const partitioning: Partitioning = {
    kind: 'time',
    column,
    unit,
    fixed: declared.fixed,
    ...(declared.from !== undefined && { from: declared.from }),
  };
  if (declared.from !== undefined && partitionNumber(partitioning, declared.from) === undefined) {
    const example = { hour: '2026-11-21T07', day: '2026-11-21', month: '2026-11' }[unit];
    say(
      at('partition', 'from'),
      `from is "${declared.from}": it must be a partition's name such as ${example}`,
    );
  }
  return partitioning;
}

function lateRatio(
  file: DatasetFile,
  at: (...path: (string | number)[]) => (string | number)[],
  say: Say,
): number {
  const text = file.rebuild?.late;
  if (text === undefined) return 0.01;
  const [, digits] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (digits === undefined) say(at('rebuild', 'late'), `late is "${text}": it must be a share such as 1%`);
  return Number(digits ?? 1) / 100;
}

function resolveCheck(
  check: NonNullable<DatasetFile['gate']>['checks'][number],
  needColumn: (column: string) => void,
): DeclaredCheck {
  if ('rows' in check) return { kind: 'rows', ...defined(check.rows) };
  if ('nothing' in check) return { kind: 'nothing', ...check.nothing };
  if ('range' in check) {
    needColumn(check.range.column);
    return {
      kind: 'range',
      column: check.range.column,
      ...defined({ min: check.range.min, max: check.range.max }),
    };
  }
  needColumn(check.nulls.column);
  return {
    kind: 'nulls',
    column: check.nulls.column,
    max: 'ratio' in check.nulls.max ? check.nulls.max.ratio : check.nulls.max.count,
  };
}

function isWindowed(source: SourceSpec | undefined): boolean {
  return source?.kind === 'files' && source.window !== undefined;
}
