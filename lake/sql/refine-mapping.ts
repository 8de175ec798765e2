import { type MappedColumn, eventTimeColumn, mappedColumns, matchColumns } from '../mapping.ts';
import { isoInstant } from '../instant.ts';
import { partitionBounds } from '../partition.ts';
import { CHANGE_COLUMN, type ColumnType, type Columns, type DatasetSpec, type FeedUse } from '../spec.ts';
import type { Problem } from './refine-cast.ts';
import { canonicalText, duckType, framedHash, partitionNumberSql } from './text.ts';

/** A dataset and how one feed serves it: what refine runs beside the feed's own columns. */
export interface Mapping {
  readonly dataset: DatasetSpec;
  readonly use: FeedUse;
  readonly columns: Columns;
}

/** The SQL expression of a typed column of the feed. */
export type FeedColumn = (column: string) => string;

const DAY_US = 86_400_000_000;

/** A dataset column as a typed SQL expression over the feed's columns. */
export function mappedSql({ type, from }: MappedColumn, feed: FeedColumn): string {
  if (!from) return `NULL::${duckType(type)}`;
  return from.type === type ? feed(from.column) : `try_cast(${feed(from.column)} AS ${duckType(type)})`;
}

/** `_match`: 63 bits over key and compared columns; undefined where the dataset has one role. */
export function matchSql(mapping: Mapping, feed: FeedColumn): string | undefined {
  const names = matchColumns(mapping.dataset);
  const texts = names?.map((name) => canonicalMapped(mapping, name, feed));
  return texts && framedHash(texts);
}

export function partitionSql(mapping: Mapping, feed: FeedColumn): string {
  const { partition, key } = mapping.dataset;
  const column = partition.kind === 'time' ? sqlOf(mapping, partition.column, feed) : '';
  return partitionNumberSql(
    partition,
    column,
    key.map((name) => canonicalMapped(mapping, name, feed)),
  );
}

/** Event time in microseconds since the epoch; undefined where the dataset has none, or the feed does not give it. */
export function eventTimeSql(mapping: Mapping, feed: FeedColumn): string | undefined {
  const name = eventTimeColumn(mapping.dataset);
  const column = name === undefined ? undefined : columnOf(mapping, name);
  return column?.from && `epoch_us(${mappedSql(column, feed)})`;
}

/**
 * What may be wrong with a record that is well typed for its feed: a value that its dataset's type cannot hold, a
 * missing key, partition or version, a time out of range. `text` gives what the record itself says of a column.
 */
export function mappingProblems(
  mapping: Mapping,
  feed: FeedColumn,
  text: FeedColumn,
  nowUs: number,
): readonly Problem[] {
  const { dataset, use, columns } = mapping;
  const mapped = mappedColumns(dataset, use, columns);
  const served = mapped.flatMap((column) => (column.from ? [{ ...column, from: column.from }] : []));
  const unfit = served
    .filter(({ type, from }) => from.type !== type)
    .map((column): Problem => {
      const value = mappedSql(column, feed);
      const own = feed(column.from.column);
      const back = `try_cast(${value} AS ${duckType(column.from.type)})`;
      const found = text(column.from.column);
      const right = `a value that ${column.type} holds, for ${column.column}`;
      return {
        when: `${own} IS NOT NULL AND ${back} IS DISTINCT FROM ${own}`,
        reason: 'NotMappable',
        column: column.from.column,
        found,
        right,
      };
    });
  const needed = new Set([
    ...(hasKeyOfAll(mapping, served) ? [] : dataset.key),
    ...partitionColumns(dataset),
    ...(dataset.version === undefined ? [] : [dataset.version]),
  ]);
  const missing = served
    .filter(({ column }) => needed.has(column))
    .map((column): Problem => ({
      when: `${mappedSql(column, feed)} IS NULL`,
      reason: 'Missing',
      column: column.from.column,
      found: 'NULL',
      right: `a value: it is ${roleOf(dataset, column.column)}`,
    }));
  const times = served.flatMap((column) => timeProblem(dataset, column, feed, text, nowUs));
  return [...unfit, ...missing, ...times];
}

/** A table whose rows are told apart by all that they hold: what is null there tells them apart too. */
function hasKeyOfAll({ dataset, columns }: Mapping, served: readonly MappedColumn[]): boolean {
  if (!Object.hasOwn(columns, CHANGE_COLUMN.name)) return false;
  const own = served.filter(({ from }) => from?.column !== CHANGE_COLUMN.name);
  return own.every(({ column }) => dataset.key.includes(column));
}

function timeProblem(
  dataset: DatasetSpec,
  column: MappedColumn & { readonly from: { readonly column: string } },
  feed: FeedColumn,
  text: FeedColumn,
  nowUs: number,
): Problem[] {
  const isEvent =
    column.column === eventTimeColumn(dataset) || partitionColumns(dataset).includes(column.column);
  const isVersion = column.column === dataset.version;
  if (!isTime(column.type) || !(isEvent || isVersion)) return [];
  const from = isEvent ? earliestUs(dataset) : Number.MIN_SAFE_INTEGER;
  const to = nowUs + DAY_US;
  const name = column.from.column;
  return [
    {
      when: `epoch_us(${mappedSql(column, feed)}) NOT BETWEEN ${from} AND ${to}`,
      reason: isEvent ? 'EventTimeOutOfRange' : 'VersionOutOfRange',
      column: name,
      found: text(name),
      right: isEvent ? `a time from ${iso(from)} to ${iso(to)}` : `a version up to ${iso(to)}`,
    },
  ];
}

function iso(us: number): string {
  return isoInstant(Math.floor(us / 1000));
}

function earliestUs({ partition }: DatasetSpec): number {
  const first =
    partition.kind === 'time' && partition.from !== undefined
      ? partitionBounds(partition, partition.from)
      : undefined;
  return first ? first.fromMs * 1000 : DAY_US;
}

function partitionColumns({ partition }: DatasetSpec): readonly string[] {
  return partition.kind === 'time' ? [partition.column] : [];
}

function roleOf(dataset: DatasetSpec, column: string): string {
  if (dataset.key.includes(column)) return 'part of the key';
  return column === dataset.version ? 'the version' : "the partition's column";
}

function isTime(type: ColumnType): boolean {
  return type === 'timestamp' || type === 'date';
}

function canonicalMapped(mapping: Mapping, name: string, feed: FeedColumn): string {
  const column = columnOf(mapping, name);
  return column ? canonicalText(mappedSql(column, feed), column.type) : 'NULL::VARCHAR';
}

function sqlOf(mapping: Mapping, name: string, feed: FeedColumn): string {
  const column = columnOf(mapping, name);
  return column ? mappedSql(column, feed) : 'NULL::TIMESTAMPTZ';
}

function columnOf({ dataset, use, columns }: Mapping, name: string): MappedColumn | undefined {
  return mappedColumns(dataset, use, columns).find(({ column }) => column === name);
}
