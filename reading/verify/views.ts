import { keys } from '../../lake/keys.ts';
import { partitionNumber } from '../../lake/partition.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { CoverageObject, Part, PartChunk, ViewVersion } from '../../lake/view.ts';
import { type PartToVerify, verifyBuild } from './builds.ts';
import { type Found, readChain, readJson, sha256 } from './chains.ts';
import type { Lane, Means } from './means.ts';
import type { DatasetReport } from './report.ts';
import { verifyCollected } from './collected.ts';
import { tableOf } from './rows.ts';

export type Classes = Record<keyof DatasetReport['classes'], number>;

/** Hold the newest version of a dataset against every row ever collected for it. */
export async function verifyView(
  name: string,
  dataset: DatasetSpec,
  lanes: readonly Lane[],
  means: Means,
): Promise<DatasetReport> {
  const { store, findings, signal, db } = means;
  const feeding = lanes.filter((lane) => lane.feed in dataset.feeds);
  await verifyCollected(name, dataset, feeding, means);
  const versions = await readChain<ViewVersion>(store, `view/${name}/`, findings, signal);
  const head = versions.at(-1);
  await verifyNames(name, versions, means);
  const classes: Classes = { in: 0, out: 0, deleted: 0, lost: 0, retracted: 0, excluded: 0, pending: 0 };
  let residue = 0;
  const parts = head ? await partsOf(name, head, means) : new Map<string, Part>();
  const coverages = new Map<string, Readonly<Record<string, number>>>();
  for (const [partition, part] of head ? parts : []) {
    const hash = part.at ?? head?.value.base ?? '';
    const at = coverages.get(hash) ?? (await coverageOf(name, hash, head?.key ?? '', feeding, means));
    coverages.set(hash, at);
    const given = { name, dataset, partition, part, at, lanes: feeding, exclude: head?.value.exclude ?? [] };
    const found = await verifyPart(given, means);
    for (const one of Object.keys(found) as (keyof Classes)[]) classes[one] += found[one];
    residue += Math.abs(found.in - found.out - found.deleted - found.lost - found.retracted - found.excluded);
  }
  if (head && !coverages.has(head.value.base))
    await coverageOf(name, head.value.base, head.key, feeding, means);
  const [all] = await db.rows(`SELECT count(*)::INTEGER AS n FROM ${tableOf(name)}`);
  classes.pending = Number(all?.['n']) - classes.in;
  if (residue !== 0) findings.add('unaccounted', name, `${residue} rows are in no class, or in two`);
  return { version: head?.value.n ?? 0, partitions: parts.size, classes, residue };
}

/** What any version names is there: old stamps read by it. */
async function verifyNames(
  name: string,
  versions: readonly Found<ViewVersion>[],
  { store, findings, signal, specs }: Means,
): Promise<void> {
  const there = new Set<string>();
  for (const prefix of [`part/${name}/`, `coverage/${name}/`, `gate/${name}/`])
    for await (const { key } of store.list(prefix, { signal })) there.add(key);
  for (const { key, value } of versions) {
    const { parts, base, gate, n, dataset, spec } = value;
    const last = key === versions.at(-1)?.key;
    if (key !== keys.view(dataset, n))
      findings.add('altered', key, `says it is version ${n} of ${dataset}: it stands under another name`);
    if (!(spec >= 1 && spec <= specs))
      findings.add('missing', keys.spec(spec), `is not in the bucket, but ${key} names it`);
    // Those of the newest version are read, and missed, one by one.
    const named = last
      ? []
      : [...Object.values(parts).map((hash) => keys.part(name, hash)), keys.coverage(name, base)];
    for (const one of [...named, ...(gate === null ? [] : [gate])])
      if (!there.has(one)) findings.add('missing', one, `is not in the bucket, but ${key} names it`);
  }
}

async function partsOf(
  name: string,
  head: Found<ViewVersion>,
  { store, findings, signal }: Means,
): Promise<Map<string, Part>> {
  const parts = new Map<string, Part>();
  for (const [chunk, hash] of Object.entries(head.value.parts)) {
    const key = keys.part(name, hash);
    const found = await readJson<PartChunk>(
      store,
      key,
      { sha256: hash, namedBy: head.key },
      findings,
      signal,
    );
    for (const [partition, part] of Object.entries(found?.parts ?? {})) {
      if (sha256(partition).slice(0, 2) !== chunk)
        findings.add('altered', key, `${partition} does not belong to chunk ${chunk}`);
      parts.set(partition, part);
    }
  }
  return parts;
}

/** A coverage; every chain reaches as far as it says. */
async function coverageOf(
  name: string,
  hash: string,
  namedBy: string,
  lanes: readonly Lane[],
  { store, findings, signal }: Means,
): Promise<Readonly<Record<string, number>>> {
  const key = keys.coverage(name, hash);
  const found = await readJson<CoverageObject>(store, key, { sha256: hash, namedBy }, findings, signal);
  for (const [id, through] of Object.entries(found?.lanes ?? {})) {
    const lane = lanes.find((one) => `${one.feed}/${one.lane}` === id);
    const last = lane?.entries.at(-1)?.value.ordinal ?? 0;
    if (last < through)
      findings.add(
        'gap',
        `ledger/${id}/`,
        `ends with entry ${last}, but ${key} accounts for entry ${through}`,
      );
  }
  return found?.lanes ?? {};
}

async function verifyPart(given: PartToVerify, means: Means): Promise<Classes> {
  const { name, dataset, partition, part, at } = given;
  const { findings } = means;
  const where = `${name} ${partition}`;
  const number = partitionNumber(dataset.partition, partition);
  const none: Classes = { in: 0, out: 0, deleted: 0, lost: 0, retracted: 0, excluded: 0, pending: 0 };
  if (number === undefined) {
    findings.add('altered', where, 'is no name of a partition of this dataset');
    return none;
  }
  const { used, leftOut, classes } =
    part.build === undefined
      ? { used: new Set<string>(), leftOut: new Set<string>(), classes: none }
      : await verifyBuild(given, part.build, number, means);
  const late = new Set(part.late.map((ref) => `${ref.feed}/${ref.lane}/${ref.ordinal}`));
  const excluded = new Set(given.exclude.map((ref) => `${ref.feed}/${ref.lane}/${ref.ordinal}`));
  const touching = await entriesTouching(given, number, means);
  for (const [entry, rows] of touching) {
    const [lane, ordinal] = placeOf(entry);
    if (ordinal > (at[lane] ?? 0)) continue;
    const isUsed = used.has(entry);
    if (isUsed && late.has(entry))
      findings.add('twice', where, `entry ${entry} is both in its build and late`);
    if (isUsed && excluded.has(entry) !== leftOut.has(entry)) {
      const says = excluded.has(entry)
        ? 'is excluded, but its build used it'
        : 'is not excluded, but its build left it out';
      findings.add('unaccounted', where, `entry ${entry} ${says}`);
    }
    if (isUsed || late.has(entry)) continue;
    if (!excluded.has(entry)) {
      findings.add(
        'unaccounted',
        where,
        `entry ${entry} touches it within its coverage, but neither its build nor its late list has it`,
      );
    } else if (part.build !== undefined) {
      classes.in += rows;
      classes.excluded += rows;
    }
  }
  for (const entry of used) {
    const [lane, ordinal] = placeOf(entry);
    if (ordinal > (at[lane] ?? 0))
      findings.add(
        'twice',
        where,
        `its build used entry ${entry}, beyond its coverage: live readers read it again`,
      );
  }
  return classes;
}

/** Entries with rows in a partition, or that take rows back there: name → rows. */
async function entriesTouching(
  { name, partition, lanes }: PartToVerify,
  number: number,
  { db }: Means,
): Promise<ReadonlyMap<string, number>> {
  const touching = new Map<string, number>();
  for (const { entries } of lanes) {
    for (const { value } of entries) {
      const takes = value.retracts?.some((one) => partition in one.partitions) ?? false;
      if (takes) touching.set(`${value.feed}/${value.lane}/${value.ordinal}`, 0);
    }
  }
  const having = await db.rows(
    `SELECT feed || '/' || lane || '/' || ordinal AS entry, count(*)::INTEGER AS n FROM ${tableOf(name)} WHERE partition_no = ${number} GROUP BY ALL`,
  );
  for (const row of having) touching.set(String(row['entry']), Number(row['n']));
  return touching;
}

function placeOf(entry: string): readonly [lane: string, ordinal: number] {
  const slash = entry.lastIndexOf('/');
  return [entry.slice(0, slash), Number(entry.slice(slash + 1))];
}
