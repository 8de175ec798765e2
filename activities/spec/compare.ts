import { canonical } from '../../lake/canonical.ts';
import { mappingHashes } from '../../lake/hashes.ts';
import { feedId } from '../../lake/keys.ts';
import type { LakeSpec, SpecObject } from '../../lake/spec.ts';
import { type SpecChange, type SpecPast, attachedFeeds, specChanges } from '../../lake/spec-change.ts';
import type { Chain, Link } from '../objects/chain.ts';
import { sha256Hex } from '../objects/json.ts';
import { type Ledger, createLedger } from '../objects/ledger.ts';
import type { ObjectStore, Watch } from '../objects/port.ts';

/** Entries read between two signs of life. */
const RUN = 500;

export interface Comparison {
  /** The applied spec; `undefined` while there is none. */
  readonly head: Link<SpecObject> | undefined;
  readonly changes: readonly SpecChange[];
}

export interface ComparerPorts {
  readonly store: ObjectStore;
  readonly chain: Chain<SpecObject>;
  readonly ledger?: Ledger;
}

/**
 * How `declared` differs from what is applied, was applied before, and was collected under it. It only reads: each earlier
 * spec where a name comes (again), and each entry of a feed that comes to a dataset, up to the first that does not fit.
 */
export async function compareSpecs(
  { store, chain, ledger = createLedger({ store }) }: ComparerPorts,
  declared: LakeSpec,
  watch: Watch,
): Promise<Comparison> {
  // As it would be stored: a mapping's hash follows the order of columns, which is that of canonical JSON there.
  const next = JSON.parse(canonical(declared)) as LakeSpec;
  const head = await chain.head(watch.signal);
  if (!head) return { head, changes: specChanges(undefined, next) };
  const applied = head.value;
  const past = {
    earlier: await earlierNames(chain, head, next, watch),
    collectedOtherwise: await collectedOtherwise(ledger, applied, next, watch),
  };
  return { head, changes: specChanges(applied, next, past) };
}

/** Of the names that are new in `next`, those that a spec before the applied one had, as they last stood. */
async function earlierNames(
  chain: Chain<SpecObject>,
  head: Link<SpecObject>,
  next: LakeSpec,
  { signal, onProgress }: Watch,
): Promise<SpecPast['earlier']> {
  const isKnown = (section: 'sources' | 'datasets') =>
    Object.keys(next[section]).every((name) => name in head.value[section]);
  if (head.n === 1 || (isKnown('sources') && isKnown('datasets'))) return { sources: {}, datasets: {} };
  const specs = (await chain.range(1, head.n - 1, signal)).map(({ value }) => value);
  onProgress();
  return {
    sources: Object.assign({}, ...specs.map(({ sources }) => sources)) as LakeSpec['sources'],
    datasets: Object.assign({}, ...specs.map(({ datasets }) => datasets)) as LakeSpec['datasets'],
  };
}

async function collectedOtherwise(
  ledger: Ledger,
  applied: LakeSpec,
  next: LakeSpec,
  watch: Watch,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const { dataset, feed } of attachedFeeds(applied, next)) {
    const spec = next.datasets[dataset];
    const mapping = spec && mappingHashes(next, spec, sha256Hex)[feed];
    if (!(await areAllOf(ledger, feedId(feed, sha256Hex), mapping, watch))) found.add(feed);
  }
  return found;
}

/** Whether all rows of a feed were collected under this mapping. */
async function areAllOf(
  ledger: Ledger,
  feed: string,
  mapping: string | undefined,
  { signal, onProgress }: Watch,
): Promise<boolean> {
  for (const lane of await ledger.lanes(feed, signal)) {
    const head = (await ledger.head(feed, lane, signal))?.n ?? 0;
    for (let from = 1; from <= head; from += RUN) {
      const links = await ledger.range(feed, lane, from, Math.min(head, from + RUN - 1), signal);
      onProgress();
      const rows = links.flatMap(({ value }) => value.rows);
      if (rows.some((one) => one.rows > 0 && one.mapping !== mapping)) return false;
    }
  }
  return true;
}
