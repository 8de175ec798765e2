import { createOnce } from '../activities/objects/commit.ts';
import { readNamed } from '../activities/objects/fetch.ts';
import { encode, sha256Hex } from '../activities/objects/json.ts';
import type { Ledger } from '../activities/objects/ledger.ts';
import type { ObjectStore } from '../activities/objects/port.ts';
import { createViews } from '../activities/objects/views.ts';
import { join, lanesOf, reach, sameCoverage } from '../lake/coverage.ts';
import { entryFacts } from '../lake/entry-facts.ts';
import { endingWith, generationsWithin } from '../lake/generations.ts';
import { type LaneId, keys, laneId, parseLaneId } from '../lake/keys.ts';
import type { LakeSpec } from '../lake/spec.ts';
import { tableFacts } from '../lake/table-lane.ts';
import type { Coverage, ReadMode, Stamp } from '../lake/view.ts';
import { QueryRefused } from './ports.ts';

export interface StampRequest {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  /** The newest applied spec, with its number. */
  readonly spec: { readonly n: number; readonly spec: Pick<LakeSpec, 'datasets'> };
  readonly mode: ReadMode;
  readonly datasets: readonly string[];
}

export interface NamedStamp {
  readonly sha256: string;
  readonly stamp: Stamp;
}

/**
 * Everything that is there now for these datasets, kept as `stamp/<sha256>.json`: what is read by it never changes. A
 * settled one names versions alone; a live one also the head of every lane, never below what the versions account for,
 * and of a table never an entry of a generation that is not whole.
 */
export async function makeStamp(request: StampRequest, signal: AbortSignal): Promise<NamedStamp> {
  const { store, ledger, spec, mode, datasets } = request;
  const views = createViews({ store });
  const versions: Record<string, number> = {};
  let base: Coverage = {};
  let heads: Coverage = {};
  for (const name of datasets) {
    const dataset = spec.spec.datasets[name];
    if (!dataset) throw new QueryRefused(`${name} is no dataset of the lake`);
    // Versions first: what they account for is then surely below the heads.
    const view = await views.viewHead(name, signal);
    versions[name] = view?.n ?? 0;
    if (mode === 'settled') continue;
    if (view) base = join(base, await views.coverageOf(name, view.value.base, signal));
    for (const feed of Object.keys(dataset.feeds)) {
      heads = join(heads, await feedHeads(ledger, feed, base, signal));
    }
  }
  heads = mode === 'live' ? await withNeeds(ledger, join(heads, base), base, signal) : {};
  const stamp: Stamp = { format: 1, mode, spec: spec.n, versions, heads, erasure: 0, reader: 1 };
  const body = encode(stamp);
  const sha256 = sha256Hex(body);
  await createOnce(store, keys.stamp(sha256), body, signal);
  return { sha256, stamp };
}

/** A stamp made before. */
export async function readStamp(
  store: ObjectStore,
  sha256: string,
  signal: AbortSignal,
): Promise<NamedStamp> {
  const stamp = await readNamed<Stamp>(store, keys.stamp(sha256), 'who asked', signal);
  return { sha256, stamp };
}

async function feedHeads(
  ledger: Ledger,
  feed: string,
  base: Coverage,
  signal: AbortSignal,
): Promise<Coverage> {
  const heads: Record<LaneId, number> = {};
  for (const lane of await ledger.lanes(feed, signal)) {
    const head = await ledger.head(feed, lane, signal);
    if (!head) continue;
    const id = laneId(feed, lane);
    const from = reach(base, id);
    heads[id] = tableFacts(head.value)
      ? await wholeHead(ledger, feed, lane, { from, to: head.n }, signal)
      : head.n;
  }
  return heads;
}

/** The last entry of a table's lane that is of a whole generation; `from`: one that is. */
async function wholeHead(
  ledger: Ledger,
  feed: string,
  lane: number,
  { from, to }: { readonly from: number; readonly to: number },
  signal: AbortSignal,
): Promise<number> {
  const id = laneId(feed, lane);
  const links = await ledger.range(feed, lane, Math.max(1, from), to, signal);
  const entries = links.map(({ n, value }) => ({ feed, lane, ordinal: n, table: tableFacts(value) }));
  const before = from > 0 ? (entries[0]?.table?.generation ?? 0) : 0;
  const heads: Coverage = { [id]: to };
  const current = generationsWithin(entries, heads, [], new Map([[id, before]]));
  return reach(endingWith(heads, entries, current), id);
}

/** Further, where an entry beyond `from` may be read only together with others. */
async function withNeeds(
  ledger: Ledger,
  heads: Coverage,
  from: Coverage,
  signal: AbortSignal,
): Promise<Coverage> {
  let further = heads;
  for (const id of lanesOf(heads)) {
    const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
    for (const { value } of await ledger.range(feed, lane, reach(from, id) + 1, reach(heads, id), signal)) {
      further = join(further, entryFacts(value, []).needs);
    }
  }
  return sameCoverage(further, heads) ? heads : withNeeds(ledger, further, heads, signal);
}
