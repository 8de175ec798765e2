import { mappedColumns, statisticsColumns } from './mapping.ts';
import { type Columns, type DatasetSpec, type LakeSpec, feedColumns } from './spec.ts';

/** What sources and datasets were, each as it last stood, and what they become. */
export interface Turn {
  readonly before: Pick<LakeSpec, 'sources' | 'datasets'>;
  readonly next: Pick<LakeSpec, 'sources' | 'datasets'>;
}

/** The class of a column that comes, and what becomes of what is there. */
export type NewColumn = readonly ['compatible' | 'rebuild' | 'refused', string];

/** What a column more of a dataset does. */
export const NEW_COLUMN =
  'all partitions are built again and published as one version; until then readers see the columns as they are. In rows that were collected before their feed had it, it is null: what came of it stays in _extra';

const FROM_NEXT = 'from the next entry on; of rows collected before, what came of it stays in _extra';

/** What a change of a dataset's rule, key, partitions or mapping does. */
export const REBUILD =
  'rows collected before are counted under it first, and nothing is applied where some do not fit; then all partitions are built again and published as one version, and until then readers see the dataset as it is';

export function isNew(column: string | undefined, before: Columns): column is string {
  return column !== undefined && !Object.hasOwn(before, column);
}

/** Rows collected before have none of it: a dataset may take it where statistics and versions do not change by it. */
export function newFeedColumn(feed: string, column: string, { before, next }: Turn): NewColumn {
  const serving = Object.entries(next.datasets).filter(([, { feeds }]) => feeds[feed]);
  let isTaken = false;
  for (const [name, dataset] of serving) {
    const use = dataset.feeds[feed];
    const takes = Object.keys(dataset.columns).filter((one) => (use?.map[one] ?? one) === column);
    isTaken ||= takes.length > 0;
    const had = before.datasets[name];
    const fixed = had?.feeds[feed] && takes.find((one) => fixedColumns(had).has(one));
    if (fixed !== undefined)
      return [
        'refused',
        `refused: rows of ${feed} that are collected already have no ${column}, and datasets.${name} takes it as ${fixed}, which tells rows apart, places or orders them`,
      ];
  }
  return [
    'compatible',
    isTaken
      ? `${FROM_NEXT}. What is built of its rows is built again and published as one version`
      : `${FROM_NEXT}. No dataset takes it yet`,
  ];
}

/** The columns by which rows are told apart, placed, compared or ordered. */
function fixedColumns(dataset: DatasetSpec): ReadonlySet<string> {
  const { version } = dataset;
  return new Set([...statisticsColumns(dataset), ...(version === undefined ? [] : [version])]);
}

/** Nobody has seen whether values that are collected already would fit it, unless they have its very type. */
export function newColumn(column: string, before: DatasetSpec, after: DatasetSpec, turn: Turn): NewColumn {
  if (fixedColumns(after).has(column)) return ['rebuild', REBUILD];
  for (const [feed, use] of Object.entries(after.feeds)) {
    const columns = feedColumns(turn.next, feed);
    const from = mappedColumns(after, use, columns).find((one) => one.column === column)?.from;
    const had = from && feedColumns(turn.before, feed)[from.column];
    if (before.feeds[feed] && had !== undefined && had !== after.columns[column]) return ['rebuild', REBUILD];
  }
  return ['compatible', NEW_COLUMN];
}

/** Does the feed's map differ in columns alone that the dataset has only now? `column`: in this one. */
export function mapsNew(
  feed: string,
  column: string | undefined,
  before: DatasetSpec,
  after: DatasetSpec,
): boolean {
  const [was, is] = [before.feeds[feed]?.map ?? {}, after.feeds[feed]?.map ?? {}];
  const names = column === undefined ? [...Object.keys(was), ...Object.keys(is)] : [column];
  return names
    .filter((name) => was[name] !== is[name])
    .every((name) => before.columns[name] === undefined && after.columns[name] !== undefined);
}
