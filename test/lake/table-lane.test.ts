import { expect, test } from 'vitest';
import type { EntryDraft } from '../../lake/append.ts';
import { LaneHistory, checkFollows } from '../../lake/chain.ts';
import type { Entry, EntryItem, GenerationRetraction } from '../../lake/entry.ts';
import { emptyDraft, fileItem, filesDraft, streamDraft } from '../fakes/entries.ts';

const T1 = '2026-11-21T03:00:00.000Z';
const T2 = '2026-11-22T03:00:00.000Z';

const opening = entry('earliest');
const first = [opening, entry(`1@${T1}/begin/`)] as const;
const load = (landing: string) => entry(`1@${T1}/load/${landing}`, { items: [fileItem(`1/${landing}`)] });
const ready = entry(`1@${T1}/ready/`, { ready: ['log'] });
const below: GenerationRetraction = { feed: 'shop.t', lane: 0, belowGeneration: 2, partitions: {} };
const again = [...first, load('a'), ready, entry(`2@${T2}/begin/`)] as const;

test('a table opens, its generation begins, loads, changes, becomes ready and changes on, and the next begins', () => {
  expect(
    verdict([
      ...first,
      load('a'),
      entry(`1@${T1}/cdc/c1`, { items: [fileItem('c1')] }),
      load('b'),
      ready,
      entry(`1@${T1}/cdc/c2`, { items: [fileItem('c2')] }),
      entry(`2@${T2}/begin/`),
      entry(`2@${T2}/ready/`, { ready: ['log'], retracts: [below] }),
    ]),
  ).toBe('ok');
});

test('changes without a load are a generation, too', () => {
  const cdc = entry('1@-/cdc/c1', { items: [fileItem('c1')] });
  expect(verdict([opening, entry('1@-/begin/'), cdc, entry('1@-/ready/', { ready: ['log'] })])).toBe('ok');
});

test('a generation that never became ready is followed by the next', () => {
  expect(verdict([...first, load('a'), entry(`2@${T2}/begin/`)])).toBe('ok');
});

test.each<[string, readonly EntryDraft[], string | RegExp]>([
  ['a table opens before everything', [entry(`1@${T1}/begin/`)], /after .*; right for its first entry/],
  [
    'its first entry takes nothing',
    [entry('earliest', { items: [fileItem('a')] })],
    /first entry of a table says more/,
  ],
  [
    'it has one channel',
    [{ ...opening, channels: { other: state('earliest', 'earliest', 1) } }],
    'channels other; right for a table would be log alone',
  ],
  ['its positions are those of a table', [opening, entry('4711')], /^through 4711; right would be/],
  [
    'a generation begins with the phase begin',
    [opening, load('a')],
    'phase load of generation 1, which has not begun',
  ],
  [
    'the next generation begins with it, too',
    [...first, entry(`2@${T2}/cdc/c`)],
    'phase cdc of generation 2, which has not begun',
  ],
  [
    'no generation is left out',
    [...first, entry(`3@${T2}/begin/`)],
    'generation 3 begins; right after generation 1 would be 2',
  ],
  [
    'no generation begins twice',
    [...first, entry(`1@${T1}/begin/`)],
    'generation 1 begins; right after generation 1 would be 2',
  ],
  [
    'the channel is of the generation of its position',
    [...first, entry(`2@${T2}/begin/`, {}, 1)],
    'generation 1; its through is of generation 2',
  ],
  [
    'a load began once',
    [...first, entry(`1@${T2}/load/a`)],
    `its load began ${T2}; in entry 2 it began ${T1}`,
  ],
  ['ready says so', [...first, entry(`1@${T1}/ready/`)], 'ready nothing in phase ready; right would be log'],
  ['nothing else says ready', [...first, { ...load('a'), ready: ['log'] }], 'ready log in phase load'],
  ['a generation is ready once', [...first, ready, ready], 'generation 1 is ready already'],
  [
    'what is ready loads no more',
    [...first, ready, load('a')],
    'phase load of generation 1, which is ready already',
  ],
  [
    'the first generation takes nothing back',
    [...first, { ...ready, retracts: [{ ...below, belowGeneration: 1 }] }],
    'it takes back what is below generation 1; right would be none',
  ],
  [
    'a later one does',
    [...again, entry(`2@${T2}/ready/`, { ready: ['log'] })],
    'it takes back what is below generation none; right would be 2',
  ],
  [
    'and exactly what is below it',
    [...again, entry(`2@${T2}/ready/`, { ready: ['log'], retracts: [{ ...below, belowGeneration: 3 }] })],
    'it takes back what is below generation 3; right would be 2',
  ],
  [
    'of its own lane',
    [...again, entry(`2@${T2}/ready/`, { ready: ['log'], retracts: [{ ...below, lane: 1 }] })],
    /below generation something else/,
  ],
  [
    'nothing but a ready entry takes back',
    [...again, entry(`2@${T2}/cdc/c`, { retracts: [below] })],
    'it takes rows back in phase cdc; only a ready entry does',
  ],
  [
    'a ready entry brings nothing',
    [...first, { ...ready, items: [fileItem('c')] }],
    'phase ready brings landings; right would be none',
  ],
  ['a landing is named', [...first, entry(`1@${T1}/cdc/`)], 'phase cdc names no landing'],
  [
    'without a load there is no phase load',
    [opening, entry('1@-/begin/'), entry('1@-/load/a')],
    'phase load of a generation without a load',
  ],
  [
    'items of a load begin with their generation',
    [...first, entry(`1@${T1}/load/a`, { items: [fileItem('a')] })],
    'item "a" of a load; right would be 1/<landing>',
  ],
  [
    'a landing is collected once, whatever it holds by then',
    [...first, load('a'), { ...load('a'), items: [fileItem('1/a@2')] }],
    'item "1/a" is collected; entry 3 has it collected already',
  ],
  [
    'nor is it twice in an entry',
    [...first, { ...load('a'), items: [fileItem('1/a@1', 1), fileItem('1/a@2', 2)] }],
    'item "1/a" stands in it twice',
  ],
  [
    'the channel never closes',
    [
      ...first,
      {
        ...load('a'),
        channels: { log: { ...state(`1@${T1}/begin/`, `1@${T1}/load/a`, 1), closed: { children: [] } } },
      },
    ],
    'it closes; the channel of a table never does',
  ],
  [
    'a lane of a table stays one',
    [opening, { ...streamDraft('c', T1, { log: state('earliest', '1', 1) }), feed: 'shop.t' }],
    'it is of no table; the entry before is of a table',
  ],
])('%s', (_, drafts, reason) => {
  expect(verdict(drafts)).toMatch(reason);
});

test('the same bytes, loaded again, are another item', () => {
  const item: EntryItem = { ...fileItem('2/a'), version: fileItem('1/a').version };
  expect(verdict([...again, entry(`2@${T2}/load/a`, { items: [item] })])).toBe('ok');
});

test('files take no generation back', () => {
  expect(verdict([{ ...filesDraft('c', []), retracts: [{ ...below, feed: 'flights' }] }])).toBe(
    'it takes a generation back; only a table has generations',
  );
});

function state(after: string, through: string, generation: number) {
  return { after, through, generation, watermark: null, caughtUpAt: null };
}

/** Of the generation that its position says, unless given. `after` is set where it stands. */
function entry(
  through: string,
  more: Partial<EntryDraft> = {},
  generation = Number(/^\d+/.exec(through)?.[0] ?? 1),
): EntryDraft {
  return {
    ...emptyDraft('shop.t', through),
    items: [],
    channels: { log: state('', through, generation) },
    ...more,
  };
}

/** What is said of the last one, when all before it may stand. */
function verdict(drafts: readonly EntryDraft[]): string {
  const known = new LaneHistory();
  let previous: Entry | undefined;
  for (const [index, draft] of drafts.entries()) {
    const log = draft.channels?.['log'];
    const after =
      known.channels.get('log')?.through ?? (log?.through === 'earliest' ? 'earliest' : log?.through);
    const next: Entry = {
      ...draft,
      ...(log && draft.channels && { channels: { log: { ...log, after: after ?? '' } } }),
      format: 1,
      ordinal: index + 1,
      prev: previous ? 'p' : null,
    };
    const items = next.items ?? [];
    const follows = checkFollows(previous, next, { known, items });
    if (follows.kind === 'broken') {
      if (index < drafts.length - 1) throw new Error(`${index}: ${follows.reason}`);
      return follows.reason;
    }
    known.add(next, items);
    previous = next;
  }
  return 'ok';
}
