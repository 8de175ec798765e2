import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import type { LakeSpec } from '../../lake/spec.ts';
import { dataset, filesSource, streamSource } from '../support/rows-specs.ts';
import { landingStep, writeDelivered } from './files.ts';
import { survivesKills, survivesZombies, useStory } from './kills.ts';
import type { Lab, Snapshot } from './lab.ts';

const COLUMNS = { id: 'string', paid_at: 'timestamp', amount: 'decimal(18,2)' } as const;
const DAY_MS = 86_400_000;
const PERSON = { decision: 'audit/2024-03-03/a.json', by: 'ana', reason: 'the vendor says so' };
const HEADER = 'id,paid_at,amount';

const of = useStory(async (lab) => {
  const folder = path.join(lab.folder, 'delivered');
  await mkdir(folder);
  const spec = { spec: specOf(folder), by: 'ana', reason: 'first' };
  const writeSpec = await lab.step(new Map(), 'writeSpec', spec);
  const files = await filesSteps(lab, writeSpec.after, folder);
  return { ...files, ...(await channelSteps(lab, writeSpec.after)) };
});

const RAW = { what: 'the raw file', key: '^raw/' };
const ROWS = { what: 'the rows', key: '^rows/' };
const ENTRY = { what: 'the entry', key: '^ledger/' };

survivesKills('landing a restated file that takes the old one back', of('landRestated'), [
  { ...RAW, when: ['after'] },
  { ...RAW, what: 'the second raw file', nth: 2, when: ['before'] },
  { ...ROWS, when: ['during'] },
  ENTRY,
]);

survivesKills('deciding to retract', of('retract'), [
  { ...RAW, when: ['after'] },
  { ...ROWS, when: ['during'] },
  ENTRY,
]);

survivesKills('deciding to retry', of('retry'), [
  { what: 'the quarantine', key: '^rejected/', when: ['after'] },
  ENTRY,
]);

survivesKills('deciding to skip a file', of('skip'), [ENTRY]);

survivesZombies('deciding to retract', of('retract'), [
  { ...RAW, when: ['before'] },
  { ...ROWS, when: ['before', 'after'] },
  { ...ENTRY, when: ['before'] },
]);

survivesZombies('deciding to retry', of('retry'), [{ ...ENTRY, when: ['before'] }]);

survivesZombies('deciding to skip a file', of('skip'), [{ ...ENTRY, when: ['before'] }]);

test('shards whose records were lost wait, and go on as a person decided', () => {
  expect(of('loseRecords')().step.result).toMatchObject({
    outcome: 'worked',
    parked: [{ failure: 'PositionLost' }, { failure: 'PositionLost' }],
  });
  expect(of('skipLost')().step.result).toEqual({ entries: 1 });
  expect(of('goOn')().step.result).toMatchObject({ outcome: 'drained', rows: 2, parked: [] });
});

survivesKills('leaving out shards whose records were lost', of('loseRecords'), [ENTRY]);

survivesKills('deciding to skip what was lost', of('skipLost'), [ENTRY]);

survivesKills('collecting what came after', of('goOn'), [ENTRY]);

survivesZombies('deciding to skip what was lost', of('skipLost'), [{ ...ENTRY, when: ['before'] }], {
  ends: 'failed: Error: lane events/0 is collected by a later attempt: again',
});

/** `a.csv` is collected and comes again with other rows; `b.csv` cannot be read, and is mended. */
async function filesSteps(lab: Lab, before: Snapshot, folder: string) {
  const deliver = (name: string, lines: readonly string[], minute: number) =>
    writeDelivered(path.join(folder, name), lines, minute);
  const old = ['p1,2024-03-01T10:00:00Z,1.00', 'p2,2024-03-02T10:00:00Z,2.00'];
  await deliver('a.csv', [HEADER, ...old], 0);
  await deliver('b.csv', ['who,when', 'p4,2024-03-01T10:00:00Z'], 0);
  await deliver('c.csv', [HEADER, 'p5,2024-03-01T10:00:00Z,5.00'], 0);
  const first = await landingStep(lab, before, 'books');
  const firstMended = await landingStep(lab, first.after, 'restated');
  await deliver('a.csv', [HEADER, 'p1,2024-03-01T10:00:00Z,1.00', 'p3,2024-03-01T11:00:00Z,3.00'], 5);
  const parked = await landingStep(lab, firstMended.after, 'books');
  await deliver('b.csv', [HEADER, 'p4,2024-03-01T10:00:00Z,4.00', 'p-broken,yesterday,1.00'], 5);
  const landRestated = await landingStep(lab, parked.after, 'restated');
  const decide = (action: 'retract' | 'retry' | 'skip', item: string) =>
    lab.step(parked.after, 'decideFiles', { source: 'books', items: [item], action, ...PERSON });
  return {
    landRestated,
    retract: await decide('retract', 'a.csv'),
    retry: await decide('retry', 'b.csv'),
    skip: await decide('skip', 'a.csv'),
  };
}

/** Two shards were read, and nobody came for so long that what followed is lost. */
async function channelSteps(lab: Lab, before: Snapshot) {
  const { streams } = lab;
  const put = async (name: string) => {
    for (const place of [0, 0.5]) {
      const payment = { id: `${name}-${place}`, paid_at: '2024-03-01T10:00:00Z', amount: '1.50' };
      await streams.put('events', place, [JSON.stringify(payment)]);
    }
  };
  await streams.make('events', 2);
  await put('p');
  const collecting = { source: 'events', lane: 0, drain: true };
  const openLanes = await lab.step(before, 'openLanes', { source: 'events' });
  const collected = await lab.step(openLanes.after, 'collectLane', collecting);
  await put('p-lost');
  await lab.pass(2 * DAY_MS);
  await put('p-late');
  const loseRecords = await lab.step(collected.after, 'collectLane', collecting);
  const channels = loseRecords.result.parked.map(({ item }) => item);
  const deciding = { source: 'events', lane: 0, channels, action: 'skip', ...PERSON } as const;
  const skipLost = await lab.step(loseRecords.after, 'decideChannels', deciding);
  const goOn = await lab.step(skipLost.after, 'collectLane', collecting);
  return { loseRecords, skipLost, goOn };
}

function specOf(folder: string): LakeSpec {
  const books = { ...filesSource(COLUMNS), from: pathToFileURL(folder).href };
  const partition = {
    kind: 'time',
    column: 'paid_at',
    unit: 'day',
    from: '2024-03-01',
    fixed: true,
  } as const;
  const payments = { merge: 'append', key: ['id'], partition, columns: COLUMNS } as const;
  const batch = { role: 'batch', visible: 'publish', map: {} } as const;
  const commit = { rows: 1000, bytes: 1_000_000, everyMs: 1000 };
  return {
    lake: { name: 'crash', bucket: 'lake' },
    sources: {
      books,
      restated: { ...books, restated: 'retract' },
      events: { ...streamSource(COLUMNS), commit },
    },
    datasets: {
      payments: dataset({
        ...payments,
        feeds: { books: batch, events: { role: 'speed', visible: 'commit', map: {} } },
      }),
      others: dataset({ ...payments, feeds: { restated: batch } }),
    },
  };
}
