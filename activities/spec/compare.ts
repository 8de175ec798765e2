import { canonical } from '../../lake/canonical.ts';
import { feedId } from '../../lake/keys.ts';
import { type DatasetUnder, statisticsHold, valuesFit } from '../../lake/statistics.ts';
import type { LakeSpec, SourceSpec, SpecObject, TableSpec } from '../../lake/spec.ts';
import { type SpecChange, type SpecPast, attachedFeeds, specChanges } from '../../lake/spec-change.ts';
import type { Coverage } from '../../lake/view.ts';
import type { Chain, Link } from '../objects/chain.ts';
import { sha256Hex } from '../objects/json.ts';
import { type Ledger, createLedger } from '../objects/ledger.ts';
import type { ObjectStore, Watch } from '../objects/port.ts';
import { type Rebuild, rebuildsOf } from './rebuilds.ts';

/** Entries read between two signs of life. */
const RUN = 500;

export interface Comparison {
  /** The applied spec; `undefined` while there is none. */
  readonly head: Link<SpecObject> | undefined;
  readonly changes: readonly SpecChange[];
  /** Of each dataset that the changes build anew. */
  readonly rebuilds: readonly Rebuild[];
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
  measuredTo?: Coverage,
): Promise<Comparison> {
  // As it would be stored: a mapping's hash follows the order of columns, which is that of canonical JSON there.
  const next = JSON.parse(canonical(declared)) as LakeSpec;
  const head = await chain.head(watch.signal);
  if (!head) return { head, changes: specChanges(undefined, next), rebuilds: [] };
  const applied = head.value;
  const earlier = await earlierNames(chain, head, next, watch);
  const past = {
    earlier,
    collectedOtherwise: await collectedOtherwise(ledger, applied, next, watch),
    tables: await tablesOnce(chain, head, next, watch),
    collectedDatabases: await collectedDatabases(
      ledger,
      { ...earlier.sources, ...applied.sources },
      next,
      watch,
    ),
  };
  const changes = specChanges(applied, next, past);
  // What is refused anyway is not looked at further.
  const isRefused = changes.some((change) => change.class === 'refused');
  const rebuilds = isRefused ? [] : await rebuildsOf(ledger, next, changes, watch, measuredTo);
  return { head, changes, rebuilds };
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

/** Of the databases that have a table more than in the applied spec, the tables that they ever had. */
async function tablesOnce(
  chain: Chain<SpecObject>,
  head: Link<SpecObject>,
  next: LakeSpec,
  { signal, onProgress }: Watch,
): Promise<SpecPast['tables']> {
  const isKnown = Object.entries(next.sources).every(([name, source]) => {
    const known = tablesOf(head.value.sources[name]);
    return Object.keys(tablesOf(source)).every((table) => Object.hasOwn(known, table));
  });
  if (isKnown) return {};
  const found: Record<string, Record<string, TableSpec>> = {};
  for (const { value } of await chain.range(1, head.n, signal)) {
    for (const [name, source] of Object.entries(value.sources))
      found[name] = { ...found[name], ...tablesOf(source) };
  }
  onProgress();
  return found;
}

function tablesOf(source: SourceSpec | undefined): Readonly<Record<string, TableSpec>> {
  return source?.kind === 'database' ? source.tables : {};
}

/** Of the databases that have another task than before, those of which something is collected. */
async function collectedDatabases(
  ledger: Ledger,
  before: LakeSpec['sources'],
  next: LakeSpec,
  { signal, onProgress }: Watch,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const [name, source] of Object.entries(next.sources)) {
    const was = before[name];
    if (was?.kind !== 'database' || source.kind !== 'database' || was.dms.task === source.dms.task) continue;
    for (const { feed } of Object.values({ ...was.tables, ...source.tables })) {
      if ((await ledger.lanes(feed, signal)).length > 0) found.add(name);
      onProgress();
      if (found.has(name)) break;
    }
  }
  return found;
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
    if (!spec) continue;
    const under = { lake: next, dataset: spec };
    if (!(await areAllFor(ledger, feedId(feed, sha256Hex), under, watch))) found.add(feed);
  }
  return found;
}

/** Whether all rows of a feed were collected so that the dataset can take them as they are. */
async function areAllFor(
  ledger: Ledger,
  feed: string,
  under: DatasetUnder,
  { signal, onProgress }: Watch,
): Promise<boolean> {
  const known = new Map<string, boolean>();
  for (const lane of await ledger.lanes(feed, signal)) {
    const head = (await ledger.head(feed, lane, signal))?.n ?? 0;
    for (let from = 1; from <= head; from += RUN) {
      const links = await ledger.range(feed, lane, from, Math.min(head, from + RUN - 1), signal);
      onProgress();
      for (const { value } of links)
        for (const { rows, mapping } of value.rows) {
          if (rows === 0) continue;
          const name = `${value.spec} ${mapping}`;
          const fit = known.get(name) ?? (await isFor(value.spec, mapping));
          known.set(name, fit);
          if (!fit) return false;
        }
    }
  }
  return true;

  async function isFor(n: number, mapping: string | null): Promise<boolean> {
    const collected = { feed, mapping, spec: await ledger.specOf(n, signal) };
    return statisticsHold(collected, under, sha256Hex) && valuesFit(collected, under, sha256Hex);
  }
}
