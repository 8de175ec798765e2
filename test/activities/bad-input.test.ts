import { readFileSync } from 'node:fs';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { createBuildActivities } from '../../activities/builds/activities.ts';
import { createFileActivities } from '../../activities/files/activities.ts';
import { LocalFolder } from '../../activities/files/local.ts';
import { encode } from '../../activities/objects/json.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createStreamActivities } from '../../activities/streams/activities.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import { readLake } from '../../config/lake.ts';
import type { Entry } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import type { FilesSource, FixedLayout } from '../../lake/spec.ts';
import { query } from '../../reading/query.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import { backwardsRevision, oddRecords } from '../../sample/broken-records.ts';
import * as odd from '../../sample/broken.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { MemoryStream } from '../fakes/memory-stream.ts';
import { tmpFolder } from '../support/tmp.ts';

const DAY = '2026-11-22';
const signal = AbortSignal.timeout(120_000);

/** The sample's lake with the real activities, a folder and a stream; its time stands still. */
async function sampleLake(settled: Pick<Partial<FilesSource>, 'format'> = {}) {
  const home = await tmpFolder();
  const [scratch, dir] = [join(home, 'scratch'), join(home, 'sample-data', 'settlements')];
  await mkdir(scratch);
  await mkdir(dir, { recursive: true });
  const file = new URL('../../lake.yaml', import.meta.url);
  const variables = { SAMPLE_DATA: join(home, 'sample-data'), FIRST_DAY: '2026-11-21' };
  const reading = readLake({ text: readFileSync(file, 'utf8'), file: file.pathname, variables });
  if (reading.kind !== 'lake') throw new Error(reading.problems.map(({ message }) => message).join('; '));
  const settlements = reading.spec.sources['settlements'];
  if (settlements?.kind !== 'files') throw new Error('the sample has no settlements');
  const { window: _, ...books } = settlements;
  const sources = {
    ...reading.spec.sources,
    settlements: { ...books, include: ['**'], quietMs: 0, ...settled },
  };
  const payments = reading.spec.datasets['payments'];
  if (!payments) throw new Error('the sample has no payments');
  const datasets = { payments: { ...payments, close: { ...payments.close, needs: [] } } };
  const spec = { lake: reading.spec.lake, sources, datasets };

  const store = new MemoryObjectStore();
  const about = { epochs: { payments: 1 }, by: 'a test', reason: 'bad input', at: `${DAY}T00:00:00.000Z` };
  store.put(keys.spec(1), encode({ format: 1, n: 1, prev: null, ...spec, ...about }));
  const ledger = createLedger({ store });
  const clock = { now: () => Date.parse('2026-11-23T12:00:00Z') };
  const duck = { memoryMb: 512, threads: 1, scratch };
  const stream = new MemoryStream({ shards: 1, clock });
  const ports = { store, ledger, spec: createSpecReader({ store }), duck, clock };
  const activities = {
    ...createFileActivities({ ...ports, files: new LocalFolder() }),
    ...createStreamActivities({
      ...ports,
      stream,
      pacing: { stretchMs: 1000, wait: async (_ms, aborted) => aborted.throwIfAborted() },
    }),
    ...createBuildActivities(ports),
    ...createViewActivities(ports),
  };
  let scheduled = clock.now();
  const run = <I, R>(activity: (input: I) => Promise<R>, input: I): Promise<R> => {
    scheduled += 1;
    const info = { currentAttemptScheduledTimestampMs: scheduled };
    return new MockActivityEnvironment(info, { logger: new DefaultLogger('ERROR') }).run(activity, input);
  };

  async function land(): Promise<void> {
    const { manifest, files } = await run(activities.listFiles, { source: 'settlements' });
    if (manifest !== null)
      await run(activities.landFiles, { source: 'settlements', manifest, from: 0, to: files });
  }

  async function collect(): Promise<void> {
    await run(activities.openLanes, { source: 'payment-events' });
    await run(activities.collectLane, { source: 'payment-events', lane: 0, drain: true });
  }

  /** Build and publish what is due. */
  async function publish(): Promise<void> {
    const force = { partitions: ['2026-11-22'], reason: 'to see all of it', by: 'a test' };
    const { plan, partitions } = await run(activities.assessDataset, { dataset: 'payments', force });
    if (plan === null) throw new Error('nothing is due');
    const ref = { dataset: 'payments', planId: plan };
    await run(activities.buildPartitionsBatch, { ...ref, from: 0, to: partitions });
    await run(activities.gatePlan, ref);
    await run(activities.openHolds, ref);
    await run(activities.publishPlan, ref);
  }

  async function entries(feed: string): Promise<readonly Entry[]> {
    const head = await ledger.head(feed, 0, signal);
    return (await ledger.range(feed, 0, 1, head?.n ?? 0, signal)).map(({ value }) => value);
  }

  async function ask(sql: string, mode: 'live' | 'settled' = 'live') {
    const { n, spec: applied } = await ports.spec.read(signal);
    const reader = { store, ledger, spec: { n, spec: applied }, scratch, cache: join(home, 'cache') };
    return (await query({ ...reader, memoryMb: 256, threads: 1 }, { sql, mode }, signal)).rows;
  }

  const verify = () => verifyLake({ store, scratch, memoryMb: 512, signal });
  return { dir, stream, land, collect, publish, entries, ask, verify };
}

test('of everything bad at once, the good goes through, the bad is named, and the proof balances', async () => {
  const lake = await sampleLake();
  const { dir } = lake;
  const shape = odd.settlementRows(DAY);
  const files = [
    await odd.writeBrokenQuote({ dir, shape }),
    await odd.writeMixedLineEndings({ dir, shape }),
    await odd.writeMissingColumn({ dir, shape }),
    await odd.writeEmpty({ dir }),
    await odd.writeTruncatedGzip({ dir, shape }),
    await odd.writeWrongFieldCounts({ dir, shape }),
    await odd.writeWrongTypes({ dir, shape }),
    await odd.writeInvalidUtf8({ dir, shape }),
    ...(await odd.writeOddNames({ dir, shape })),
  ];
  await lake.land();

  const items = (await lake.entries('settlements')).flatMap((entry) => entry.items ?? []);
  const stateOf = (name: string) => items.find(({ item }) => item === name)?.state;
  for (const { name, says } of files)
    expect([name, stateOf(name)]).toEqual([name, says.outcome === 'parks' ? 'parked' : 'collected']);
  const rows = files.reduce((sum, { says }) => sum + (says.outcome === 'rows' ? says.rows : 0), 0);
  const rejected = files.reduce(
    (sum, { says }) => sum + (says.outcome === 'rows' ? says.rejected.length : 0),
    0,
  );
  const landed = await lake.entries('settlements');
  expect(countOf(landed, 'rows')).toBe(rows);
  expect(countOf(landed, 'rejected')).toBe(rejected);

  const records = oddRecords(DAY);
  for (const { data } of records) lake.stream.put('shardId-000000000000', data);
  await lake.collect();
  const collected = await lake.entries('payment-events');
  const isRow = ({ says }: (typeof records)[number]) => says.outcome === 'row';
  expect(countOf(collected, 'rows')).toBe(records.filter(isRow).length);
  expect(countOf(collected, 'rejected')).toBe(records.filter((one) => !isRow(one)).length);

  await lake.publish();
  const report = await lake.verify();
  expect(report.findings).toEqual([]);
  expect(report.datasets['payments']?.residue).toBe(0);
});

const LAYOUT: FixedLayout = {
  columns: {
    payment_id: { start: 1, width: 12, trim: 'right' },
    paid_at: { start: 13, width: 26, trim: 'right' },
    gross: { start: 41, width: 10, trim: 'left' },
    currency: { start: 51, width: 3, trim: 'both' },
    status: { start: 54, width: 10, trim: 'both' },
    revision: { start: 64, width: 20, trim: 'both' },
  },
  nulls: [''],
  skip: 1,
};

test('of fixed-width files with every bad line, the good go through, and the proof balances', async () => {
  const lake = await sampleLake({ format: { fixed: LAYOUT } });
  const { columns, row, wrong } = odd.settlementRows(DAY);
  const lineOf = (texts: readonly string[]) => {
    let line = '';
    for (const [name, { start, width, trim }] of Object.entries(LAYOUT.columns)) {
      const text = texts[columns.indexOf(name)] ?? '';
      line = line.padEnd(start - 1) + (trim === 'left' ? text.padStart(width) : text.padEnd(width));
    }
    return Buffer.from(`${line}\n`);
  };
  const good = lineOf(row(1)).toString();
  const bad = [
    ...wrong.map(({ column, text }, n) =>
      lineOf(row(n + 10).map((own, index) => (columns[index] === column ? text : own))),
    ),
    Buffer.from(good.replace(' \n', '\n')),
    Buffer.from(good.replace('\n', ' \n')),
    Buffer.from(good.replace('EUR', 'E\u0001R')),
    Buffer.from(good.replace('EUR', 'E\xe9R'), 'latin1'),
    Buffer.concat([Buffer.from(good).subarray(0, 38), Buffer.from('x'), Buffer.from(good).subarray(39)]),
  ];
  const write = async (item: string, content: string | Uint8Array) => {
    await writeFile(join(lake.dir, item), content);
    await utimes(join(lake.dir, item), new Date(`${DAY}T23:00:00Z`), new Date(`${DAY}T23:00:00Z`));
  };
  const lines = bad.flatMap((line, n) => [lineOf(row(n + 100)), line]);
  await write('a.txt', Buffer.concat([Buffer.from('settled\n'), ...lines]));
  await write('b.txt', `settled\n${good}`.replaceAll('\n', '\r\n'));
  await write('c.txt', '');
  await lake.land();
  const landed = await lake.entries('settlements');
  expect(landed.flatMap(({ items = [] }) => items.map(({ item, state }) => [item, state]))).toEqual([
    ['a.txt', 'collected'],
    ['b.txt', 'collected'],
    ['c.txt', 'parked'],
  ]);
  expect(countOf(landed, 'rows')).toBe(bad.length + 1);
  expect(countOf(landed, 'rejected')).toBe(bad.length);
  const events = backwardsRevision(DAY).records;
  for (const { data } of events) lake.stream.put('shardId-000000000000', data);
  await lake.collect();
  await lake.publish();
  const report = await lake.verify();
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ rows: bad.length + 1 + events.length, rejected: bad.length });
  expect(report.datasets['payments']?.residue).toBe(0);
});

test('a revision that goes backwards is a row, and loses to the later one, live and settled', async () => {
  const lake = await sampleLake();
  const { records, wins } = backwardsRevision(DAY);
  for (const { data } of records) lake.stream.put('shardId-000000000000', data);
  await lake.collect();
  const sql = 'SELECT payment_id, revision::INTEGER AS revision, status FROM payments';
  expect(await lake.ask(sql)).toEqual([wins]);
  await lake.publish();
  expect(await lake.ask(sql)).toEqual([wins]);
  const report = await lake.verify();
  expect(report.findings).toEqual([]);
  expect(report.datasets['payments']).toMatchObject({ residue: 0 });
});

function countOf(entries: readonly Entry[], of: 'rows' | 'rejected'): number {
  return entries.reduce((sum, entry) => entry[of].reduce((rest, { rows }) => rest + rows, sum), 0);
}
