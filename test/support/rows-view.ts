import { encode, sha256Hex } from '../../activities/objects/json.ts';
import type { Ledger } from '../../activities/objects/ledger.ts';
import { createViews } from '../../activities/objects/views.ts';
import { entryFacts } from '../../lake/entry-facts.ts';
import { keys, parseLaneId } from '../../lake/keys.ts';
import { advance, chunksOf, coverageHash, coverageObject } from '../../lake/parts.ts';
import type { Plan } from '../../lake/plan.ts';
import type { ViewVersion } from '../../lake/view.ts';
import type { MemoryObjectStore } from '../fakes/memory-object-store.ts';

/** The next version of a view: a plan's builds, and everything up to its coverage accounted for. */
export async function publishPlan(
  { store, ledger }: { readonly store: MemoryObjectStore; readonly ledger: Ledger },
  plan: Plan,
  exclude: ViewVersion['exclude'],
): Promise<ViewVersion> {
  const { dataset, planId, coverage, partitions } = plan;
  const signal = AbortSignal.timeout(60_000);
  const views = createViews({ store });
  const head = await views.viewHead(dataset, signal);
  const entries = [];
  for (const [id, through] of Object.entries(coverage)) {
    const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
    for (const { value } of await ledger.range(feed, lane, 1, through, signal)) {
      entries.push(
        entryFacts(value, await Promise.all(value.rows.map((rows) => ledger.partitions(rows, signal)))),
      );
    }
  }
  const before = await views.resolveView(head?.value, signal);
  const after = advance({ view: before, builds: partitions, coverage, entries, exclude }, sha256Hex);
  const parts: Record<string, string> = {};
  for (const [chunk, object] of Object.entries(chunksOf(after.parts, sha256Hex))) {
    const body = encode(object);
    parts[chunk] = sha256Hex(body);
    store.put(keys.part(dataset, parts[chunk]), body);
  }
  for (const lanes of [after.base, ...Object.values(after.coverages)]) {
    store.put(keys.coverage(dataset, coverageHash(lanes, sha256Hex)), encode(coverageObject(lanes)));
  }
  const n = (head?.n ?? 0) + 1;
  const version: ViewVersion = {
    format: 1,
    dataset,
    n,
    prev: head?.sha256 ?? null,
    token: planId,
    datasetEpoch: 1,
    spec: plan.spec,
    contract: '',
    base: coverageHash(after.base, sha256Hex),
    parts,
    exclude,
    pinned: [],
    rejected: [],
    gate: null,
    flagged: {},
    kind: 'publish',
    by: 'test',
    reason: '',
    at: '',
  };
  store.put(keys.view(dataset, n), encode(version));
  return version;
}
