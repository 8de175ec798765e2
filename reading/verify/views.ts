import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildManifest } from '../../lake/build.ts';
import { canonical } from '../../lake/canonical.ts';
import type { Entry, Retraction } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { partitionName, partitionNumber } from '../../lake/partition.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import type { CoverageObject, Part, PartChunk, ViewVersion } from '../../lake/view.ts';
import { type Found, readChain, readJson, sha256 } from './chains.ts';
import type { Lane, Means } from './entries.ts';
import type { DatasetReport } from './report.ts';
import { quoted, tableOf, text } from './rows.ts';

type Classes = Record<keyof DatasetReport['classes'], number>;

/** Hold the newest version of a dataset against every row ever collected for it. */
export async function verifyView(
  name: string,
  dataset: DatasetSpec,
  lanes: readonly Lane[],
  means: Means,
): Promise<DatasetReport> {
  const { store, findings, signal, db } = means;
  const versions = await readChain<ViewVersion>(store, `view/${name}/`, findings, signal);
  const feeding = lanes.filter((lane) => lane.feed in dataset.feeds);
  const classes: Classes = { in: 0, out: 0, deleted: 0, lost: 0, retracted: 0, excluded: 0, pending: 0 };
  const head = versions.at(-1);
  const parts = head ? await partsOf(name, head, means) : new Map<string, Part>();
  const base = head ? await coverageOf(name, head.value.base, head.key, means) : {};
  for (const [partition, part] of parts) {
    const at = part.at === undefined ? base : await coverageOf(name, part.at, head?.key ?? '', means);
    await verifyPart(
      { name, dataset, partition, part, at, lanes: feeding, excluded: head?.value.exclude ?? [] },
      classes,
      means,
    );
  }
  const [all] = await db.rows(`SELECT count(*)::INTEGER AS n FROM ${tableOf(name)}`);
  classes.pending = Number(all?.['n'] ?? 0) - classes.in;
  const residue =
    classes.in - classes.out - classes.deleted - classes.lost - classes.retracted - classes.excluded;
  if (residue !== 0) findings.add('unaccounted', name, `${residue} rows are in no class, or in two`);
  return { version: head?.value.n ?? 0, partitions: parts.size, classes, residue };
}

async function partsOf(
  name: string,
  head: Found<ViewVersion>,
  { store, findings, signal }: Means,
): Promise<Map<string, Part>> {
  const parts = new Map<string, Part>();
  for (const [chunk, hash] of Object.entries(head.value.parts)) {
    const found = await readJson<PartChunk>(
      store,
      keys.part(name, hash),
      { sha256: hash, namedBy: head.key },
      findings,
      signal,
    );
    for (const [partition, part] of Object.entries(found?.parts ?? {})) {
      if (sha256(partition).slice(0, 2) !== chunk)
        findings.add('altered', keys.part(name, hash), `${partition} does not belong to chunk ${chunk}`);
      parts.set(partition, part);
    }
  }
  return parts;
}

async function coverageOf(
  name: string,
  hash: string,
  namedBy: string,
  { store, findings, signal }: Means,
): Promise<Readonly<Record<string, number>>> {
  const found = await readJson<CoverageObject>(
    store,
    keys.coverage(name, hash),
    { sha256: hash, namedBy },
    findings,
    signal,
  );
  return found?.lanes ?? {};
}

interface PartToVerify {
  readonly name: string;
  readonly dataset: DatasetSpec;
  readonly partition: string;
  readonly part: Part;
  readonly at: Readonly<Record<string, number>>;
  readonly lanes: readonly Lane[];
  readonly excluded: ViewVersion['exclude'];
}

async function verifyPart(given: PartToVerify, classes: Classes, means: Means): Promise<void> {
  const { name, dataset, partition, part, at, lanes } = given;
  const { findings, db } = means;
  const where = `${name} ${partition}`;
  const number = partitionNumber(dataset.partition, partition);
  if (number === undefined)
    return findings.add('altered', where, 'is no name of a partition of this dataset');
  const build = part.build === undefined ? undefined : await readBuild(given, means);
  const used = new Map<string, ReadonlySet<number>>(
    Object.entries(build?.inputs.entries ?? {}).map(([lane, ordinals]) => [lane, new Set(ordinals)]),
  );
  const late = new Set(part.late.map((ref) => `${ref.feed}/${ref.lane}/${ref.ordinal}`));
  const having = await db.rows(
    `SELECT feed, lane, ordinal::INTEGER AS ordinal FROM ${tableOf(name)} WHERE partition_no = ${number} GROUP BY ALL ORDER BY ALL`,
  );
  for (const row of having) {
    const lane = `${String(row['feed'])}/${String(row['lane'])}`;
    const ordinal = Number(row['ordinal']);
    if (ordinal > (at[lane] ?? 0)) continue;
    const inBuild = used.get(lane)?.has(ordinal) ?? false;
    const inLate = late.has(`${lane}/${ordinal}`);
    const isExcluded = given.excluded.some(
      (one) => `${one.feed}/${one.lane}` === lane && one.ordinal === ordinal,
    );
    if (inBuild && inLate)
      findings.add('twice', where, `entry ${lane}/${ordinal} is both in the build and late`);
    if (!inBuild && !inLate && !isExcluded)
      findings.add(
        'unaccounted',
        where,
        `entry ${lane}/${ordinal} has rows of it and is at or below its coverage, but neither its build nor its late list has it`,
      );
  }
  if (build) await verifyBuild(given, build, number, retractionsOf(lanes, at), classes, means);
}

async function readBuild(
  { name, partition, part }: PartToVerify,
  { store, findings, signal }: Means,
): Promise<BuildManifest | undefined> {
  const key = keys.build(name, partition, part.build ?? '');
  const build = await readJson<BuildManifest>(
    store,
    key,
    { namedBy: `the view of ${name}` },
    findings,
    signal,
  );
  if (!build) return undefined;
  const id = sha256(canonical(build.inputs)).slice(0, 40);
  if (id !== part.build || build.buildId !== part.build) {
    findings.add(
      'wrongBuild',
      key,
      `its inputs make build ${id}, but it stands as ${part.build ?? ''}: it was swapped or edited`,
    );
  }
  if (build.dataset !== name || build.partition !== partition) {
    findings.add('wrongBuild', key, `is a build of ${build.dataset} ${build.partition}`);
  }
  return build;
}

async function verifyBuild(
  given: PartToVerify,
  build: BuildManifest,
  number: number,
  retractions: readonly (Retraction & { readonly by: number })[],
  classes: Classes,
  means: Means,
): Promise<void> {
  const { name, dataset, partition } = given;
  const { db, findings } = means;
  const key = keys.build(name, partition, build.buildId);
  const where = `${name} ${partition}`;
  const paths = await fetchFiles(build, key, means);
  try {
    const columns = Object.keys(dataset.columns).map(quoted);
    const lineage = 'feed, lane, ordinal, object, row_no, hash';
    await db.run('CREATE OR REPLACE TEMP TABLE built AS ' + builtSql(paths, columns));
    await db.run(`CREATE OR REPLACE TEMP TABLE used AS SELECT *, ${retractedSql(retractions)} AS is_retracted, ${excludedSql(build)} AS is_excluded
      FROM ${tableOf(name)} WHERE partition_no = ${number} AND ${usedSql(build)}`);
    await db.run(`CREATE OR REPLACE TEMP TABLE best AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY ${dataset.key.map(quoted).join(', ')} ORDER BY ${orderSql(dataset)}) AS place
      FROM used WHERE NOT is_retracted AND NOT is_excluded) WHERE place = 1`);
    const [counts] =
      await db.rows(`SELECT (SELECT count(*)::INTEGER FROM used) AS "in", (SELECT count(*)::INTEGER FROM built) AS out,
      (SELECT count(*)::INTEGER FROM best WHERE op = 'D') AS deleted,
      (SELECT count(*)::INTEGER FROM used WHERE NOT is_retracted AND NOT is_excluded) - (SELECT count(*)::INTEGER FROM best) AS lost,
      (SELECT count(*)::INTEGER FROM used WHERE is_excluded) AS excluded, (SELECT count(*)::INTEGER FROM used WHERE is_retracted AND NOT is_excluded) AS retracted`);
    for (const one of ['in', 'out', 'deleted', 'lost', 'retracted', 'excluded'] as const) {
      const is = Number(counts?.[one] ?? 0);
      classes[one] += is;
      if (is !== build.classes[one].rows)
        findings.add('wrongCount', where, `${one} is ${is} rows; ${key} says ${build.classes[one].rows}`);
    }
    const select = `${lineage}, ${columns.join(', ')}`;
    for (const [from, other, says] of [
      ['best', 'built', 'rows should be in the build and are not'],
      ['built', 'best', 'rows are in the build and should not be'],
    ] as const) {
      const op = (table: string) => (table === 'best' ? "WHERE op <> 'D'" : '');
      const difference =
        await db.rows(`SELECT feed || '/' || lane || '/' || ordinal || ' object ' || object || ' row ' || row_no AS place
        FROM (SELECT ${select} FROM ${from} ${op(from)} EXCEPT ALL SELECT ${select} FROM ${other} ${op(other)}) ORDER BY 1`);
      if (difference.length > 0)
        findings.add(
          'wrongRows',
          where,
          `${difference.length} ${says}, such as ${difference
            .slice(0, 3)
            .map((row) => String(row['place']))
            .join('; ')}`,
        );
    }
  } catch (error) {
    findings.add(
      'wrongBuild',
      key,
      `cannot be read: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
    );
  } finally {
    for (const path of paths) await rm(path, { force: true });
  }
}

async function fetchFiles(
  build: BuildManifest,
  key: string,
  { store, scratch, findings, signal }: Means,
): Promise<string[]> {
  const paths: string[] = [];
  for (const file of [
    ...build.files,
    ...(build.tombstones ? [build.tombstones] : []),
    ...Object.values(build.winners ?? {}),
  ]) {
    const objectKey = keys.buildFile(build.dataset, build.partition, build.buildId, build.attempt, file.file);
    const path = join(scratch, `verify-${sha256(objectKey).slice(0, 24)}.parquet`);
    const got = await store.getToFile(objectKey, path, { signal, onProgress: () => undefined });
    if (!got) findings.add('missing', objectKey, `is not in the bucket, but ${key} names it`);
    else if (got.bytes !== file.bytes || `sha256:${got.sha256}` !== file.checksum) {
      findings.add(
        'wrongBytes',
        objectKey,
        `has ${got.bytes} bytes, sha256:${got.sha256}; ${key} says ${file.bytes} bytes, ${file.checksum}`,
      );
    }
    if (got && build.files.includes(file)) paths.push(path);
    else await rm(path, { force: true });
  }
  return paths;
}

function builtSql(paths: readonly string[], columns: readonly string[]): string {
  const select = `_source AS feed, _lane AS lane, _ordinal AS ordinal, _object AS object, _row AS row_no, _hash AS hash, ${columns.join(', ')}`;
  if (paths.length === 0)
    return `SELECT ${select.replaceAll(/_(\w+) AS/g, 'NULL AS')} FROM used WHERE false`.replace(
      'FROM used',
      `FROM (SELECT ${columns.map((column) => `NULL AS ${column}`).join(', ')})`,
    );
  return `SELECT ${select} FROM read_parquet([${paths.map(text).join(', ')}])`;
}

function usedSql(build: BuildManifest): string {
  const lanes = Object.entries(build.inputs.entries).map(([lane, ordinals]) => {
    const slash = lane.lastIndexOf('/');
    return `(feed = ${text(lane.slice(0, slash))} AND lane = ${lane.slice(slash + 1)} AND ordinal IN (${[...ordinals, 0].join(', ')}))`;
  });
  return lanes.length === 0 ? 'false' : `(${lanes.join(' OR ')})`;
}

function excludedSql(build: BuildManifest): string {
  const out = build.inputs.undone
    .filter((one) => one.kind === 'excluded')
    .map(({ lane, ordinal }) => {
      const slash = lane.lastIndexOf('/');
      return `(feed = ${text(lane.slice(0, slash))} AND lane = ${lane.slice(slash + 1)} AND ordinal = ${ordinal})`;
    });
  return out.length === 0 ? 'false' : `(${out.join(' OR ')})`;
}

function retractionsOf(
  lanes: readonly Lane[],
  at: Readonly<Record<string, number>>,
): readonly (Retraction & { readonly by: number })[] {
  return lanes.flatMap(({ feed, lane, entries }) =>
    entries
      .filter(({ value }: { readonly value: Entry }) => value.ordinal <= (at[`${feed}/${lane}`] ?? 0))
      .flatMap(({ value }) =>
        (value.retracts ?? []).map((retraction) => ({ ...retraction, by: value.ordinal })),
      ),
  );
}

function retractedSql(retractions: readonly Retraction[]): string {
  const spans = retractions.flatMap((one) =>
    one.spans.map(
      (span) =>
        `(feed = ${text(one.feed)} AND lane = ${one.lane} AND ordinal = ${one.ordinal} AND object = ${span.object} AND row_no >= ${span.firstRow} AND row_no < ${span.firstRow + span.records})`,
    ),
  );
  return spans.length === 0 ? 'false' : `(${spans.join(' OR ')})`;
}

function orderSql(dataset: DatasetSpec): string {
  const batch = Object.keys(dataset.feeds).filter((feed) => dataset.feeds[feed]?.role === 'batch');
  const rank =
    batch.length === 0 ? '0' : `CASE WHEN feed IN (${batch.map(text).join(', ')}) THEN 1 ELSE 0 END`;
  const place = ['generation', 'ordinal', 'object', 'row_no', 'feed', 'lane'];
  if (dataset.merge === 'append')
    return [`${rank} DESC`, ...place.map((column) => `${column} ASC`)].join(', ');
  const version = dataset.version === undefined ? [] : [`${quoted(dataset.version)} DESC NULLS LAST`];
  return [...version, `${rank} DESC`, ...place.map((column) => `${column} DESC`)].join(', ');
}

export { partitionName };
