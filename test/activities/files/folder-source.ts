import { mkdir, readFile, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { type DuckDb, type Row, withDuckDb } from '../../../activities/duckdb.ts';
import { createFileActivities } from '../../../activities/files/activities.ts';
import { LocalFolder } from '../../../activities/files/local.ts';
import type { FileFolder } from '../../../activities/files/port.ts';
import { createLedger } from '../../../activities/objects/ledger.ts';
import type { Entry, EntryItem, RejectedRecord } from '../../../lake/entry.ts';
import { literal } from '../../../lake/sql/text.ts';
import type { DatasetSpec, FilesSource, LakeSpec } from '../../../lake/spec.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { tmpFolder } from '../../support/tmp.ts';

export const NOW = '2026-11-22T12:00:00.000Z';
const signal = new AbortController().signal;

const SOURCE: Omit<FilesSource, 'from'> = {
  kind: 'files',
  include: ['**'],
  exclude: [],
  quietMs: 0,
  restated: 'park',
  format: { csv: { header: true, delimiter: ',', quote: '"', nulls: [''] } },
  columns: { id: 'string', at: 'timestamp', amount: 'decimal(18,2)' },
};

export const PAYMENTS: DatasetSpec = {
  merge: 'append',
  key: ['id'],
  partition: { kind: 'time', column: 'at', unit: 'day', from: '2026-11-01', fixed: true },
  columns: { id: 'string', at: 'timestamp', amount: 'decimal(18,2)' },
  feeds: { payments: { role: 'batch', visible: 'commit', map: {} } },
  // oxlint-disable-next-line unicorn/no-thenable -- lake.yaml calls it so
  close: { latenessMs: 0, graceMs: 0, needs: [], then: 'hold' },
  rebuild: { lateRatio: 0.1, lateAfterMs: 0 },
  gate: {
    compare: [],
    tolerance: {
      missing: { count: 0 },
      differs: { count: 0 },
      moved: { count: 0 },
      conflicting: { count: 0 },
    },
    settleAfterMs: 0,
    checks: [],
  },
};

export interface FolderOptions {
  readonly source?: Partial<FilesSource>;
  readonly dataset?: Partial<DatasetSpec> | null;
  readonly wrap?: (files: FileFolder) => FileFolder;
  readonly store?: MemoryObjectStore;
  /** For a source of objects. */
  readonly prefix?: FileFolder;
  readonly nowMs?: number;
}

/** The source `payments`: a folder of this host, a lake in memory, and the real activities between them. */
export async function folderSource({
  source,
  dataset,
  wrap = (files) => files,
  store = new MemoryObjectStore(),
  prefix,
  nowMs = Date.parse(NOW),
}: FolderOptions = {}) {
  const home = await tmpFolder();
  const folder = path.join(home, 'in coming');
  const scratch = path.join(home, 'scratch');
  await mkdir(folder);
  await mkdir(scratch);
  const spec: LakeSpec = {
    lake: { name: 'test', bucket: 'test-lake' },
    sources: { payments: { ...SOURCE, from: pathToFileURL(folder).href, ...source } },
    datasets: dataset === null ? {} : { payments: { ...PAYMENTS, ...dataset } },
  };
  const ledger = createLedger({ store });
  const duck = { memoryMb: 512, threads: 2, scratch };
  const activities = createFileActivities({
    store,
    ledger,
    spec: { read: async () => ({ n: 3, spec }) },
    files: wrap(new LocalFolder()),
    ...(prefix && { prefixes: () => wrap(prefix) }),
    duck,
    clock: { now: () => nowMs },
  });
  const run = <I extends object, R>(
    activity: (input: I) => Promise<R>,
    input: Omit<I, 'source'>,
  ): Promise<R> =>
    new MockActivityEnvironment().run(activity, { source: 'payments', ...input } as unknown as I);

  const list = () => run(activities.listFiles, {});
  /** List and land everything, as one run of the workflow does. */
  const land = async () => {
    const { manifest, files } = await list();
    return manifest === null ? undefined : run(activities.landFiles, { manifest, from: 0, to: files });
  };
  const landFiles = (input: { readonly manifest: string; readonly from: number; readonly to: number }) =>
    run(activities.landFiles, input);
  const newLedger = () => createLedger({ store });
  const decide = (action: 'retry' | 'skip' | 'retract', ...items: string[]) =>
    run(activities.decideFiles, {
      items,
      action,
      decision: 'audit/2026-11-22/1.json',
      by: 'ana',
      reason: 'asked the vendor',
    });
  /** Write a file of the source; its time is `minutes` after 2026-11-22T10:00Z. */
  const write = async (item: string, content: string | Uint8Array, minutes = 0) => {
    const file = path.join(folder, item);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, content);
    const time = new Date(Date.parse('2026-11-22T10:00:00Z') + minutes * 60_000);
    await utimes(file, time, time);
  };
  const entries = async (): Promise<Entry[]> => {
    const head = await ledger.head('payments', 0, signal);
    const links = head ? await ledger.range('payments', 0, 1, head.n, signal) : [];
    return links.map(({ value }) => value);
  };
  /** Every item of every entry, by name, the last one last. */
  const items = async (): Promise<readonly EntryItem[]> =>
    [...(await ledger.knownItems('payments', 0, signal)).values()].flat();
  /** Of all rows objects of an entry, in order. */
  const rows = async (
    entry: Entry | undefined,
    select = '* EXCLUDE (_op, _hash)',
  ): Promise<readonly Row[]> => {
    const found: Row[] = [];
    for (const object of entry?.rows ?? []) {
      const file = path.join(home, 'read.parquet');
      await writeFile(file, (await store.get(object.key, signal)) ?? '');
      const query = (db: DuckDb) =>
        db.rows(`SELECT ${select} FROM read_parquet(${literal(file)}) ORDER BY _row`);
      found.push(...(await withDuckDb(duck, query)));
    }
    return found;
  };
  const rejected = async (entry: Entry | undefined): Promise<RejectedRecord[]> => {
    const found: RejectedRecord[] = [];
    for (const { key } of entry?.rejected ?? []) {
      const text = Buffer.from((await store.get(key, signal)) ?? '').toString();
      for (const line of text.split('\n')) if (line) found.push(JSON.parse(line));
    }
    return found;
  };
  const read = (item: string) => readFile(path.join(folder, item));
  return {
    activities,
    landFiles,
    newLedger,
    store,
    ledger,
    folder,
    scratch,
    list,
    land,
    decide,
    write,
    read,
    entries,
    items,
    rows,
    rejected,
    spec,
    duck,
  };
}
