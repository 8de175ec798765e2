import { contractHash } from '../../lake/hashes.ts';
import { keys } from '../../lake/keys.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { CoverageObject, Part, PartChunk, ViewVersion } from '../../lake/view.ts';
import { type Found, readJson, sha256 } from './chains.ts';
import { verifyCollected } from './collected.ts';
import { verifyHolds } from './holds.ts';
import type { Lane, Means } from './means.ts';
import type { NamedHeads } from './named.ts';
import { type Classes, entriesByPartition, verifyPart } from './parts.ts';
import type { DatasetReport } from './report.ts';
import type { Tables } from './tables.ts';

export interface ViewToVerify {
  readonly name: string;
  readonly dataset: DatasetSpec;
  readonly lanes: readonly Lane[];
  readonly tables: Tables;
  readonly versions: readonly Found<ViewVersion>[];
  readonly named: NamedHeads;
}

/** Hold the newest version of a dataset against every row ever collected for it. */
export async function verifyView(
  { name, dataset, lanes, tables, versions, named }: ViewToVerify,
  means: Means,
): Promise<DatasetReport> {
  const { findings } = means;
  const feeding = lanes.filter((lane) => lane.feed in dataset.feeds);
  await verifyCollected(name, dataset, feeding, means);
  const head = versions.at(-1);
  await verifyNames(name, versions, means);
  named.checkVersions(name, versions, findings);
  await verifyHolds(name, named.outcomes(name), means);
  const classes: Classes = { in: 0, out: 0, deleted: 0, lost: 0, retracted: 0, excluded: 0, pending: 0 };
  classes.pending += means.uncounted.get(name) ?? 0;
  const parts = head ? await partsOf(name, head, means) : new Map<string, Part>();
  const coverages = new Map<string, Readonly<Record<string, number>>>();
  const coverageAt = async (hash: string, by: string) => {
    const at = coverages.get(hash) ?? (await coverageOf(name, hash, by, named, means));
    coverages.set(hash, at);
    return at;
  };
  const base = head ? await coverageAt(head.value.base, head.key) : {};
  const { touching, nowhere } = await entriesByPartition(name, dataset, feeding, means);
  let residue = nowhere;
  // Of rows and parts alike: rows may be where the version has no part.
  for (const partition of new Set([...parts.keys(), ...touching.keys()])) {
    const part = parts.get(partition);
    const at = head && part?.at !== undefined ? await coverageAt(part.at, head.key) : base;
    const exclude = head?.value.exclude ?? [];
    const entries = touching.get(partition) ?? new Map<string, number>();
    const contract = head?.value.contract;
    const given = {
      name,
      dataset,
      contract,
      partition,
      part,
      at,
      base,
      lanes: feeding,
      tables,
      exclude,
      entries,
    };
    const found = await verifyPart(given, means);
    for (const one of Object.keys(found) as (keyof Classes)[]) classes[one] += found[one];
    const rows = [...entries.values()].reduce((total, one) => total + one, 0);
    residue += Math.abs(found.in - found.out - found.deleted - found.lost - found.retracted - found.excluded);
    residue += Math.abs(rows - found.in - found.pending);
  }
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
    const { parts, base, gate, n, dataset, spec, contract } = value;
    const last = key === versions.at(-1)?.key;
    if (key !== keys.view(dataset, n))
      findings.add('altered', key, `says it is version ${n} of ${dataset}: it stands under another name`);
    if (!(spec >= 1 && spec <= specs.length))
      findings.add('missing', keys.spec(spec), `is not in the bucket, but ${key} names it`);
    const declared = specs[spec - 1]?.datasets[dataset];
    if (declared && contractHash(declared, sha256) !== contract)
      findings.add(
        'altered',
        key,
        `has another contract than ${dataset} in ${keys.spec(spec)}, which it names`,
      );
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

/** What a part accounts for; the chains must reach as far. */
async function coverageOf(
  name: string,
  hash: string,
  namedBy: string,
  named: NamedHeads,
  { store, findings, signal }: Means,
): Promise<Readonly<Record<string, number>>> {
  const key = keys.coverage(name, hash);
  const found =
    named.coverageAt(key) ??
    (await readJson<CoverageObject>(store, key, { sha256: hash, namedBy }, findings, signal));
  named.coverage(found?.lanes, key);
  return found?.lanes ?? {};
}
