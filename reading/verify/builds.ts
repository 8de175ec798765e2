import { rm } from 'node:fs/promises';
import type { BuildFile, BuildManifest } from '../../lake/build.ts';
import { canonical } from '../../lake/canonical.ts';
import { type ItemRetraction, isOfItem } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import type { DatasetSpec } from '../../lake/spec.ts';
import { readJson, sha256 } from './chains.ts';
import { retractedSql } from './collected.ts';
import { firstLine } from './entries.ts';
import type { Means } from './means.ts';
import { fetchNamed } from './objects.ts';
import { PLACE, hashSum, parquet, quoted, tableOf, text } from './rows.ts';
import type { Classes, PartToVerify } from './parts.ts';

export interface VerifiedBuild {
  /** `feed/lane/ordinal` of the entries it read. */
  readonly used: ReadonlySet<string>;
  /** Of those, what it read only to leave out. */
  readonly leftOut: ReadonlySet<string>;
  readonly classes: Classes;
}

/** Make a build again from the collected rows, and compare it row for row. `number` = the partition's. */
export async function verifyBuild(
  given: PartToVerify,
  id: string,
  number: number,
  means: Means,
): Promise<VerifiedBuild> {
  const { name, contract, partition, lanes } = given;
  const classes: Classes = { in: 0, out: 0, deleted: 0, lost: 0, retracted: 0, excluded: 0, pending: 0 };
  const key = keys.build(name, partition, id);
  const { store, findings, signal } = means;
  const build = await readJson<BuildManifest>(
    store,
    key,
    { namedBy: `the view of ${name}` },
    findings,
    signal,
  );
  if (!build) return { used: new Set(), leftOut: new Set(), classes };
  const isItself = sha256(canonical(build.inputs)).slice(0, 40) === id && build.buildId === id;
  if (
    !isItself ||
    build.dataset !== name ||
    build.partition !== partition ||
    build.inputs.partition !== partition
  ) {
    const is = `${build.dataset} ${build.partition} ${sha256(canonical(build.inputs)).slice(0, 40)}`;
    findings.add('wrongBuild', key, `is the build ${is} by what it says: it was swapped or edited`);
  }
  if (build.inputs.contract !== contract)
    findings.add('wrongBuild', key, `is of another contract than the version of ${name} that has it`);
  const used = new Set(
    Object.entries(build.inputs.entries).flatMap(([lane, ordinals]) =>
      ordinals.map((one) => `${lane}/${one}`),
    ),
  );
  const retractions = lanes.flatMap(({ entries }) =>
    entries.flatMap(({ value }) =>
      used.has(`${value.feed}/${value.lane}/${value.ordinal}`)
        ? (value.retracts ?? []).filter(isOfItem).filter((one) => partition in one.partitions)
        : [],
    ),
  );
  const files = await fetchFiles(build, key, means);
  try {
    await makeTables(given, build, number, retractions, files, means);
    await countClasses(build, `${name} ${partition}`, key, classes, means);
    await compareRows(given, build, files, means);
  } catch (error) {
    signal.throwIfAborted();
    findings.add('wrongBuild', key, `cannot be read: ${firstLine(error)}`);
  } finally {
    for (const path of files.values()) await rm(path, { force: true });
  }
  const excluded = build.inputs.undone.filter(({ kind }) => kind === 'excluded');
  const leftOut = excluded
    .map(({ lane, ordinal }) => `${lane}/${ordinal}`)
    .filter((entry) => used.has(entry));
  return { used, leftOut: new Set(leftOut), classes };
}

async function fetchFiles(
  build: BuildManifest,
  key: string,
  means: Means,
): Promise<ReadonlyMap<BuildFile, string>> {
  const { files, tombstones, winners, dataset, partition, buildId, attempt } = build;
  const found = new Map<BuildFile, string>();
  for (const file of [...files, ...(tombstones ? [tombstones] : []), ...Object.values(winners ?? {})]) {
    const objectKey = keys.buildFile(dataset, partition, buildId, attempt, file.file);
    const path = await fetchNamed(objectKey, file, key, means);
    if (path !== undefined) found.set(file, path);
  }
  return found;
}

/** `used`: what went in; `best`: what should have come out; `built`: what did. */
async function makeTables(
  { name, dataset }: PartToVerify,
  build: BuildManifest,
  number: number,
  retractions: readonly ItemRetraction[],
  files: ReadonlyMap<BuildFile, string>,
  { db }: Means,
): Promise<void> {
  const columns = Object.keys(dataset.columns).map(quoted);
  await db.run(`CREATE OR REPLACE TEMP TABLE used AS SELECT *,
      ${retractedSql(retractions)} AS is_retracted, ${excludedSql(build)} AS is_excluded, ${isBatchSql(dataset)} AS is_batch
    FROM ${tableOf(name)} WHERE partition_no = ${number} AND ${usedSql(build)}`);
  await db.run(
    `CREATE OR REPLACE TEMP TABLE best AS SELECT * FROM (${rankedSql(dataset, [])}) WHERE place = 1`,
  );
  const select = `_source AS feed, _lane AS lane, _generation AS generation, _ordinal AS ordinal, _object AS object, _row AS row_no, _op AS op, _hash AS hash`;
  const own = [...build.files, ...(build.tombstones ? [build.tombstones] : [])];
  const paths = own.flatMap((file) => files.get(file) ?? []);
  const from = paths.length === 0 ? undefined : parquet(...paths);
  await db.run(
    from
      ? `CREATE OR REPLACE TEMP TABLE built AS SELECT ${[select, ...columns].join(', ')} FROM ${from}`
      : `CREATE OR REPLACE TEMP TABLE built AS SELECT ${[PLACE, 'op, hash', ...columns].join(', ')} FROM best WHERE false`,
  );
}

/** Each class by a query of its own. */
async function countClasses(
  build: BuildManifest,
  where: string,
  key: string,
  classes: Classes,
  { db, findings }: Means,
): Promise<void> {
  const queries = {
    in: 'used',
    out: "built WHERE op <> 'D'",
    deleted: "built WHERE op = 'D'",
    lost: `(SELECT * FROM used WHERE NOT is_retracted AND NOT is_excluded) u
      ANTI JOIN best USING (${PLACE})`,
    excluded: 'used WHERE is_excluded',
    retracted: 'used WHERE is_retracted AND NOT is_excluded',
  } as const;
  for (const [name, from] of Object.entries(queries)) {
    const one = name as keyof typeof queries;
    const [row] = await db.rows(`SELECT count(*)::INTEGER AS n, ${hashSum('hash')} AS h FROM ${from}`);
    const [rows, hash] = [Number(row?.['n']), String(row?.['h'])];
    classes[one] = rows;
    const said = build.classes[one];
    if (rows !== said.rows || hash !== said.hash)
      findings.add(
        'wrongCount',
        where,
        `${one} is ${rows} rows, hash ${hash}; ${key} says ${said.rows} rows, hash ${said.hash}`,
      );
  }
}

async function compareRows(
  { name, dataset, partition }: PartToVerify,
  build: BuildManifest,
  files: ReadonlyMap<BuildFile, string>,
  means: Means,
): Promise<void> {
  const columns = Object.keys(dataset.columns).map(quoted).join(', ');
  const where = `${name} ${partition}`;
  await compare('best', 'built', `${PLACE}, op, hash, ${columns}`, where, 'its build', means);
  for (const [role, file] of Object.entries(build.winners ?? {})) {
    const path = files.get(file);
    if (path === undefined) continue;
    const isBatch = role === 'batch' ? 'is_batch' : 'NOT is_batch';
    const right = `(SELECT * FROM (${rankedSql(dataset, [isBatch])}) WHERE place = 1 AND op <> 'D')`;
    const own = [...new Set([...dataset.key, ...dataset.gate.compare])].map(quoted).join(', ');
    const is = `(SELECT _source AS feed, _lane AS lane, _generation AS generation, _ordinal AS ordinal, _object AS object, _row AS row_no, ${own} FROM ${parquet(path)})`;
    await compare(right, is, `${PLACE}, ${own}`, where, `its winners of the ${role} feeds`, means);
  }
}

/** Both ways: what should be there and is not, what is there and should not be. */
async function compare(
  right: string,
  is: string,
  select: string,
  where: string,
  what: string,
  { db, findings }: Means,
): Promise<void> {
  const ways = [
    [right, is, `should be in ${what} and are not`],
    [is, right, `are in ${what} and should not be`],
  ] as const;
  for (const [from, other, says] of ways) {
    const rows =
      await db.rows(`SELECT feed || '/' || lane || '/' || ordinal || ' object ' || object || ' row ' || row_no AS place
      FROM (SELECT ${select} FROM ${from} EXCEPT ALL SELECT ${select} FROM ${other}) ORDER BY 1`);
    const places = rows.slice(0, 3).map((row) => String(row['place']));
    if (rows.length > 0)
      findings.add('wrongRows', where, `${rows.length} rows ${says}, such as ${places.join('; ')}`);
  }
}

/** The rows in play, `place` 1 the one that stands for its key. */
function rankedSql(dataset: DatasetSpec, where: readonly string[]): string {
  const key = dataset.key.map(quoted).join(', ');
  return `SELECT *, row_number() OVER (PARTITION BY ${key} ORDER BY ${orderSql(dataset)}) AS place
    FROM used WHERE ${['NOT is_retracted', 'NOT is_excluded', ...where].join(' AND ')}`;
}

function orderSql({ merge, version }: DatasetSpec): string {
  const place = ['generation', 'ordinal', 'object', 'row_no', 'feed', 'lane'];
  if (merge === 'append') return ['is_batch DESC', ...place].join(', ');
  const greatest = version === undefined ? [] : [`${quoted(version)} DESC NULLS LAST`];
  return [...greatest, 'is_batch DESC', ...place.map((column) => `${column} DESC`)].join(', ');
}

function isBatchSql({ feeds }: DatasetSpec): string {
  const batch = Object.keys(feeds).filter((feed) => feeds[feed]?.role === 'batch');
  return batch.length === 0 ? 'false' : `feed IN (${batch.map(text).join(', ')})`;
}

function usedSql({ inputs }: BuildManifest): string {
  const lanes = Object.entries(inputs.entries).map(([lane, ordinals]) => laneSql(lane, ordinals));
  return lanes.length === 0 ? 'false' : `(${lanes.join(' OR ')})`;
}

function excludedSql({ inputs }: BuildManifest): string {
  const out = inputs.undone.filter(({ kind }) => kind === 'excluded');
  return out.length === 0
    ? 'false'
    : `(${out.map(({ lane, ordinal }) => laneSql(lane, [ordinal])).join(' OR ')})`;
}

function laneSql(lane: string, ordinals: readonly number[]): string {
  const slash = lane.lastIndexOf('/');
  return `(feed = ${text(lane.slice(0, slash))} AND lane = ${lane.slice(slash + 1)} AND ordinal IN (${[0, ...ordinals].join(', ')}))`;
}
