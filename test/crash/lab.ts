import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { CreateStreamCommand, waitUntilStreamExists, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { expect } from 'vitest';
import { createKinesisClient } from '../../activities/streams/clients.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import { STACK_REGION, openStack } from '../support/stack.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import type { Point } from './points.ts';
import { runActivity } from './run.ts';
import { type Victim, startVictim } from './start-victim.ts';
import { truthOf } from './truth.ts';
import type { Errand } from './victim.ts';
import { type ActivityName, type InputOf, type Place, type ResultOf, openStore, wire } from './wire.ts';

/** Everything that a bucket holds. */
export type Snapshot = ReadonlyMap<string, Uint8Array>;

/** One commit of a lake: what there was, what is done, and what there is when nothing disturbs it. */
export interface Step<Name extends ActivityName = ActivityName> {
  readonly activity: Name;
  readonly input: InputOf<Name>;
  readonly before: Snapshot;
  readonly after: Snapshot;
  readonly result: ResultOf<Name>;
  readonly truth: Awaited<ReturnType<typeof truthOf>>;
}

/** A step that something befalls, and the lake in which it does. */
export interface Struck {
  readonly bucket: string;
  readonly step: Step;
  /** Absent: when all is done and nobody knows. */
  readonly point?: Point;
}

export type Lab = Awaited<ReturnType<typeof openLab>>;

/** Stand-ins, and lakes on them: each a bucket. The caller owes `close`. */
export async function openLab() {
  const { signal } = new AbortController();
  const stack = await openStack();
  const folder = await makeTmpFolder();
  const scratch = path.join(folder, 'scratch');
  await mkdir(scratch);
  const kinesis = createKinesisClient({ endpoint: stack.url, region: STACK_REGION });
  // Many collectors read one stream here, one after the other.
  const limits = JSON.stringify({ readsPerSecond: 1000, settleMs: 0 });
  await fetch(`${stack.url}/_stack/kinesis`, { method: 'POST', body: limits });

  const placeOf = (bucket: string): Place => ({ url: stack.url, bucket, scratch });
  const storeOf = (bucket: string) => openStore(placeOf(bucket));

  async function lakeFrom(snapshot: Snapshot): Promise<string> {
    const bucket = await stack.makeBucket();
    const store = storeOf(bucket);
    for (const [key, body] of snapshot) await store.create(key, body, signal);
    return bucket;
  }

  async function snapshotOf(bucket: string): Promise<Snapshot> {
    const store = storeOf(bucket);
    const found = new Map<string, Uint8Array>();
    for await (const { key } of store.list('', { signal })) {
      found.set(key, (await store.get(key, signal)) ?? new Uint8Array());
    }
    return found;
  }

  /** In this process, to the end, knowing nothing of what was before. */
  function run<Name extends ActivityName>(
    bucket: string,
    name: Name,
    input: InputOf<Name>,
  ): Promise<ResultOf<Name>> {
    return runActivity(wire(placeOf(bucket), storeOf(bucket)), name, input);
  }

  /** Each in a lake of its own, all in one process, which is killed when all are at their points. */
  async function kill(struck: readonly Struck[]): Promise<void> {
    const { by, said } = await startVictim('kill', struck.map(errand), stack.env).ended;
    expect({ by, said }).toEqual({ by: 'SIGKILL', said: '' });
  }

  /** The same process, waiting at those points. The caller owes a `letGo`. */
  async function hold(struck: readonly Struck[]): Promise<Victim> {
    const victim = startVictim('hold', struck.map(errand), stack.env);
    await victim.held();
    return victim;
  }

  function errand({ bucket, step: { activity, input }, point }: Struck): Errand {
    return { ...placeOf(bucket), activity, input, ...(point && { point }) };
  }

  async function step<Name extends ActivityName>(
    before: Snapshot,
    activity: Name,
    input: InputOf<Name>,
  ): Promise<Step<Name>> {
    const bucket = await lakeFrom(before);
    const result = await run(bucket, activity, input);
    const [after, truth] = [await snapshotOf(bucket), await truthOf(storeOf(bucket))];
    return { activity, input, before, after, result, truth };
  }

  /** What a lake says, and what is wrong with its proof. */
  async function look(bucket: string) {
    const store = storeOf(bucket);
    const { findings } = await verifyLake({ store, scratch, memoryMb: 256, signal });
    return { truth: await truthOf(store), findings };
  }

  /** Two shards, half of the records in each. */
  async function makeStream(name: string, records: readonly string[]): Promise<void> {
    await kinesis.send(new CreateStreamCommand({ StreamName: name, ShardCount: 2 }));
    const client = { client: kinesis, minDelay: 1, maxDelay: 1, maxWaitTime: 30 };
    await waitUntilStreamExists(client, { StreamName: name });
    const Records = records.map((data, n) => ({
      Data: Buffer.from(data),
      PartitionKey: 'unused',
      ExplicitHashKey: n % 2 === 0 ? '0' : String(2n ** 128n - 1n),
    }));
    await kinesis.send(new PutRecordsCommand({ StreamName: name, Records }));
  }

  async function close(): Promise<void> {
    kinesis.destroy();
    await stack.close();
    await removeTmpFolder(folder);
  }

  return { folder, lakeFrom, snapshotOf, run, kill, hold, step, look, makeStream, close };
}
