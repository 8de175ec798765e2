import type { ObjectStore } from '../../activities/objects/port.ts';
import { canonical } from '../../lake/canonical.ts';
import { ordinalOf } from '../../lake/keys.ts';
import type { Outcome, Plan } from '../../lake/plan.ts';
import type { CoverageObject, Stamp, ViewVersion } from '../../lake/view.ts';
import { type Found, readJson, sha256 } from './chains.ts';
import type { Lane } from './means.ts';
import type { Findings } from './report.ts';

/** A number of a chain that an object outside it names. */
interface Naming {
  readonly n: number;
  readonly by: string;
}

/** `projection/<dataset>/latest.json`. */
interface Projection {
  readonly version: number;
  readonly sha256: string;
}

/** How many objects are read at once. */
const WIDTH = 16;

/**
 * The furthest that anything names of each chain. A chain that lost its last objects is whole by itself: what was made
 * of them tells. Read before the chains, so that whatever is named was there by then, though the lake goes on meanwhile.
 */
export class NamedHeads {
  readonly #entries = new Map<string, Naming>();
  /** Lane → every ordinal that something reaches to, with one that does. */
  readonly #reaches = new Map<string, Map<number, string>>();
  readonly #versions = new Map<string, Naming>();
  readonly #coverages = new Map<string, CoverageObject>();
  readonly #outcomes = new Map<string, Outcome>();
  readonly #projections = new Map<string, Projection & { readonly key: string }>();

  /** Plans, outcomes, coverages and projections of these datasets, and every stamp. */
  static async read(
    store: ObjectStore,
    datasets: readonly string[],
    findings: Findings,
    signal: AbortSignal,
  ): Promise<NamedHeads> {
    const named = new NamedHeads();
    for (const dataset of datasets) {
      for await (const [key, value] of objectsUnder<CoverageObject>(`coverage/${dataset}/`, hashInName)) {
        named.coverage(value.lanes, key);
        named.#coverages.set(key, value);
      }
      for await (const [key, value] of objectsUnder<Plan>(`plan/${dataset}/`)) {
        named.version(dataset, value.parent, key);
        named.coverage(value.coverage, key);
      }
      for await (const [key, value] of objectsUnder<Outcome>(`outcome/${dataset}/`)) {
        named.version(dataset, value.version ?? 0, key);
        named.#outcomes.set(key, value);
      }
      for await (const [key, value] of objectsUnder<Projection>(`projection/${dataset}/`)) {
        named.version(dataset, value.version, key);
        named.#projections.set(dataset, { ...value, key });
      }
    }
    for await (const [key, value] of objectsUnder<Stamp>('stamp/', hashInName)) {
      for (const [dataset, n] of Object.entries(value.versions ?? {})) named.version(dataset, n, key);
      named.coverage(value.heads, key);
    }
    return named;

    async function* objectsUnder<T>(prefix: string, hashOf?: (key: string) => string) {
      const listed: string[] = [];
      for await (const { key } of store.list(prefix, { signal })) listed.push(key);
      for (let from = 0; from < listed.length; from += WIDTH) {
        const some = listed.slice(from, from + WIDTH);
        const values = await Promise.all(
          some.map((key) => {
            const expected = { namedBy: 'its name', ...(hashOf && { sha256: hashOf(key) }) };
            return readJson<T>(store, key, expected, findings, signal);
          }),
        );
        for (const [index, key] of some.entries()) {
          const value = values[index];
          if (value !== undefined) yield [key, value] as const;
        }
      }
    }
  }

  coverage(lanes: Readonly<Record<string, number>> | undefined, by: string): void {
    for (const [lane, n] of Object.entries(lanes ?? {})) {
      further(this.#entries, lane, { n, by });
      const reaches = this.#reaches.get(lane) ?? new Map<number, string>();
      if (!reaches.has(n)) this.#reaches.set(lane, reaches.set(n, by));
    }
  }

  /** Ordinal of a lane → what accounts for everything up to there. */
  reaches(lane: string): ReadonlyMap<number, string> {
    return this.#reaches.get(lane) ?? new Map();
  }

  version(dataset: string, n: number, by: string): void {
    further(this.#versions, dataset, { n, by });
  }

  /** Of those that were there before the versions were read. */
  coverageAt(key: string): CoverageObject | undefined {
    return this.#coverages.get(key);
  }

  outcomes(dataset: string): ReadonlyMap<string, Outcome> {
    const prefix = `outcome/${dataset}/`;
    return new Map([...this.#outcomes].filter(([key]) => key.startsWith(prefix)));
  }

  /** Every lane of these feeds, or of all, reaches as far as it is named. */
  checkLanes(lanes: readonly Lane[], feeds: ReadonlySet<string> | undefined, findings: Findings): void {
    for (const [id, { n, by }] of this.#entries) {
      if (!(feeds?.has(id.slice(0, id.lastIndexOf('/'))) ?? true)) continue;
      const last = lanes.find((one) => `${one.feed}/${one.lane}` === id)?.entries.at(-1);
      const ordinal = ordinalOf(last?.key ?? '') ?? 0;
      if (ordinal < n)
        findings.add('gap', `ledger/${id}/`, `ends with entry ${ordinal}, but ${by} accounts for entry ${n}`);
    }
  }

  /** The versions of a dataset reach as far as they are named, and the newest is what outsiders were shown. */
  checkVersions(dataset: string, versions: readonly Found<ViewVersion>[], findings: Findings): void {
    const last = ordinalOf(versions.at(-1)?.key ?? '') ?? 0;
    const named = this.#versions.get(dataset);
    if (named && last < named.n)
      findings.add(
        'gap',
        `view/${dataset}/`,
        `ends with version ${last}, but ${named.by} names version ${named.n}`,
      );
    const projection = this.#projections.get(dataset);
    const shown = versions.find(({ value }) => value.n === projection?.version);
    if (projection && shown && projection.sha256 !== sha256(canonical(shown.value)))
      findings.add(
        'altered',
        shown.key,
        `hashes to ${sha256(canonical(shown.value))}, but ${projection.key} says ${projection.sha256}`,
      );
  }
}

function further(of: Map<string, Naming>, name: string, naming: Naming): void {
  // An edited object may say anything.
  if (!Number.isSafeInteger(naming.n)) return;
  const before = of.get(name);
  if (!before || naming.n > before.n) of.set(name, naming);
}

/** For objects that are named by their content. */
function hashInName(key: string): string {
  return key.slice(key.lastIndexOf('/') + 1).replace(/\.json$/, '');
}
