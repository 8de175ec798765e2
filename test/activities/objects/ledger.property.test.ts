import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { failedWith } from '../../../activities/failure.ts';
import { type EntryLink, createLedger } from '../../../activities/objects/ledger.ts';
import { heldBy } from '../../../lake/append.ts';
import { channelState, fileItem, filesDraft, streamDraft } from '../../fakes/entries.ts';
import { type CreateFault, MemoryObjectStore } from '../../fakes/memory-object-store.ts';

// A crash is an attempt whose signal aborts at a point that the scheduler chooses; its requests may still arrive.

const faults = fc.array(
  fc.constantFrom<CreateFault | undefined>(
    undefined,
    undefined,
    undefined,
    'lost',
    'answer lost',
    'late',
    'conflict',
  ),
  { maxLength: 40 },
);
const crashes = fc.array(fc.boolean(), { maxLength: 6 });
const FILES = ['a', 'b', 'c', 'd', 'e', 'f'];
const END = 12;

test('whatever is lost, late or killed, a set lane has no gap or fork and takes every file once', async () => {
  const wanted = fc.array(fc.subarray(FILES, { minLength: 1 }), { minLength: 2, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), wanted, faults, crashes, async (scheduler, writers, met, killed) => {
      const store = troubled(scheduler, met);
      const attempts = [...killed];
      const run = writers.map((files, writer) =>
        untilDone(scheduler, attempts, (attempt, signal) =>
          collect(store, files, `${writer}-${attempt}`, signal),
        ),
      );
      await scheduler.waitFor(Promise.all(run));
      store.deliverLate();
      const entries = await scheduler.waitFor(readAll(store, 'flights'));
      const taken = entries.flatMap(({ value }) => value.items ?? []).map(({ item }) => item);
      expect(taken.toSorted()).toEqual([...new Set(writers.flat())].toSorted());
      expect(new Set(entries.map(({ value }) => value.commit)).size).toBe(entries.length);
    }),
    { numRuns: 300 },
  );
});

test('whatever is lost, late or killed, a sequence lane covers every position once, in order', async () => {
  const strides = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), strides, faults, crashes, async (scheduler, collectors, met, killed) => {
      const store = troubled(scheduler, met);
      const attempts = [...killed];
      let scheduled = 0;
      const run = collectors.map((stride, collector) =>
        untilDone(scheduler, attempts, (attempt, signal) => {
          scheduled += 1;
          return follow(store, stride, `${collector}-${attempt}`, scheduled, signal);
        }),
      );
      await scheduler.waitFor(Promise.all(run));
      store.deliverLate();
      const entries = await scheduler.waitFor(readAll(store, 'payments'));
      const spans = entries.map(({ value }) => value.channels?.['s']).map((s) => [s?.after, s?.through]);
      expect(spans[0]).toEqual(['earliest', 'earliest']);
      expect(spans.slice(1).map(([after]) => after)).toEqual(
        spans.slice(0, -1).map(([, through]) => through),
      );
      expect(spans.at(-1)?.[1]).toBe(String(END));
      expect(new Set(entries.map(({ value }) => value.commit)).size).toBe(entries.length);
    }),
    { numRuns: 300 },
  );
});

/** As transferFiles does: drop what the chain holds, commit the rest, and look again when others were faster. */
async function collect(
  store: MemoryObjectStore,
  files: readonly string[],
  name: string,
  signal: AbortSignal,
) {
  const ledger = createLedger({ store });
  for (let round = 0; ; round += 1) {
    const head = await ledger.head('flights', 0, signal);
    const known = await ledger.knownItems('flights', 0, signal);
    const left = files.filter(
      (file) => heldBy({ feed: 'flights', lane: 0, items: [fileItem(file)] }, known).length === 0,
    );
    if (left.length === 0) return;
    // Two at a time, so that one attempt makes several entries.
    await ledger.appendSet(filesDraft(`${name}-${round}`, left.slice(0, 2)), head, signal);
  }
}

/** As ingestStream does: read on from the head, and end when a later attempt is met. */
async function follow(
  store: MemoryObjectStore,
  stride: number,
  name: string,
  scheduled: number,
  signal: AbortSignal,
) {
  const ledger = createLedger({ store });
  const at = new Date(Date.UTC(2026, 10, 21) + scheduled).toISOString();
  let head: EntryLink | undefined = await ledger.head('payments', 0, signal);
  for (let round = 0; ; round += 1) {
    const through = head?.value.channels?.['s']?.through;
    if (through === String(END)) return;
    const next = through === undefined ? 'earliest' : advance(through, stride);
    const state = channelState(through ?? 'earliest', next);
    const appended = await ledger.appendSequence(
      streamDraft(`${name}-${round}`, at, { s: state }),
      head,
      signal,
    );
    if (appended.kind === 'taken' && appended.later) return;
    head = appended.kind === 'taken' ? appended.head : appended.link;
  }
}

function advance(through: string, stride: number): string {
  const position = through === 'earliest' ? 0 : Number(through);
  return String(Math.min(END, position + stride));
}

/** Attempts of one activity, as Temporal makes them: again after every failure. Some are killed on the way. */
async function untilDone(
  scheduler: fc.Scheduler,
  killed: boolean[],
  attempt: (n: number, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  for (let n = 1; ; n += 1) {
    const { signal, abort } = killable();
    if (killed.shift()) void scheduler.schedule(Promise.resolve()).then(abort);
    try {
      await attempt(n, signal);
      return;
    } catch (error) {
      if (error !== signal.reason && !failedWith(error, 'Unreachable')) throw error;
    }
  }
}

function killable() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort(new Error('killed')) };
}

/** Every request waits for its turn; what is late arrives between any two. */
function troubled(scheduler: fc.Scheduler, met: ReadonlyArray<CreateFault | undefined>): MemoryObjectStore {
  const store = new MemoryObjectStore(() => scheduler.schedule(Promise.resolve()));
  store.faultCreates(...met);
  for (let n = 0; n < 4; n += 1) void scheduler.schedule(Promise.resolve()).then(() => store.deliverLate());
  return store;
}

async function readAll(store: MemoryObjectStore, feed: string) {
  const { signal } = new AbortController();
  const ledger = createLedger({ store });
  const head = await ledger.head(feed, 0, signal);
  const entries = await ledger.range(feed, 0, 1, head?.n ?? 0, signal);
  expect(store.keys('ledger/')).toHaveLength(entries.length);
  return entries;
}
