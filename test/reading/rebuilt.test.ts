import { expect, test } from 'vitest';
import { keys } from '../../lake/keys.ts';
import type { ViewVersion } from '../../lake/view.ts';
import { tmpFolder } from '../support/tmp.ts';
import { BOOKS, D1, D2, type WholeLake, event, wholeLake } from './verify/whole-lake.ts';

type Replaced = readonly (readonly [from: string, to: string])[];

/** What the stream brings is declared, and stays when the dataset takes less of it. */
const DECLARED = [
  'format: { json: {} } }',
  "format: { json: {} }, columns: { id: string, paid_at: timestamp, amount: 'decimal(18,2)', revision: bigint } }",
] as const;

const CHANGES: Readonly<Record<string, Replaced>> = {
  'another key': [['key: [id]', 'key: [id, revision]']],
  'months instead of days': [
    ["{ day: paid_at, fixed: true, from: '2026-11-20' }", "{ month: paid_at, fixed: true, from: '2026-11' }"],
  ],
  'buckets instead of days': [["{ day: paid_at, fixed: true, from: '2026-11-20' }", '{ buckets: 3 }']],
  'another merge rule': [
    ['merge: latest\n    key: [id]\n    version: revision', 'merge: append\n    key: [id, revision]'],
  ],
  'a column less': [
    [
      ", amount: 'decimal(18,2)', revision: bigint }\n    feeds: { books: { role: batch, map: { amount: gross } }",
      ', revision: bigint }\n    feeds: { books: { role: batch }',
    ],
    ['compare: [amount], ', ''],
  ],
  'other roles': [
    ['books: { role: batch,', 'books: { role: speed, visible: publish,'],
    ['gate: { compare: [amount], tolerance: { missing: 10, differs: 10 } }', 'gate: {}'],
  ],
  'a feed less': [
    ['feeds: { books: { role: batch, map: { amount: gross } }, events', 'feeds: { events'],
    ['gate: { compare: [amount], tolerance: { missing: 10, differs: 10 } }', 'gate: {}'],
  ],
  'other compared columns': [['compare: [amount]', 'compare: [amount, revision]']],
};

/** Two days of payments, the second still open, with what came late. */
async function collect(lake: WholeLake): Promise<void> {
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, event('a', `${D1}T10:00:00Z`, '1.00'));
  lake.stream.put(shard, event('b', `${D1}T11:00:00Z`, '2.00'));
  await lake.collect();
  lake.stream.put(shard, event('a', `${D1}T10:00:00Z`, '1.75', 2));
  lake.stream.put(shard, event('c', `${D2}T10:00:00Z`, '3.00'));
  await lake.collect();
  await lake.write('books', `books-${D1}.csv`, [
    BOOKS,
    `a,${D1}T10:00:00Z,1.75,2`,
    `b,${D1}T11:00:00Z,2.00,1`,
  ]);
  await lake.land('books');
}

/** Until nothing is due. */
async function publishAll(lake: WholeLake): Promise<void> {
  while (await lake.publish('payments'));
}

test.each(Object.entries(CHANGES))(
  'with %s a dataset is what it would be had it been collected so from the beginning',
  async (_name, changes) => {
    const replaced = [DECLARED, ...changes];
    const lake = await wholeLake(await tmpFolder());
    await collect(lake);
    expect(await lake.publish('payments')).toMatchObject({ kind: 'published', version: 1 });
    const before = await lake.read('payments', 'settled', '*');
    expect(await lake.apply(...replaced)).toMatchObject({ n: 2, written: true });
    expect(await lake.read('payments', 'settled', '*')).toEqual(before);
    expect((await lake.verify()).findings).toEqual([]);
    expect(await lake.publish('payments')).toMatchObject({ kind: 'published', version: 2, hold: [] });
    expect(view(lake, 2)).toMatchObject({ datasetEpoch: 2, spec: 2 });
    const { findings, datasets } = await lake.verify();
    expect(findings).toEqual([]);
    expect(datasets['payments']).toMatchObject({ version: 2, residue: 0 });

    const other = await wholeLake(await tmpFolder());
    await other.apply(...replaced);
    await collect(other);
    await publishAll(other);
    expect(await lake.read('payments', 'live', '*')).toEqual(await other.read('payments', 'live', '*'));
    await lake.publish('payments', {});
    await other.publish('payments', {});
    expect(await lake.read('payments', 'live', '*')).toEqual(await other.read('payments', 'live', '*'));
    expect((await lake.verify()).findings).toEqual([]);
  },
);

function view(lake: WholeLake, n: number): ViewVersion {
  return JSON.parse(lake.store.text(keys.view('payments', n)) ?? 'null') as ViewVersion;
}
