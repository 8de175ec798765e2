import { type Sha256, canonical } from './canonical.ts';
import { type ColumnType, type Columns, type DatasetSpec, type FeedUse, hasBothRoles } from './spec.ts';

/** A dataset's column as one feed serves it. */
export interface MappedColumn {
  readonly column: string;
  readonly type: ColumnType;
  /** The feed's column and its type; absent where the feed has none. */
  readonly from?: { readonly column: string; readonly type: ColumnType };
}

/** Every column of the dataset, in its order, as this feed serves it. */
export function mappedColumns(
  dataset: Pick<DatasetSpec, 'columns'>,
  use: Pick<FeedUse, 'map'>,
  columns: Columns,
): readonly MappedColumn[] {
  return Object.entries(dataset.columns).map(([column, type]) => {
    const from = use.map[column] ?? column;
    const fromType = columns[from];
    return fromType === undefined
      ? { column, type }
      : { column, type, from: { column: from, type: fromType } };
  });
}

/** Key and compared columns: what `_match` is made of, in this order. Undefined without both roles. */
export function matchColumns(dataset: DatasetSpec): readonly string[] | undefined {
  if (!hasBothRoles(dataset)) return undefined;
  return [...new Set([...dataset.key, ...dataset.gate.compare])];
}

/** The column of event time: declared, or the partition's. */
export function eventTimeColumn(dataset: Pick<DatasetSpec, 'eventTime' | 'partition'>): string | undefined {
  return dataset.eventTime ?? (dataset.partition.kind === 'time' ? dataset.partition.column : undefined);
}

/** Changes whenever what a build makes of the same rows would. */
export function mappingHash(dataset: DatasetSpec, use: FeedUse, columns: Columns, sha256: Sha256): string {
  return sha256(canonical({ columns: mappedColumns(dataset, use, columns), ...ruleOfStatistics(dataset) }));
}

/** The columns that `partitions` and `_match` are made of. */
export function statisticsColumns(dataset: DatasetSpec): ReadonlySet<string> {
  const { key, partition } = dataset;
  const eventTime = eventTimeColumn(dataset);
  return new Set([
    ...key,
    ...(matchColumns(dataset) ?? []),
    ...(partition.kind === 'time' ? [partition.column] : []),
    ...(eventTime === undefined ? [] : [eventTime]),
  ]);
}

/** Changes whenever `partitions` or `_match` of the same rows would: columns of other use may come without it. */
export function statisticsHash(dataset: DatasetSpec, use: FeedUse, columns: Columns, sha256: Sha256): string {
  const own = statisticsColumns(dataset);
  const mapped = mappedColumns(dataset, use, columns).filter(({ column }) => own.has(column));
  return sha256(canonical({ columns: mapped, ...ruleOfStatistics(dataset) }));
}

function ruleOfStatistics(dataset: DatasetSpec) {
  return {
    key: dataset.key,
    match: matchColumns(dataset),
    partition: dataset.partition,
    eventTime: eventTimeColumn(dataset),
  };
}

/** Of a feed's columns, in their order: what a rows object's schema follows. */
export function schemaHash(columns: Columns, sha256: Sha256): string {
  return sha256(canonical(Object.entries(columns)));
}
