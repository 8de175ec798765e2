import { canonical, compareText } from './canonical.ts';
import { NEW_COLUMN, REBUILD, type Turn, isNew, mapsNew, newColumn, newFeedColumn } from './column-change.ts';
import {
  type DatabaseSource,
  type DatasetSpec,
  type LakeSpec,
  type SourceSpec,
  type TableSpec,
  feedColumns,
  hasBothRoles,
} from './spec.ts';
import { isOneValue, valueText, wordOf } from './spec-words.ts';

/** `compatible`: from the next entry or build. `rebuild`: every partition is built again. `refused`: it cannot be made. */
export type ChangeClass = 'compatible' | 'rebuild' | 'refused';

export interface SpecChange {
  /** `datasets.payments.close.grace`, in the words of lake.yaml. */
  readonly path: string;
  readonly class: ChangeClass;
  readonly what: string;
  /** What applying it does, and what becomes of what is there. */
  readonly effect: string;
}

/** What the lake remembers beside its applied spec. */
export interface SpecPast {
  /** Sources and datasets that the applied spec has no more, as each last stood. */
  readonly earlier: Pick<LakeSpec, 'sources' | 'datasets'>;
  /** Feeds with rows that were collected under another mapping than the new spec has for them. */
  readonly collectedOtherwise: ReadonlySet<string>;
  /** Database → tables that it ever had, as each last stood. */
  readonly tables: Readonly<Record<string, Readonly<Record<string, TableSpec>>>>;
  /** Databases of which something is collected. */
  readonly collectedDatabases: ReadonlySet<string>;
}

const NO_PAST: SpecPast = {
  earlier: { sources: {}, datasets: {} },
  collectedOtherwise: new Set(),
  tables: {},
  collectedDatabases: new Set(),
};

/** What changes rows that are built already; and what rows of a source are made by. */
const DATASET_REBUILDS = ['merge', 'key', 'version', 'partition', 'columns', 'eventTime'] as const;
const SOURCE_REFINES = ['format', 'columns'] as const;
const SOURCE_REFUSALS = ['kind', 'stream', 'start'] as const;

const EFFECTS = {
  first: 'everything in it is new',
  rebuild: REBUILD,
  statistics: 'its rows are counted for this dataset before it is built of them',
  refine:
    'refused: rows that are collected would have to be made again from the files or records as they came, which Tributary does not do (docs/status.md); declare a source of another name',
  refused: 'refused: give what is new a name of its own',
  newSource: 'it is collected from its beginning',
  oldSource: 'nothing more is collected; what was collected stays',
  againSource: 'it goes on where it stood',
  task: 'refused: what its tables hold was landed by the other task, and the order of changes is known within one alone; declare a source of another name',
  nothingYet: 'nothing is collected of it yet: it begins with this task',
  newTable: 'it is collected once the task captures it, from its load on',
  oldTable: 'nothing more is collected of it; what was collected stays',
  replicate: 'the run that is open takes it when it begins anew; nothing is collected again',
  schedule: 'the schedule is set; nothing is collected again',
  collect: 'from the next entry on; what was collected stays as it is',
  newDataset: 'it is built from what its feeds bring',
  oldDataset: 'nothing more is built; what was published stays',
  againDataset: 'its versions go on where they stood',
  newFeed: 'its rows come in as they are collected; nothing is rebuilt for it',
  look: 'from the next look on; nothing is rebuilt',
} as const;

/** How `next` differs from the applied spec, in the order of paths. Empty: nothing changes. */
export function specChanges(
  applied: LakeSpec | undefined,
  next: LakeSpec,
  past: SpecPast = NO_PAST,
): readonly SpecChange[] {
  if (!applied)
    return [
      { path: 'lake', class: 'compatible', what: 'the first spec of this lake', effect: EFFECTS.first },
    ];
  const unread = attachedFeeds(applied, next).filter(({ feed }) => past.collectedOtherwise.has(feed));
  const before = {
    sources: sourcesBefore(applied, past),
    datasets: { ...past.earlier.datasets, ...applied.datasets },
  };
  const attached = unread.map(({ dataset, feed }): SpecChange => {
    const what = `${feed} has rows that were collected for no dataset, or for another one`;
    const effect = before.datasets[dataset] ? EFFECTS.rebuild : EFFECTS.statistics;
    return { path: `datasets.${dataset}.feeds.${feed}`, class: 'rebuild', what, effect };
  });
  const ofDatasets = memberChanges(
    'datasets',
    { applied: applied.datasets, next: next.datasets, earlier: past.earlier.datasets },
    { added: EFFECTS.newDataset, removed: EFFECTS.oldDataset, again: EFFECTS.againDataset },
    (path, _name, was, is) => datasetChanges(path, was, is, { before, next }),
  ).filter(({ path }) => !attached.some((one) => one.path === path));
  return [
    ...lakeChanges(applied, next),
    ...memberChanges(
      'sources',
      { applied: applied.sources, next: next.sources, earlier: past.earlier.sources },
      { added: EFFECTS.newSource, removed: EFFECTS.oldSource, again: EFFECTS.againSource },
      (path, name, was, is) => sourceChanges(path, name, was, is, { past, before, next }),
    ),
    ...[...ofDatasets, ...attached].sort((a, b) => compareText(a.path, b.path)),
  ];
}

/** Feeds that the applied spec does not have in this dataset: what they collected may be of another mapping. */
export function attachedFeeds(
  applied: Pick<LakeSpec, 'datasets'>,
  next: Pick<LakeSpec, 'datasets'>,
): readonly { readonly dataset: string; readonly feed: string }[] {
  return Object.entries(next.datasets).flatMap(([dataset, { feeds }]) =>
    Object.keys(feeds)
      .filter((feed) => !applied.datasets[dataset]?.feeds[feed])
      .map((feed) => ({ dataset, feed })),
  );
}

function lakeChanges(applied: LakeSpec, next: LakeSpec): SpecChange[] {
  return (['name', 'bucket'] as const)
    .filter((field) => applied.lake[field] !== next.lake[field])
    .map((field) => ({
      path: `lake.${field}`,
      class: 'refused',
      what: `${applied.lake[field]} cannot become ${next.lake[field]}: that would be another lake`,
      effect: 'refused: apply it where the other lake is to be',
    }));
}

function memberChanges<T>(
  section: string,
  of: Readonly<Record<'applied' | 'next' | 'earlier', Readonly<Record<string, T>>>>,
  effects: Readonly<Record<'added' | 'removed' | 'again', string>>,
  changes: (path: string, name: string, before: T, after: T) => SpecChange[],
): SpecChange[] {
  const names = [...new Set([...Object.keys(of.applied), ...Object.keys(of.next)])].sort(compareText);
  return names.flatMap((name): SpecChange[] => {
    const path = `${section}.${name}`;
    const before = of.applied[name];
    const after = of.next[name];
    const earlier = of.earlier[name];
    const say = (what: string, effect: string): SpecChange => ({ path, class: 'compatible', what, effect });
    if (after === undefined) return [say('no longer declared; what was collected stays', effects.removed)];
    if (before !== undefined) return changes(path, name, before, after);
    if (earlier === undefined) return [say('new', effects.added)];
    return [say('declared again', effects.again), ...changes(path, name, earlier, after)];
  });
}

/** Every source that ever was, databases with every table that they ever had. */
function sourcesBefore(applied: LakeSpec, { earlier, tables }: SpecPast): LakeSpec['sources'] {
  return Object.fromEntries(
    Object.entries({ ...earlier.sources, ...applied.sources }).map(([name, source]) => [
      name,
      source.kind === 'database' ? { ...source, tables: { ...tables[name], ...source.tables } } : source,
    ]),
  );
}

function sourceChanges(
  path: string,
  name: string,
  before: SourceSpec,
  after: SourceSpec,
  turn: Turn & { readonly past: SpecPast },
): SpecChange[] {
  if (before.kind === 'database' && after.kind === 'database')
    return databaseChanges(path, before, after, tablesPast(turn.past, name), turn);
  // Of another kind nothing else is the same.
  const [was, is] =
    before.kind === after.kind ? [before, after] : [{ kind: before.kind }, { kind: after.kind }];
  return fieldChanges(path, was, is, ([field = '', second]) => {
    if (SOURCE_REFUSALS.some((one) => one === field)) return ['refused', EFFECTS.refused];
    if (field === 'columns' && isNew(second, feedColumns(turn.before, name)))
      return newFeedColumn(name, second, turn);
    if (SOURCE_REFINES.some((one) => one === field)) return ['refused', EFFECTS.refine];
    return ['compatible', field === 'schedule' ? EFFECTS.schedule : EFFECTS.collect];
  });
}

interface TablesPast {
  readonly tables: Readonly<Record<string, TableSpec>>;
  readonly isCollected: boolean;
}

function tablesPast({ tables, collectedDatabases }: SpecPast, source: string): TablesPast {
  return { tables: tables[source] ?? {}, isCollected: collectedDatabases.has(source) };
}

/** Each table is a feed: what is said of a source's columns is said of a table's. */
function databaseChanges(
  path: string,
  before: DatabaseSource,
  after: DatabaseSource,
  past: TablesPast,
  turn: Turn,
): SpecChange[] {
  const { tables: had, ...was } = before;
  const { tables: has, ...is } = after;
  const ofItself = fieldChanges(path, was, is, ([field = '']) => {
    if (field === 'dms')
      return past.isCollected ? ['refused', EFFECTS.task] : ['compatible', EFFECTS.nothingYet];
    if (field === 'replicate') return ['compatible', EFFECTS.replicate];
    return ['compatible', field === 'schedule' ? EFFECTS.schedule : EFFECTS.collect];
  });
  const ofTables = memberChanges(
    `${path}.tables`,
    { applied: had, next: has, earlier: past.tables },
    { added: EFFECTS.newTable, removed: EFFECTS.oldTable, again: EFFECTS.newTable },
    (at, _table, one, other) =>
      fieldChanges(at, one, other, ([field, column]) =>
        field === 'columns' && one.feed === other.feed && isNew(column, one.columns)
          ? newFeedColumn(one.feed, column, turn)
          : ['refused', EFFECTS.refine],
      ),
  );
  return [...ofItself, ...ofTables].sort((a, b) => compareText(a.path, b.path));
}

function datasetChanges(path: string, before: DatasetSpec, after: DatasetSpec, turn: Turn): SpecChange[] {
  const roles = [hasBothRoles(before), hasBothRoles(after)];
  return fieldChanges(path, before, after, ([field = '', second, third, fourth]) => {
    // A feed more of a role that is there changes neither what the others brought nor what is built of it.
    const isNewFeed =
      field === 'feeds' && second !== undefined && third === undefined && !before.feeds[second];
    if (isNewFeed && roles[0] === roles[1]) return ['compatible', EFFECTS.newFeed];
    if (field === 'columns' && isNew(second, before.columns)) return newColumn(second, before, after, turn);
    if (
      field === 'feeds' &&
      second !== undefined &&
      third === 'map' &&
      mapsNew(second, fourth, before, after)
    )
      return ['compatible', NEW_COLUMN];
    // Columns are compared where there is a batch and a stream to compare.
    const isCompared = field === 'gate' && second === 'compare' && roles.includes(true);
    const rebuilds = field === 'feeds' || isCompared || DATASET_REBUILDS.some((one) => one === field);
    return rebuilds ? ['rebuild', EFFECTS.rebuild] : ['compatible', EFFECTS.look];
  });
}

/** Datasets of `next` that these changes build anew, each with its partitions published as one version. */
export function rebuiltBy(
  changes: readonly SpecChange[],
  next: Pick<LakeSpec, 'datasets'>,
): readonly string[] {
  const paths = changes.filter((change) => change.class === 'rebuild').map(({ path }) => path);
  return Object.keys(next.datasets).filter((name) =>
    paths.some((path) => path === `datasets.${name}` || path.startsWith(`datasets.${name}.`)),
  );
}

type Judge = (fields: readonly string[]) => readonly [ChangeClass, string];

/** Every value that differs, by its own path; what stands in one of the two alone, by the path of the whole. */
function fieldChanges(path: string, before: object, after: object, judge: Judge): SpecChange[] {
  return differences([], before, after).map(({ fields, was, is }) => {
    const [kind, effect] = judge(fields);
    const last = fields.at(-1) ?? '';
    return {
      path: [path, ...fields.map(wordOf)].join('.'),
      class: kind,
      what: whatOf(last, was, is),
      effect,
    };
  });
}

function whatOf(field: string, was: unknown, is: unknown): string {
  if (was === undefined) return `new: ${valueText(field, is)}`;
  if (is === undefined) return `no longer declared; it was ${valueText(field, was)}`;
  return `${valueText(field, was)} becomes ${valueText(field, is)}`;
}

interface Difference {
  readonly fields: readonly string[];
  readonly was: unknown;
  readonly is: unknown;
}

function differences(above: readonly string[], before: object, after: object): Difference[] {
  const was = new Map<string, unknown>(Object.entries(before));
  const is = new Map<string, unknown>(Object.entries(after));
  return [...new Set([...was.keys(), ...is.keys()])]
    .sort(compareText)
    .filter((field) => canonical(was.get(field)) !== canonical(is.get(field)))
    .flatMap((field): Difference[] => {
      const fields = [...above, field];
      const [one, other] = [was.get(field), is.get(field)];
      // Two maps without a name in common are one value that becomes another.
      if (isOneValue(one) || isOneValue(other) || !haveCommon(one as object, other as object))
        return [{ fields, was: one, is: other }];
      return differences(fields, one as object, other as object);
    });
}

function haveCommon(one: object, other: object): boolean {
  return Object.keys(one).some((name) => Object.hasOwn(other, name));
}
