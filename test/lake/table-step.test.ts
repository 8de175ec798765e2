import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LaneHistory, checkFollows } from '../../lake/chain.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';
import type { Entry, EntryItem } from '../../lake/entry.ts';
import { type ListedLanding, itemName, sortLandings } from '../../lake/landings.ts';
import { type TablePosition, tablePositionText } from '../../lake/table-position.ts';
import { type TableLook, type TableStep, nextStep, placeOf } from '../../lake/table-step.ts';
import { TableStory } from '../../lake/table-story.ts';

const BATCH_MS = 5000;
const START = Date.UTC(2026, 10, 24, 20, 0, 0, 0);
const iso = (ms: number) => new Date(ms).toISOString();
const toSecond = (ms: number) => iso(Math.floor(ms / 1000) * 1000);

interface Landed extends ListedLanding {
  readonly records: number;
  /** Which load it came with; 0 = changes. */
  readonly load: number;
  /** When it was written. */
  readonly at: number;
}

/** A task of one table, and its folder. */
class ToyDms {
  now = START;
  readonly folder = new Map<string, Landed>();
  readonly changes: Landed[] = [];
  table: DmsTable = {
    schema: 'public',
    table: 'a',
    state: 'Before load',
    validation: null,
    rows: 0,
    loadStartedAt: null,
    loadEndedAt: null,
    inserts: 0,
    updates: 0,
    deletes: 0,
    ddls: 0,
    refreshedAt: null,
  };
  loads = 0;
  #files = 0;
  #rows = 0;

  get isLoading(): boolean {
    return this.table.state === 'Full load';
  }

  startLoad(wipes: boolean): void {
    this.loads += 1;
    this.#files = 0;
    this.#rows = 0;
    this.table = {
      ...this.table,
      state: 'Full load',
      loadStartedAt: iso(this.now),
      loadEndedAt: null,
      rows: 0,
    };
    if (wipes) this.folder.clear();
  }

  writeLoad(records: number): void {
    if (!this.isLoading) return;
    this.#files += 1;
    this.#rows += records;
    this.#write(`LOAD${this.#files.toString(16).toUpperCase().padStart(8, '0')}.csv`, records, this.loads);
  }

  endLoad(): void {
    if (!this.isLoading) return;
    this.table = { ...this.table, state: 'Table completed', loadEndedAt: iso(this.now), rows: this.#rows };
  }

  /** DMS keeps the changes of a table while it loads it. */
  writeChanges(records: number): void {
    if (this.isLoading || this.table.loadStartedAt === null) return;
    const digits = iso(this.now).replaceAll(/\D/g, '');
    this.changes.push(this.#write(`${digits.slice(0, 8)}-${digits.slice(8)}.csv`, records, 0));
    this.table = { ...this.table, inserts: this.table.inserts + records };
  }

  #write(landing: string, records: number, load: number): Landed {
    const modifiedAt = toSecond(this.now);
    const landed = { landing, bytes: records, modifiedAt, tag: `${this.now}`, records, load, at: this.now };
    this.folder.set(landing, landed);
    // No two objects are written in one millisecond.
    this.now += 1;
    return landed;
  }
}

/** What collects it: entries as they would be made, each held against the rules of chains. */
class ToyLane {
  readonly story = new TableStory('public.a');
  readonly entries: Entry[] = [];
  readonly taken = new Map<string, Landed>();
  readonly #history = new LaneHistory();
  /** Load landings by generation, as they were when it became ready. */
  readonly ready = new Map<number, Landed[]>();
  readonly #dms: ToyDms;

  constructor(dms: ToyDms) {
    this.#dms = dms;
  }

  /** `between`: what DMS does after it was asked and before its folder is listed. */
  look(between: () => void = () => undefined): TableStep {
    const dms = this.#dms;
    const table = dms.table;
    const lookedAtMs = dms.now;
    between();
    const look: TableLook = {
      table,
      task: { migrationType: 'full-load-and-cdc', isStanding: false, hasTables: true },
      landings: sortLandings([...dms.folder.values()]),
      isWhole: true,
      lookedAtMs,
      batchMs: BATCH_MS,
    };
    for (let steps = 0; steps < 100; steps += 1) {
      const step = nextStep(this.story, look);
      if (!this.#do(step)) return step;
    }
    throw new Error('it comes to no end');
  }

  #do(step: TableStep): boolean {
    const place = placeOf(this.story.position);
    switch (step.kind) {
      case 'open':
        this.#append('earliest');
        return true;
      case 'begin':
        this.#append({ ...step, phase: 'begin', landing: '' });
        return true;
      case 'ready': {
        if (!place) throw new Error('nothing has begun');
        const isOfLoad = ([item]: [string, Landed]) => item.startsWith(`${place.generation}/`);
        this.ready.set(
          place.generation,
          [...this.taken].filter(isOfLoad).map(([, landed]) => landed),
        );
        this.#append({ ...place, phase: 'ready', landing: '' });
        return true;
      }
      case 'take': {
        if (!place) throw new Error('nothing has begun');
        const items = step.landings.map((one, index): EntryItem => {
          const item = itemName(place.generation, one);
          const landed = one as unknown as Landed;
          this.taken.set(item, landed);
          const { bytes, modifiedAt } = one;
          const version = `${item} ${landed.tag}`;
          return {
            no: index + 1,
            item,
            version,
            checksum: version,
            bytes,
            modifiedAt,
            state: 'collected',
            rows: landed.records,
            rejected: 0,
          };
        });
        this.#append({ ...place, phase: step.phase, landing: step.landings.at(-1)?.landing ?? '' }, items);
        return true;
      }
      case 'compare':
      case 'wait':
      case 'doubt':
      case 'done':
        return false;
    }
  }

  #append(through: TablePosition, items: readonly EntryItem[] = []): void {
    const last = this.entries.at(-1);
    const generation = through === 'earliest' ? 1 : through.generation;
    const isReady = through !== 'earliest' && through.phase === 'ready';
    const entry: Entry = {
      format: 1,
      feed: 'shop.public.a',
      lane: 0,
      ordinal: this.entries.length + 1,
      prev: last ? 'hash' : null,
      commit: `${this.entries.length}`,
      epoch: { run: 'r' },
      committedAt: iso(this.#dms.now),
      spec: 1,
      channels: {
        log: {
          after: last?.channels?.['log']?.through ?? 'earliest',
          through: tablePositionText(through),
          generation,
          watermark: null,
          caughtUpAt: null,
        },
      },
      items,
      ...(isReady && { ready: ['log'] }),
      ...(isReady &&
        generation > 1 && {
          retracts: [{ feed: 'shop.public.a', lane: 0, belowGeneration: generation, partitions: {} }],
        }),
      raw: [],
      rows: [],
      rejected: [],
    };
    expect(checkFollows(last, entry, { known: this.#history, items })).toEqual({ kind: 'ok' });
    this.#history.add(entry, items);
    this.story.add(entry, items);
    this.entries.push(entry);
  }
}

type Deed = { readonly kind: 'wait' | 'load' | 'file' | 'end' | 'changes' | 'look'; readonly n: number };

const deed: fc.Arbitrary<Deed> = fc.record({
  kind: fc.constantFrom('wait', 'load', 'file', 'end', 'changes', 'look', 'file', 'changes', 'look'),
  n: fc.integer({ min: 1, max: 3000 }),
});

function perform(dms: ToyDms, { kind, n }: Deed, wipes: boolean): void {
  if (kind === 'wait') dms.now += n;
  // Each millisecond is one deed's: no reload begins within the second of the last one's files.
  else if (kind === 'load' && !dms.isLoading) {
    dms.now += 1000;
    dms.startLoad(wipes);
  } else if (kind === 'file') dms.writeLoad(n);
  else if (kind === 'end') dms.endLoad();
  else if (kind === 'changes') dms.writeChanges(n);
}

describe('whatever DMS does while it is looked at', () => {
  const story = fc.array(deed, { maxLength: 60 });

  test('a generation is ready with exactly what its load brought, and the last one has all that came since', () => {
    fc.assert(
      fc.property(story, fc.array(deed, { maxLength: 8 }), fc.boolean(), (deeds, beside, wipes) => {
        const dms = new ToyDms();
        const lane = new ToyLane(dms);
        for (const [at, one] of deeds.entries()) {
          // What DMS does between its answer and the listing, now and then.
          const meanwhile = beside[at % Math.max(1, beside.length)];
          if (one.kind === 'look')
            lane.look(() => void (meanwhile && meanwhile.kind !== 'load' && perform(dms, meanwhile, wipes)));
          else perform(dms, one, wipes);
        }
        if (dms.loads === 0) dms.startLoad(wipes);
        dms.endLoad();
        dms.now += 2 * BATCH_MS;
        const last = lane.look();

        expect(last).toEqual({ kind: 'done' });
        const began = dms.table.loadStartedAt ?? '';
        const { generation } = lane.story;
        expect(placeOf(lane.story.position)).toMatchObject({ loadStartedAt: began });
        expect(lane.story.isReady).toBe(true);
        const brought = (lane.ready.get(generation) ?? []).map(({ load }) => load);
        expect(new Set(brought).size).toBeLessThanOrEqual(1);
        expect(brought.every((load) => load === dms.loads)).toBe(true);
        expect(lane.story.loadRecords).toBe(dms.table.rows);
        const since = dms.changes.filter(({ at }) => at >= Date.parse(began)).map(({ landing }) => landing);
        const entries = lane.entries.filter(({ channels }) => channels?.['log']?.generation === generation);
        const inLast = entries.flatMap(({ items = [] }) => items.map(({ item }) => item));
        expect(inLast.filter((item) => !item.includes('LOAD')).toSorted()).toEqual(since.toSorted());
      }),
      { numRuns: 500 },
    );
  });

  test('every landing of changes that stays is taken, once, in the order in which they were written', () => {
    fc.assert(
      fc.property(story, (deeds) => {
        const dms = new ToyDms();
        const lane = new ToyLane(dms);
        for (const one of deeds) {
          if (one.kind === 'look') lane.look();
          else perform(dms, one, false);
        }
        dms.endLoad();
        lane.look();
        const items = lane.entries.flatMap(({ items: own = [] }) => own.map(({ item }) => item));
        const changes = items.filter((item) => !item.includes('LOAD'));
        // What came before the first load that anybody saw is in that load.
        const first = lane.entries.find(({ channels }) => channels?.['log']?.through.endsWith('/begin/'));
        const from = /@([^/]+)\//.exec(first?.channels?.['log']?.through ?? '')?.[1] ?? '';
        const right = dms.changes.filter(({ at }) => at >= Date.parse(from)).map(({ landing }) => landing);
        expect(changes).toEqual(right);
      }),
      { numRuns: 300 },
    );
  });
});

describe('a table', () => {
  const loaded = () => {
    const dms = new ToyDms();
    dms.startLoad(true);
    dms.writeLoad(3);
    dms.endLoad();
    return { dms, lane: new ToyLane(dms) };
  };

  test('waits for what may still come of its load, and not longer than a batch', () => {
    const { dms, lane } = loaded();
    expect(lane.look()).toMatchObject({ kind: 'wait' });
    dms.now += BATCH_MS;
    expect(lane.look()).toEqual({ kind: 'done' });
    expect(lane.story.isReady).toBe(true);
  });

  test('is ready at once when changes have landed since', () => {
    const { dms, lane } = loaded();
    dms.now += 1000;
    dms.writeChanges(1);
    expect(lane.look()).toEqual({ kind: 'done' });
  });

  test('that is empty is ready without a landing', () => {
    const dms = new ToyDms();
    dms.startLoad(true);
    dms.endLoad();
    dms.now += BATCH_MS;
    const lane = new ToyLane(dms);
    expect(lane.look()).toEqual({ kind: 'done' });
    expect(lane.entries.map(({ channels }) => channels?.['log']?.through.replace(/@[^/]+/, ''))).toEqual([
      'earliest',
      '1/begin/',
      '1/ready/',
    ]);
  });

  test('whose load has not begun waits', () => {
    const dms = new ToyDms();
    expect(new ToyLane(dms).look()).toEqual({
      kind: 'wait',
      because: 'its load has not begun: "Before load"',
    });
  });

  test('is incomplete while its landings have not the rows that DMS counts', () => {
    const { dms, lane } = loaded();
    dms.folder.clear();
    dms.now += BATCH_MS;
    expect(lane.look()).toMatchObject({ kind: 'doubt', doubt: { failure: 'LoadIncomplete' } });
  });

  test('that its source truncated lacks the landing that was taken last', () => {
    const { dms, lane } = loaded();
    dms.now += BATCH_MS;
    lane.look();
    dms.folder.clear();
    expect(lane.look()).toEqual({ kind: 'done' });
    dms.table = { ...dms.table, ddls: 1 };
    expect(lane.look()).toMatchObject({ kind: 'doubt', doubt: { failure: 'LandingsGone' } });
  });

  test('of a task of which DMS names no table yet is waited for', () => {
    const look: TableLook = {
      table: undefined,
      task: { migrationType: 'full-load-and-cdc', isStanding: true, hasTables: false },
      landings: sortLandings([]),
      isWhole: true,
      lookedAtMs: 0,
      batchMs: BATCH_MS,
    };
    expect(nextStep(new TableStory('public.a'), look)).toMatchObject({ kind: 'wait' });
    const others = { ...look, task: { ...look.task, hasTables: true } };
    expect(nextStep(new TableStory('public.a'), others)).toMatchObject({
      kind: 'doubt',
      doubt: { failure: 'TableNotCaptured' },
    });
  });

  test('that is gone, or in error, is captured no more once what landed is taken', () => {
    const { dms, lane } = loaded();
    dms.now += BATCH_MS;
    lane.look();
    dms.writeChanges(2);
    dms.table = { ...dms.table, state: 'Table error' };
    expect(lane.look()).toMatchObject({ kind: 'doubt', doubt: { failure: 'TableNotCaptured' } });
    expect(lane.taken.size).toBe(2);
  });

  test('whose statistics are of an earlier load goes on as it was', () => {
    const { dms, lane } = loaded();
    dms.now += BATCH_MS;
    lane.look();
    dms.table = { ...dms.table, loadStartedAt: iso(START - 60_000) };
    expect(lane.look()).toEqual({ kind: 'done' });
  });
});

test('a table waits while DMS lists none of its task, and is missed where DMS lists others', () => {
  const look = (hasTables: boolean): TableLook => ({
    table: undefined,
    task: { migrationType: 'full-load-and-cdc', isStanding: true, hasTables },
    landings: sortLandings([]),
    isWhole: true,
    lookedAtMs: 0,
    batchMs: BATCH_MS,
  });
  expect(nextStep(new TableStory('public.a'), look(false))).toMatchObject({ kind: 'wait' });
  expect(nextStep(new TableStory('public.a'), look(true))).toMatchObject({
    kind: 'doubt',
    doubt: { failure: 'TableNotCaptured' },
  });
});
