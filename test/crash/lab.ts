import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { verifyLake } from '../../reading/verify/verify.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { openStack } from '../support/stack.ts';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import type { Point } from './points.ts';
import { runActivity } from './run.ts';
import { type Victim, startVictim } from './start-victim.ts';
import { openStreams } from './streams.ts';
import { truthOf } from './truth.ts';
import type { Errand } from './victim.ts';
import {
  type ActivityName,
  type InputOf,
  type Place,
  type ResultOf,
  openClients,
  openStore,
  wire,
} from './wire.ts';

/** What a proof is made without here: it changes nothing about rows, and each other state of it would need another. */
const UNPROVED = /^(plan|hold|outcome|audit|hint|projection)\//;

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
  const streams = await openStreams(stack.url);
  const proofs = new Map<string, readonly unknown[]>();
  let aheadMs = 0;

  const placeOf = (bucket: string): Place => ({ url: stack.url, bucket, scratch, aheadMs });
  const clients = openClients(stack.url);
  const storeOf = (bucket: string) => openStore(bucket, clients);

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
    const after = await snapshotOf(bucket);
    return { activity, input, before, after, result, truth: await truthOf(copyOf(after)) };
  }

  /** What a lake says, and what is wrong with its proof. */
  async function look(snapshot: Snapshot) {
    const store = copyOf(snapshot);
    return { truth: await truthOf(store), findings: await findingsOf(snapshot) };
  }

  /** Lakes that differ only in what a proof is made without have one proof. */
  async function findingsOf(snapshot: Snapshot): Promise<readonly unknown[]> {
    const proved = new Map([...snapshot].filter(([key]) => !UNPROVED.test(key)));
    const hash = createHash('sha256');
    for (const [key, body] of proved) hash.update(`${key} ${body.byteLength} `).update(body);
    const name = hash.digest('hex');
    const known = proofs.get(name);
    if (known) return known;
    const { findings } = await verifyLake({ store: copyOf(proved), scratch, memoryMb: 256, signal });
    proofs.set(name, findings);
    return findings;
  }

  /** Keys of the uploads in parts that were begun and neither completed nor abandoned. */
  async function uploadsOf(bucket: string): Promise<string[]> {
    const listed = await stack.s3Client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return (listed.Uploads ?? []).map(({ Key }) => Key ?? '');
  }

  /** For the streams, and for every activity that is run from now on. */
  async function pass(ms: number): Promise<void> {
    await fetch(`${stack.url}/_stack/clock`, { method: 'POST', body: JSON.stringify({ jumpMs: ms }) });
    aheadMs += ms;
  }

  async function close(): Promise<void> {
    streams.close();
    clients.s3.destroy();
    clients.once.destroy();
    await stack.close();
    await removeTmpFolder(folder);
  }

  const { s3Client } = stack;
  return {
    folder,
    streams,
    s3Client,
    lakeFrom,
    snapshotOf,
    run,
    kill,
    hold,
    step,
    look,
    uploadsOf,
    pass,
    close,
  };
}

/** Reading it is nearly free. */
function copyOf(snapshot: Snapshot): MemoryObjectStore {
  const store = new MemoryObjectStore();
  for (const [key, body] of snapshot) store.put(key, body);
  return store;
}
