import { expect, test } from 'vitest';
import type { Entry } from '../../lake/entry.ts';
import { dataset, streamSource } from '../support/rows-specs.ts';
import { survivesKills, survivesZombies, useStory } from './kills.ts';
import type { Lab, Step } from './lab.ts';
import { shardId } from './streams.ts';

const COLUMNS = { id: 'string', paid_at: 'timestamp', amount: 'decimal(18,2)' } as const;
/** So many shards have two lanes. */
const WIDE = 41;

const payment = (id: string) => JSON.stringify({ id, paid_at: '2024-03-01T10:00:00Z', amount: '1.50' });
const closes = (n: number) => `${shardId(n)}":\\{[^}]*"closed":`;
const opens = (n: number) => `${shardId(n)}":\\{"after":"earliest"[^}]*"through":"earliest"`;

const of = useStory(async (lab) => ({ ...(await splitAndMerged(lab)), ...(await mergedAcrossLanes(lab)) }));

test('a split opens its children after their parent closed, and a merge its child after both', () => {
  const { step } = of('collectLane')();
  // Which of the entries between say something of the other shards is chance.
  const ofOneLine = channelsOf(step, 'few/0').filter((said) => /^[034]( |$)/.test(said));
  expect([...new Set(ofOneLine)]).toEqual(['0', '0 closed', '3', '3 closed', '4']);
});

survivesKills('collecting through a split and a merge', of('collectLane'), [
  { what: 'the end of the first parent', key: '^ledger/few/', body: closes(0) },
  { what: 'the opening of the split', key: '^ledger/few/', body: opens(2) },
  { what: 'the rows of a child', key: '^rows/few/', nth: 2, when: ['during'] },
  { what: 'the end of the second parent', key: '^ledger/few/', body: closes(3), when: ['during'] },
  { what: 'the opening of the merge', key: '^ledger/few/', body: opens(4) },
]);

survivesZombies('collecting through a split and a merge', of('collectLane'), [
  { what: 'the end of the first parent', key: '^ledger/few/', body: closes(0), when: ['before'] },
  { what: 'the opening of the split', key: '^ledger/few/', body: opens(2), when: ['before', 'after'] },
  { what: 'the opening of the merge', key: '^ledger/few/', body: opens(4), when: ['before', 'after'] },
]);

test('a merge of shards in two lanes is opened by the lower, with what it needs of the other', () => {
  const { step } = of('collectLower')();
  const entries = entriesOf(step, 'wide/0');
  const opening = entries.find(({ channels }) => Object.keys(channels ?? {}).some(isShard(WIDE)));
  expect(opening?.needs).toEqual({ 'wide/1': 2 });
});

survivesKills('collecting the other parent of a merge', of('collectHigher'), [
  { what: 'its end', key: '^ledger/wide/1/', body: closes(WIDE - 1) },
]);

survivesKills('collecting a merge of two lanes', of('collectLower'), [
  { what: 'the end of its own parent', key: '^ledger/wide/0/', body: closes(WIDE - 2), when: ['during'] },
  { what: 'the opening', key: '^ledger/wide/0/', body: opens(WIDE) },
]);

/** Shard 0 becomes 2 and 3, and 3 with 1 becomes 4, when all that was read is where each starts. */
async function splitAndMerged(lab: Lab) {
  const { streams } = lab;
  await streams.make('few', 2);
  await streams.put('few', 0, [payment('p-0')]);
  await streams.put('few', 0.75, [payment('p-1')]);
  const writeSpec = await lab.step(new Map(), 'writeSpec', {
    spec: specOf('few'),
    by: 'ana',
    reason: 'first',
  });
  const openLanes = await lab.step(writeSpec.after, 'openLanes', { source: 'few' });
  await streams.split('few', 0, 0.25);
  await streams.put('few', 0, [payment('p-2')]);
  await streams.put('few', 0.3, [payment('p-3'), '{"id": ']);
  await streams.merge('few', 3, 1);
  await streams.put('few', 0.8, [payment('p-4')]);
  const collecting = { source: 'few', lane: 0, drain: true };
  return { collectLane: await lab.step(openLanes.after, 'collectLane', collecting) };
}

async function mergedAcrossLanes(lab: Lab) {
  const { streams } = lab;
  const placeOf = (shard: number) => (shard + 0.5) / WIDE;
  await streams.make('wide', WIDE);
  await streams.put('wide', placeOf(0), [payment('p-0')]);
  await streams.put('wide', placeOf(WIDE - 2), [payment('p-39')]);
  await streams.put('wide', placeOf(WIDE - 1), [payment('p-40')]);
  const spec = { spec: specOf('wide'), by: 'ana', reason: 'first' };
  const writeSpec = await lab.step(new Map(), 'writeSpec', spec);
  const openLanes = await lab.step(writeSpec.after, 'openLanes', { source: 'wide' });
  await streams.merge('wide', WIDE - 2, WIDE - 1);
  await streams.put('wide', placeOf(WIDE - 1), [payment('p-41')]);
  const drained = { source: 'wide', drain: true };
  const collectHigher = await lab.step(openLanes.after, 'collectLane', { ...drained, lane: 1 });
  const collectLower = await lab.step(collectHigher.after, 'collectLane', { ...drained, lane: 0 });
  return { collectHigher, collectLower };
}

function specOf(stream: string) {
  const commit = { rows: 1000, bytes: 1_000_000, everyMs: 1000 };
  return {
    lake: { name: 'crash', bucket: 'lake' },
    sources: { [stream]: { ...streamSource(COLUMNS), stream, commit } },
    datasets: {
      payments: dataset({
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'paid_at', unit: 'day', from: '2024-03-01', fixed: true },
        columns: COLUMNS,
        feeds: { [stream]: { role: 'speed', visible: 'commit', map: {} } },
      }),
    },
  };
}

function entriesOf({ after }: Step, lane: string): Entry[] {
  return [...after]
    .filter(([key]) => key.startsWith(`ledger/${lane}/`))
    .map(([, body]) => JSON.parse(Buffer.from(body).toString()) as Entry);
}

/** What the entries say, one after the other, of shards by their numbers. */
function channelsOf(step: Step, lane: string): string[] {
  return entriesOf(step, lane).flatMap(({ channels = {} }) =>
    Object.entries(channels).map(
      ([channel, { closed }]) => `${Number(channel.slice(-12))}${closed ? ' closed' : ''}`,
    ),
  );
}

function isShard(n: number) {
  return (channel: string) => channel.endsWith(shardId(n));
}
