import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { covers, entryName, isWithin, join } from '../../lake/coverage.ts';
import type { EntryFacts } from '../../lake/entry-facts.ts';
import {
  EMPTY_VIEW,
  type ViewParts,
  advance,
  chunksOf,
  coverageAt,
  entriesToRead,
  entryRef,
  usedBy,
} from '../../lake/parts.ts';
import { rollBack } from '../../lake/rollback.ts';
import type { Coverage, ViewVersion } from '../../lake/view.ts';
import { factsOf, sha256 } from '../fakes/facts.ts';

const PARTITIONS = ['d1', 'd2', 'd3'] as const;
const FEEDS = {
  stream: { role: 'speed', visible: 'commit', map: {} },
  books: { role: 'batch', visible: 'publish', map: {} },
} as const;

test('a part that follows the base names no coverage of its own', () => {
  const entries = [factsOf('stream', 1, ['d1', 'd2'])];
  const view = publish(EMPTY_VIEW, ['d1'], { 'stream/0': 1 }, entries);
  expect(view).toEqual({
    base: { 'stream/0': 1 },
    parts: {
      d1: { build: 'd1@{"stream/0":1}', late: [] },
      d2: { late: [{ feed: 'stream', lane: 0, ordinal: 1 }] },
    },
    coverages: {},
  });
});

test('a part with more than 100 new late entries keeps its old coverage instead', () => {
  const entries = Array.from({ length: 101 }, (_, index) => factsOf('stream', index + 1, ['d2']));
  const listed = publish(EMPTY_VIEW, [], { 'stream/0': 100 }, entries);
  expect(listed.parts['d2']?.late).toHaveLength(100);
  const kept = publish(EMPTY_VIEW, [], { 'stream/0': 101 }, entries);
  expect(kept.parts['d2']?.late).toEqual([]);
  expect(coverageAt(kept, 'd2')).toEqual({});
  expect(kept.base).toEqual({ 'stream/0': 101 });
});

test('the base stays where moving it would write 64 KB beside the change', () => {
  const many = Array.from({ length: 3000 }, (_, index) => `p${index}`);
  const entries = [factsOf('stream', 1, many)];
  const view = publish(EMPTY_VIEW, ['p1'], { 'stream/0': 1 }, entries);
  expect(view.base).toEqual({});
  expect(Object.keys(view.parts)).toEqual(['p1']);
  expect(coverageAt(view, 'p1')).toEqual({ 'stream/0': 1 });
});

test('a chunk holds the partitions whose hashes begin alike', () => {
  const chunks = chunksOf({ '2026-11-20': { late: [] }, '2026-11-21': { late: [] } }, sha256);
  const found = Object.entries(chunks).map(([chunk, { parts }]) => [chunk, Object.keys(parts)]);
  expect(found.toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))).toEqual([
    ['82', ['2026-11-21']],
    ['87', ['2026-11-20']],
  ]);
});

test('rows of a feed visible at publish, of entries that take rows back, or of excluded ones are not read live', () => {
  const entries = [
    factsOf('books', 1, ['d1']),
    factsOf('stream', 1, ['d1']),
    factsOf('stream', 2, ['d1'], { retracts: true }),
    factsOf('stream', 3, ['d1']),
    factsOf('stream', 4, ['d1'], { needs: { 'stream/1': 1 } }),
    factsOf('stream', 5, ['d1']),
  ];
  const read = entriesToRead({
    mode: 'live',
    part: { build: 'b', late: [{ feed: 'stream', lane: 0, ordinal: 1 }] },
    at: { 'stream/0': 1 },
    heads: { 'stream/0': 4, 'books/0': 1 },
    exclude: [{ feed: 'stream', lane: 0, ordinal: 3 }],
    feeds: FEEDS,
    entries,
  });
  expect(read.build).toBe('b');
  expect(read.entries.map(({ ordinal }) => ordinal)).toEqual([1]);
});

interface Step {
  readonly commit: readonly { readonly feed: 'stream' | 'books'; readonly partitions: readonly string[] }[];
  readonly build: readonly string[];
  /** How far behind the heads the plan was made: an approved build may be old. */
  readonly behind: number;
  readonly exclude: number | undefined;
  readonly backTo: number | undefined;
}

const steps = fc.array(
  fc.record({
    commit: fc.array(
      fc.record({
        feed: fc.constantFrom('stream' as const, 'books' as const),
        partitions: fc.subarray([...PARTITIONS]),
      }),
      { maxLength: 4 },
    ),
    build: fc.subarray([...PARTITIONS]),
    behind: fc.nat(2),
    exclude: fc.option(fc.nat(5), { nil: undefined, freq: 4 }),
    backTo: fc.option(fc.nat(3), { nil: undefined, freq: 4 }),
  }),
  { maxLength: 15 },
);

test('build and late account for every entry, coverage shrinks by rollback alone, and a live read is the whole ledger', () => {
  fc.assert(
    fc.property(steps, (history) => {
      const run = new Model();
      for (const step of history) expect(run.take(step)).toBeUndefined();
    }),
    { numRuns: 300 },
  );
});

/** A dataset whose builds are named by what they used, so that everything can be recomputed from the ledger. */
class Model {
  readonly entries: EntryFacts[] = [];
  readonly used = new Map<string, ReadonlySet<string>>();
  readonly versions: { readonly version: ViewVersion; readonly view: ViewParts }[] = [];
  view = EMPTY_VIEW;
  exclude: ViewVersion['exclude'] = [];

  take({ commit, build, behind, exclude, backTo }: Step): void {
    for (const { feed, partitions } of commit) {
      const ordinal = this.entries.filter((entry) => entry.feed === feed).length + 1;
      this.entries.push(factsOf(feed, ordinal, partitions));
    }
    const before = this.view;
    if (backTo !== undefined) this.#rollBack(backTo, exclude);
    else this.#publish(build, behind);
    this.#check(before, backTo !== undefined);
  }

  #publish(build: readonly string[], behind: number): void {
    const heads = this.#heads();
    const old = Object.fromEntries(
      Object.entries(heads).map(([lane, head]) => [lane, Math.max(0, head - behind)]),
    );
    // No plan is older than the builds that it replaces.
    const fits = build.filter((partition) => {
      const used = usedBy(
        this.view.parts[partition],
        coverageAt(this.view, partition),
        this.#of(partition),
        this.exclude,
      );
      return used.every((entry) => isWithin(old, entry));
    });
    for (const partition of fits) {
      this.used.set(`${partition}@${JSON.stringify(old)}`, this.#names(partition, old));
    }
    this.view = publish(this.view, fits, old, this.entries, this.exclude);
    this.#append('publish');
  }

  #rollBack(backTo: number, barring: number | undefined): void {
    const [head, to] = [this.versions.at(-1), this.versions[backTo]];
    if (!head || !to) return;
    const bad = barring === undefined ? undefined : this.entries[barring];
    const exclude = bad ? [{ ...entryRef(bad), reason: 'bad', by: 'ana' }] : [];
    const barred = new Set([...this.exclude, ...exclude].map(entryName));
    const rolled = rollBack(
      {
        head: { ...head, generations: new Map() },
        to: { ...to, generations: new Map() },
        partitions: undefined,
        exclude,
        barred: this.entries.filter((entry) => barred.has(entryName(entry))),
        pin: true,
        isMappedAlike: true,
      },
      sha256,
    );
    if (rolled.kind === 'refused') {
      expect(rolled.reason).toContain(' used ');
      return;
    }
    this.view = rolled.view;
    this.exclude = rolled.change.exclude;
    this.#append('rollback');
    for (const partition of PARTITIONS) {
      expect(this.view.parts[partition]?.build).toBe(to.view.parts[partition]?.build);
      if (partition in this.view.parts) {
        expect(coverageAt(this.view, partition)).toEqual(coverageAt(to.view, partition));
      }
    }
  }

  #check(before: ViewParts, isRollback: boolean): void {
    expect(covers(this.view.base, before.base)).toBe(true);
    for (const partition of PARTITIONS) {
      const part = this.view.parts[partition];
      const at = coverageAt(this.view, partition);
      if (!isRollback) expect(covers(at, coverageAt(before, partition))).toBe(true);
      const late = new Set((part?.late ?? []).map(entryName));
      const used = new Set(part?.build === undefined ? [] : this.used.get(part.build));
      const barred = new Set(this.exclude.map(entryName));
      const accounted = [...late, ...used].filter((name) => !barred.has(name)).sort();
      expect(accounted).toEqual([...this.#names(partition, at)].sort());
      for (const name of used) expect(barred.has(name)).toBe(false);
      this.#checkRead(partition, at, used);
    }
  }

  #checkRead(partition: string, at: Coverage, used: ReadonlySet<string>): void {
    const read = entriesToRead({
      mode: 'live',
      part: this.view.parts[partition],
      at,
      heads: this.#heads(),
      exclude: this.exclude,
      feeds: { ...FEEDS, books: { ...FEEDS.books, visible: 'commit' } },
      entries: this.#of(partition),
    });
    const served = [...used, ...read.entries.map(entryName)].sort();
    expect(served).toEqual([...this.#names(partition, this.#heads())].sort());
  }

  #append(kind: 'publish' | 'rollback'): void {
    const n = this.versions.length + 1;
    const facts = { datasetEpoch: 1, spec: 1, contract: 'c', pinned: [], rejected: [], flagged: {} };
    const chain = { format: 1, dataset: 'd', n, prev: null, token: String(n), base: '', parts: {} } as const;
    const said = { gate: null, kind, by: 'ana', reason: 'r', at: '' } as const;
    this.versions.push({
      version: { ...chain, ...facts, ...said, exclude: this.exclude },
      view: this.view,
    });
  }

  #of(partition: string): EntryFacts[] {
    return this.entries.filter((entry) => partition in entry.partitions);
  }

  #names(partition: string, coverage: Coverage): ReadonlySet<string> {
    const barred = new Set(this.exclude.map(entryName));
    const within = this.#of(partition).filter((entry) => isWithin(coverage, entry));
    return new Set(within.map(entryName).filter((name) => !barred.has(name)));
  }

  #heads(): Coverage {
    return this.entries.reduce<Coverage>(
      (heads, entry) => join(heads, { [`${entry.feed}/0`]: entry.ordinal }),
      {},
    );
  }
}

function publish(
  view: ViewParts,
  partitions: readonly string[],
  coverage: Coverage,
  entries: readonly EntryFacts[],
  exclude: ViewVersion['exclude'] = [],
): ViewParts {
  const builds = partitions.map((partition) => ({
    partition,
    buildId: `${partition}@${JSON.stringify(coverage)}`,
  }));
  return advance({ view, builds, coverage, entries, exclude }, sha256);
}
