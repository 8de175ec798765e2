import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDb } from '../../activities/duckdb.ts';
import type { ObjectStore } from '../../activities/objects/port.ts';
import type { Entry, EntryItem, PartitionStatistic, RejectedRecord, RowsObject } from '../../lake/entry.ts';
import { type DatasetSpec, type LakeSpec, datasetOf } from '../../lake/spec.ts';
import { type Found, readJson, sha256 } from './chains.ts';
import type { Findings } from './report.ts';
import { loadRows } from './rows.ts';

export interface Lane {
  readonly feed: string;
  readonly lane: number;
  readonly entries: readonly Found<Entry>[];
}

export interface Means {
  readonly store: ObjectStore;
  readonly db: DuckDb;
  readonly scratch: string;
  readonly spec: LakeSpec;
  readonly findings: Findings;
  readonly signal: AbortSignal;
}

export interface LaneCount {
  readonly objects: number;
  readonly rows: number;
  readonly rejected: number;
}

/** Hold every entry of a lane against the objects it names; its rows land in the table of the feed's dataset. */
export async function verifyLane(lane: Lane, means: Means): Promise<LaneCount> {
  const { findings } = means;
  const seen = new Map<string, string>();
  const count = { objects: 0, rows: 0, rejected: 0 };
  let previous: Entry | undefined;
  for (const { key, value: entry } of lane.entries) {
    if (
      entry.feed !== lane.feed ||
      entry.lane !== lane.lane ||
      !key.endsWith(`/${String(entry.ordinal).padStart(12, '0')}.json`)
    ) {
      findings.add(
        'altered',
        key,
        `says it is entry ${entry.ordinal} of ${entry.feed}/${entry.lane}: it stands under another name`,
      );
    }
    const items = await itemsOf(entry, key, means);
    checkItems(items, entry, key, seen, findings);
    checkChannels(previous, entry, key, findings);
    for (const raw of entry.raw) await verifyBytes(keyOf(raw.uri), raw, key, means);
    for (const [index, rows] of entry.rows.entries()) {
      await verifyRows(entry, rows, index, key, means);
      count.rows += rows.rows;
    }
    for (const rejected of entry.rejected) {
      await verifyRejected(rejected, key, means);
      count.rejected += rejected.rows;
    }
    count.objects += entry.raw.length + entry.rows.length + entry.rejected.length;
    previous = entry;
  }
  return count;
}

async function itemsOf(
  entry: Entry,
  key: string,
  { store, findings, signal }: Means,
): Promise<readonly EntryItem[]> {
  if (!entry.itemsIn) return entry.items ?? [];
  const side = await readJson<{ items: readonly EntryItem[] }>(
    store,
    entry.itemsIn.key,
    { sha256: entry.itemsIn.sha256, namedBy: key },
    findings,
    signal,
  );
  return side?.items ?? [];
}

function checkItems(
  items: readonly EntryItem[],
  entry: Entry,
  key: string,
  seen: Map<string, string>,
  findings: Findings,
): void {
  if (!entry.items && !entry.itemsIn) return;
  let rows = 0;
  let rejected = 0;
  for (const item of items) {
    rows += item.rows ?? 0;
    rejected += item.rejected ?? 0;
    if (item.state !== 'collected') continue;
    const before = seen.get(`${item.item}\0${item.version}`);
    if (before !== undefined)
      findings.add(
        'twice',
        key,
        `collects ${JSON.stringify(item.item)} as ${before} did already, in the same version`,
      );
    seen.set(`${item.item}\0${item.version}`, key);
  }
  const named = sum(entry.rows.map((object) => object.rows));
  if (rows !== named)
    findings.add('wrongCount', key, `its items have ${rows} rows, its rows objects ${named}`);
  const quarantined = sum(entry.rejected.map((object) => object.rows));
  if (rejected !== quarantined)
    findings.add(
      'wrongCount',
      key,
      `its items have ${rejected} rejected records, its quarantine ${quarantined}`,
    );
}

function checkChannels(previous: Entry | undefined, entry: Entry, key: string, findings: Findings): void {
  for (const [channel, state] of Object.entries(entry.channels ?? {})) {
    const before = previous?.channels?.[channel];
    if (before && !before.closed && state.after !== before.through) {
      findings.add(
        'notFollowing',
        key,
        `${channel} goes on after ${state.after}, but was read through ${before.through}`,
      );
    }
    if (before?.closed) findings.add('notFollowing', key, `${channel} was closed in the entry before`);
  }
}

async function verifyBytes(
  objectKey: string,
  named: { readonly bytes: number; readonly checksum: string },
  entryKey: string,
  { store, scratch, findings, signal }: Means,
): Promise<string | undefined> {
  const path = join(scratch, `verify-${sha256(objectKey).slice(0, 24)}`);
  const got = await store.getToFile(objectKey, path, { signal, onProgress: () => undefined });
  if (!got) {
    findings.add('missing', objectKey, `is not in the bucket, but ${entryKey} names it`);
    return undefined;
  }
  if (got.bytes !== named.bytes || `sha256:${got.sha256}` !== named.checksum) {
    findings.add(
      'wrongBytes',
      objectKey,
      `has ${got.bytes} bytes, sha256:${got.sha256}; ${entryKey} says ${named.bytes} bytes, ${named.checksum}`,
    );
  }
  return path;
}

async function verifyRows(
  entry: Entry,
  rows: RowsObject,
  index: number,
  key: string,
  means: Means,
): Promise<void> {
  const path = await verifyBytes(rows.key, rows, key, means);
  if (path === undefined) return;
  const { findings, spec, db, store, signal } = means;
  const served = datasetOf(spec, entry.feed);
  try {
    const side =
      rows.partitionsIn &&
      (await readJson<{ partitions: RowsObject['partitions'] }>(
        store,
        rows.partitionsIn.key,
        { sha256: rows.partitionsIn.sha256, namedBy: key },
        findings,
        signal,
      ));
    const said = side?.partitions ?? rows.partitions;
    const counted = await loadRows(
      db,
      path,
      entry,
      index,
      served && { name: served.name, dataset: served.dataset, use: served.use },
    );
    if (counted.rows !== rows.rows || counted.hash !== rows.hash) {
      findings.add(
        'wrongCount',
        rows.key,
        `holds ${counted.rows} rows, hash ${counted.hash}; ${key} says ${rows.rows} rows, hash ${rows.hash}`,
      );
    }
    if (served) comparePartitions(counted.partitions, said, rows.key, key, findings);
  } catch (error) {
    findings.add(
      'wrongBytes',
      rows.key,
      `cannot be read as Parquet: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
    );
  } finally {
    await rm(path, { force: true });
  }
}

function comparePartitions(
  counted: Readonly<Record<string, { readonly rows: number; readonly hash: string }>>,
  said: Readonly<Record<string, PartitionStatistic>>,
  where: string,
  key: string,
  findings: Findings,
): void {
  for (const partition of new Set([...Object.keys(counted), ...Object.keys(said)])) {
    const is = counted[partition];
    const was = said[partition];
    if (is?.rows === was?.rows && is?.hash === was?.hash) continue;
    findings.add(
      'wrongCount',
      where,
      `holds ${is?.rows ?? 0} rows of ${partition}, hash ${is?.hash ?? 0}; ${key} says ${was?.rows ?? 0} rows, hash ${was?.hash ?? 0}`,
    );
  }
}

async function verifyRejected(
  rejected: Entry['rejected'][number],
  key: string,
  { store, findings, signal }: Means,
): Promise<void> {
  const body = await store.get(rejected.key, signal);
  if (!body) return findings.add('missing', rejected.key, `is not in the bucket, but ${key} names it`);
  if (`sha256:${sha256(body)}` !== rejected.checksum)
    findings.add(
      'wrongBytes',
      rejected.key,
      `hashes to sha256:${sha256(body)}; ${key} says ${rejected.checksum}`,
    );
  const lines = Buffer.from(body)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  let hash = 0n;
  for (const line of lines) hash += BigInt((JSON.parse(line) as RejectedRecord).hash);
  if (lines.length !== rejected.rows || String(hash) !== rejected.hash) {
    findings.add(
      'wrongCount',
      rejected.key,
      `holds ${lines.length} records, hash ${hash}; ${key} says ${rejected.rows} records, hash ${rejected.hash}`,
    );
  }
}

/** A raw object's key: its `uri` is the key itself, or `s3://<bucket>/<key>`. */
function keyOf(uri: string): string {
  return uri.replace(/^s3:\/\/[^/]+\//, '');
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

export type { DatasetSpec };
