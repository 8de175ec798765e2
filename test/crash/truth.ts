import type { ObjectStore } from '../../activities/objects/port.ts';
import type { BuildManifest } from '../../lake/build.ts';
import type { Entry, SideObject } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';

const { signal } = new AbortController();

const TRUTH = ['spec/', 'ledger/', 'plan/', 'build/', 'gate/', 'hold/', 'outcome/', 'audit/', 'view/'];

/** When and by which attempt something was made, and what follows from that. */
const CHANCE = new Set(
  'at prev commit committedAt epoch attempt because caughtUpAt key uri bytes checksum sha256 publishedAt'.split(
    ' ',
  ),
);

/**
 * What a lake says, by key, without what chance decides. How records of a stream fall into entries is chance too, so
 * of such a lane it is what all entries say together. Two lakes with the same truth are the same to every reader.
 */
export async function truthOf(store: ObjectStore): Promise<Record<string, unknown>> {
  const truth: Record<string, unknown> = {};
  const sequences = new Map<string, Entry[]>();
  for (const prefix of TRUTH) {
    for await (const { key } of store.list(prefix, { signal })) {
      if (!key.endsWith('.json')) continue;
      const value = await whole(store, await readJson(store, key));
      if (isSequence(value)) {
        const lane = `ledger/${value.feed}/${value.lane}`;
        sequences.set(lane, [...(sequences.get(lane) ?? []), value]);
      } else if (key.endsWith('/_build.json')) truth[key] = await buildTruth(store, value as BuildManifest);
      else truth[key] = stripped(value);
    }
  }
  for (const [lane, entries] of sequences) truth[lane] = sequenceTruth(entries);
  for await (const { key } of store.list('projection/', { signal }))
    truth[key] = stripped(await readJson(store, key));
  return truth;
}

async function buildTruth(store: ObjectStore, manifest: BuildManifest): Promise<unknown> {
  const { dataset, partition, buildId, attempt, files, tombstones, winners } = manifest;
  const missing: string[] = [];
  for (const named of [...files, tombstones, winners?.batch, winners?.speed]) {
    if (!named) continue;
    const head = await store.head(keys.buildFile(dataset, partition, buildId, attempt, named.file), signal);
    if (head?.bytes !== named.bytes) missing.push(named.file);
  }
  return { ...(stripped({ ...manifest, by: '' }) as object), missing };
}

function sequenceTruth(entries: readonly Entry[]): unknown {
  let [rows, hash, rejected] = [0, 0n, 0];
  const partitions = new Map<string, { rows: number; hash: bigint }>();
  const channels: Record<string, string> = {};
  let [standing, skips]: [string[], number] = [[], 0];
  for (const entry of entries) {
    for (const object of entry.rows) {
      rows += object.rows;
      hash += BigInt(object.hash);
      for (const [partition, one] of Object.entries(object.partitions)) {
        const sum = partitions.get(partition) ?? { rows: 0, hash: 0n };
        partitions.set(partition, { rows: sum.rows + one.rows, hash: sum.hash + BigInt(one.hash) });
      }
    }
    for (const object of entry.rejected) rejected += object.rows;
    const states = Object.entries(entry.channels ?? {});
    for (const [channel, { after, through, generation, closed }] of states) {
      const to = place(through);
      if (to === 'a horizon' && after !== through) skips += 1;
      channels[channel] = `generation ${generation}, ${to}${closed ? ' closed' : ''}`;
    }
    standing = states.flatMap(([channel, { closed }]) => (closed ? [] : [channel]));
  }
  const ofPartitions = [...partitions].map(([name, one]) => [name, `${one.rows} rows, ${one.hash}`]);
  const sums = { rows, hash: String(hash), rejected, partitions: Object.fromEntries(ofPartitions) };
  return { ...sums, channels, standing, skips };
}

/** When a person let a channel go on is chance. */
function place(position: string): string {
  return position.startsWith('horizon:') ? 'a horizon' : position;
}

/** An entry with the lists that stand beside it. */
async function whole(store: ObjectStore, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((one) => whole(store, one)));
  if (typeof value !== 'object' || value === null) return value;
  const members: [string, unknown][] = [];
  for (const [name, one] of Object.entries(value)) {
    if (name !== 'itemsIn' && name !== 'partitionsIn') members.push([name, await whole(store, one)]);
    else members.push([name, await readJson(store, (one as SideObject).key)]);
  }
  return Object.fromEntries(members);
}

function isSequence(value: unknown): value is Entry {
  return typeof value === 'object' && value !== null && 'channels' in value;
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(stripped);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !CHANCE.has(name))
      .map(([name, one]) => [name, stripped(one)]),
  );
}

async function readJson(store: ObjectStore, key: string): Promise<unknown> {
  const bytes = await store.get(key, signal);
  if (!bytes) throw new Error(`${key}: listed, and not there`);
  return JSON.parse(Buffer.from(bytes).toString());
}
