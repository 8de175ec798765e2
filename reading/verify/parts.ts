import { partitionName, partitionNumber } from '../../lake/partition.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { EntryRef, Part } from '../../lake/view.ts';
import { verifyBuild } from './builds.ts';
import type { Lane, Means } from './means.ts';
import type { DatasetReport } from './report.ts';
import { tableOf } from './rows.ts';
import { lostOf } from './sides.ts';
import type { Tables } from './tables.ts';

export type Classes = Record<keyof DatasetReport['classes'], number>;

/** Name of an entry → its rows in a partition; 0 where it only takes rows back. */
type Touching = ReadonlyMap<string, number>;

export interface PartToVerify {
  readonly name: string;
  readonly dataset: DatasetSpec;
  /** Of the version: each of its builds has the same. */
  readonly contract: string | undefined;
  readonly partition: string;
  /** Absent where the version has none, and so accounts for nothing but what is excluded. */
  readonly part: Part | undefined;
  /** What the part accounts for; without one, what the version does. */
  readonly at: Readonly<Record<string, number>>;
  /** What parts without a coverage of their own account for; of tables it says which generation the version has. */
  readonly base: Readonly<Record<string, number>>;
  readonly lanes: readonly Lane[];
  readonly tables: Tables;
  readonly exclude: readonly EntryRef[];
  readonly entries: Touching;
}

/** Every entry that touches a partition is in its build, late, excluded, or beyond its coverage; each of them once. */
export async function verifyPart(given: PartToVerify, means: Means): Promise<Classes> {
  const { name, dataset, partition, part, at, entries } = given;
  const { findings } = means;
  const where = `${name} ${partition}`;
  const none: Classes = { in: 0, out: 0, deleted: 0, lost: 0, retracted: 0, excluded: 0, pending: 0 };
  const number = partitionNumber(dataset.partition, partition);
  if (number === undefined) {
    findings.add('altered', where, 'is no name of a partition of this dataset');
    return none;
  }
  const { used, leftOut, classes } =
    part?.build === undefined
      ? { used: new Set<string>(), leftOut: new Set<string>(), classes: none }
      : await verifyBuild(given, part.build, number, means);
  const late = new Set((part?.late ?? []).map(nameOf));
  const excluded = new Set(given.exclude.map(nameOf));
  for (const [entry, rows] of entries) {
    const isUsed = used.has(entry);
    const isBeyond = !isWithin(entry, at);
    const other = isBeyond ? undefined : otherGeneration(given, entry);
    if (other) {
      const has = isUsed ? 'its build used' : 'its late list has';
      if (isUsed || late.has(entry))
        findings.add(
          'unaccounted',
          where,
          `${has} entry ${entry} of generation ${other.generation}; current is ${other.current}`,
        );
      if (isUsed) continue;
      classes.in += rows;
      classes[other.generation < other.current ? 'retracted' : 'excluded'] += rows;
      continue;
    }
    // Whether it was used is another question: what is pending and used is counted twice, and shows.
    if (!excluded.has(entry)) classes.pending += isBeyond || late.has(entry) ? rows : 0;
    else if (!isUsed) {
      classes.in += rows;
      classes.excluded += rows;
    }
    if (isBeyond) continue;
    if (isUsed && late.has(entry))
      findings.add('twice', where, `entry ${entry} is both in its build and late`);
    if (isUsed && excluded.has(entry) !== leftOut.has(entry)) {
      const says = excluded.has(entry)
        ? 'is excluded, but its build used it'
        : 'is not excluded, but its build left it out';
      findings.add('unaccounted', where, `entry ${entry} ${says}`);
    }
    if (isUsed || late.has(entry) || excluded.has(entry)) continue;
    findings.add(
      'unaccounted',
      where,
      part
        ? `entry ${entry} touches it within its coverage, but neither its build nor its late list has it`
        : `entry ${entry} touches it within the coverage of the newest version, which has no part for it`,
    );
  }
  for (const lane of given.tables.names) {
    const [own, all] = [at, given.base].map((coverage) =>
      given.tables.current(lane, coverage[lane] ?? 0, given.exclude),
    );
    if (own !== all && [...used].some((entry) => entry.startsWith(`${lane}/`)))
      findings.add(
        'unaccounted',
        where,
        `its build has generation ${own} of ${lane}; the version has generation ${all}`,
      );
  }
  for (const entry of used) {
    if (!isWithin(entry, at))
      findings.add(
        'twice',
        where,
        `its build used entry ${entry}, beyond its coverage: live readers read it again`,
      );
  }
  return classes;
}

/** Partition → the entries with rows there, or that take rows back there; `nowhere` = rows of no partition. */
export async function entriesByPartition(
  name: string,
  { partition: partitioning }: DatasetSpec,
  lanes: readonly Lane[],
  means: Means,
): Promise<{ readonly touching: ReadonlyMap<string, Touching>; readonly nowhere: number }> {
  const touching = new Map<string, Map<string, number>>();
  let nowhere = 0;
  const add = (partition: string, entry: string, rows: number) => {
    const entries = touching.get(partition) ?? new Map<string, number>();
    touching.set(partition, entries.set(entry, rows));
  };
  for (const { entries } of lanes)
    for (const { key, value } of entries)
      for (const one of value.retracts ?? [])
        for (const partition of Object.keys((await lostOf(one, key, means)) ?? {}))
          add(partition, nameOf(value), 0);
  const having = await means.db
    .rows(`SELECT partition_no AS p, feed || '/' || lane || '/' || ordinal AS entry,
    count(*)::INTEGER AS n FROM ${tableOf(name)} GROUP BY ALL`);
  for (const { p, entry, n } of having) {
    if (p === null) nowhere += Number(n);
    else add(partitionName(partitioning, Number(p)), String(entry), Number(n));
  }
  return { touching, nowhere };
}

/** Its generation, and the one that is current up to the part's coverage, where these are two. */
function otherGeneration({ tables, at, exclude }: PartToVerify, entry: string) {
  const slash = entry.lastIndexOf('/');
  const lane = entry.slice(0, slash);
  const generation = tables.generationOf(lane, Number(entry.slice(slash + 1)));
  if (generation === undefined) return undefined;
  const current = tables.current(lane, at[lane] ?? 0, exclude);
  return generation === current ? undefined : { generation, current };
}

function nameOf({ feed, lane, ordinal }: EntryRef): string {
  return `${feed}/${lane}/${ordinal}`;
}

function isWithin(entry: string, at: Readonly<Record<string, number>>): boolean {
  const slash = entry.lastIndexOf('/');
  return Number(entry.slice(slash + 1)) <= (at[entry.slice(0, slash)] ?? 0);
}
