import { randomUUID } from 'node:crypto';
import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createBuildActivities } from '../../activities/builds/activities.ts';
import { createFileActivities } from '../../activities/files/activities.ts';
import { LocalFolder } from '../../activities/files/local.ts';
import { encode } from '../../activities/objects/json.ts';
import { createLedger } from '../../activities/objects/ledger.ts';
import { createRunActivities } from '../../activities/runs/activities.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import { createSpecActivities } from '../../activities/spec/activities.ts';
import { createSpecReader } from '../../activities/spec/store.ts';
import { createStreamActivities } from '../../activities/streams/activities.ts';
import type { Pacing } from '../../activities/streams/pacing.ts';
import { createViewActivities } from '../../activities/views/activities.ts';
import { workflowIds } from '../../lake/ids.ts';
import { keys } from '../../lake/keys.ts';
import type { DatasetSpec, FilesSource, LakeSpec } from '../../lake/spec.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { MemoryStream } from '../fakes/memory-stream.ts';
import { dataset, filesSource, streamSource } from '../support/rows-specs.ts';
import type { Client } from '@temporalio/client';
import { tmpFolder } from '../support/tmp.ts';

export interface WorkflowLakeOptions {
  readonly source?: Partial<FilesSource>;
  readonly dataset?: Partial<DatasetSpec>;
  readonly pacing?: Partial<Pacing>;
  /** Leave the lake without a spec. */
  readonly bare?: boolean;
  /** Shards of its stream. */
  readonly shards?: number;
}

/** Activities of one worker. A test replaces single ones, to fail or to wait in them. */
export type LakeActivities = Awaited<ReturnType<typeof workflowLake>>['activities'];

const COLUMNS = { id: 'string', at: 'timestamp', amount: 'decimal(18,2)' } as const;

/**
 * A lake of its own, in memory, with all real activities: a folder that feeds a dataset of the same name, and a stream
 * that feeds none. Its names are its own, as every test shares one server.
 */
export async function workflowLake(
  { client }: { readonly client: Client },
  options: WorkflowLakeOptions = {},
) {
  return lakeIn(await tmpFolder(), client, options);
}

/** The same in a folder that the caller owes the removal of. */
export async function lakeIn(home: string, client: Client, options: WorkflowLakeOptions = {}) {
  const own = randomUUID().slice(0, 8);
  const source = `flights-${own}`;
  const stream = `events-${own}`;
  const queue = `test-${own}`;
  const folder = path.join(home, 'in coming');
  const scratch = path.join(home, 'scratch');
  await mkdir(folder);
  await mkdir(scratch);
  const spec: LakeSpec = {
    lake: { name: `lake-${own}`, bucket: 'test-lake' },
    sources: {
      [source]: { ...filesSource(COLUMNS), from: pathToFileURL(folder).href, ...options.source },
      [stream]: { ...streamSource(COLUMNS), commit: { rows: 1000, bytes: 1_000_000, everyMs: 50 } },
    },
    datasets: {
      [source]: dataset({
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'at', unit: 'day', from: '2026-11-01', fixed: true },
        columns: COLUMNS,
        feeds: { [source]: { role: 'batch', visible: 'commit', map: {} } },
        ...options.dataset,
      }),
    },
  };
  const store = new MemoryObjectStore();
  const ledger = createLedger({ store });
  let ahead = 0;
  const clock = { now: () => Date.now() + ahead };
  if (!options.bare) {
    const first = { format: 1, n: 1, prev: null, ...spec, epochs: { [source]: 1 } };
    store.put(keys.spec(1), encode({ ...first, by: 'ana', reason: 'first', at: '2026-11-01T00:00:00.000Z' }));
  }
  const ports = { store, ledger, spec: createSpecReader({ store }), clock };
  const duck = { memoryMb: 256, threads: 1, scratch };
  const runs = new TemporalRuns(() => client, queue);
  const records = new MemoryStream({ shards: options.shards ?? 1, clock });
  const activities = {
    ...createRunActivities({ runs }),
    ...createSpecActivities({ store, runs, clock }),
    ...createFileActivities({ ...ports, files: new LocalFolder(), duck }),
    ...createStreamActivities({
      ...ports,
      stream: records,
      duck,
      pacing: { readEveryMs: 20, ...options.pacing },
    }),
    ...createBuildActivities({ ...ports, duck }),
    ...createViewActivities(ports),
  };

  /** Write a file of the source, long ago enough to be quiet; `minutes` later than others. */
  async function write(item: string, content: string, minutes = 0): Promise<void> {
    const file = path.join(folder, item);
    await writeFile(file, content);
    const time = new Date(Date.parse('2026-11-22T10:00:00Z') + minutes * 60_000);
    await utimes(file, time, time);
  }

  /** Collect what the folder holds, without a run. */
  async function land(): Promise<void> {
    const { manifest, files } = await inActivity(activities.listFiles, { source });
    if (manifest !== null) await inActivity(activities.landFiles, { source, manifest, from: 0, to: files });
  }

  /** Rows that the entries of a feed's lane name. */
  async function rowsIn(feed: string, lane = 0): Promise<number> {
    const signal = AbortSignal.timeout(10_000);
    const head = await ledger.head(feed, lane, signal);
    const links = head ? await ledger.range(feed, lane, 1, head.n, signal) : [];
    return links.flatMap(({ value }) => value.rows).reduce((sum, { rows }) => sum + rows, 0);
  }

  return {
    source,
    stream,
    queue,
    spec,
    store,
    ledger,
    records,
    activities,
    transferId: workflowIds.transferFiles(source),
    ingestId: workflowIds.ingestStream(stream),
    reconcileId: workflowIds.reconcileDataset(source),
    write,
    land,
    rowsIn,
    /** Let time pass for whoever asks the lake's clock. */
    pass(ms: number): void {
      ahead += ms;
    },
  };
}

/** Run one activity by itself. */
export function inActivity<Input, Result>(
  activity: (input: Input) => Promise<Result>,
  input: Input,
): Promise<Result> {
  return new MockActivityEnvironment().run<[Input], Result, typeof activity>(activity, input);
}

/** A file of the source: one row per id, all of one day. */
export function csv(day: string, ...ids: readonly string[]): string {
  return ['id,at,amount', ...ids.map((id) => `${id},${day}T10:00:00Z,5.00`), ''].join('\n');
}

/** What no reader makes sense of. */
export const BROKEN = 'id,at,amount\n1,"2026-11-21T10:00:00Z,5.00\n';
