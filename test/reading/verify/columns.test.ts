import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ViewVersion } from '../../../lake/view.ts';
import { makeTmpFolder, removeTmpFolder } from '../../support/tmp.ts';
import { type Damage, damaged, finding } from './damage.ts';
import { BOOKS, D1, D2, type WholeLake, event, eventfulLake } from './whole-lake.ts';

// One story, in order: a column comes to payments, their books and their stream.

const NOTE = ['revision: bigint }', 'revision: bigint, note: string }'] as const;
const COLUMNS = 'id, amount::VARCHAR AS amount';

let lake: WholeLake;
let home: string;
let shard = '';

beforeAll(async () => {
  home = await makeTmpFolder();
  lake = await eventfulLake(home);
  [shard = ''] = lake.stream.openShards;
});
afterAll(() => removeTmpFolder(home));

function noted(id: string, at: string, note: string): string {
  return event(id, at, '9.00').replace('}', `,"note":${JSON.stringify(note)}}`);
}

async function proof() {
  const { findings, datasets } = await lake.verify('payments');
  return { findings, residue: datasets['payments']?.residue };
}

test('before its version is there, rows of both specs are read under the columns of before', async () => {
  lake.stream.put(shard, noted('f', `${D2}T12:00:00Z`, 'kept in _extra'));
  await lake.collect();
  const before = await lake.read('payments', 'live', COLUMNS);
  const applied = await lake.apply(NOTE);
  expect(applied.changes.map(({ path, class: kind }) => [path, kind])).toEqual([
    ['sources.books.columns.note', 'compatible'],
    ['sources.events.columns.note', 'compatible'],
    ['datasets.payments.columns.note', 'compatible'],
  ]);
  expect(await lake.read('payments', 'live', COLUMNS)).toEqual(before);
  lake.stream.put(shard, noted('g', `${D2}T13:00:00Z`, 'hello'));
  await lake.collect();
  const after = await lake.read('payments', 'live', COLUMNS);
  expect(after).toHaveLength(before.length + 1);
  expect(await proof()).toEqual({ findings: [], residue: 0 });
});

test('all partitions come as one version, and batch and stream are compared as before', async () => {
  const live = await lake.read('payments', 'live', COLUMNS);
  const published = await lake.publish('payments');
  expect(published).toMatchObject({ kind: 'published', partitions: [D1, D2], hold: [] });
  expect(await lake.read('payments', 'settled', COLUMNS)).toEqual(live);
  expect(await lake.read('payments', 'settled', 'id, note')).toEqual(
    live.map(({ id }) => ({ id, note: id === 'g' ? 'hello' : null })),
  );
  expect(await lake.run(lake.views.assessDataset, { dataset: 'payments' })).toMatchObject({ stale: 0 });
  expect(await proof()).toEqual({ findings: [], residue: 0 });
});

test('what books bring in the column is built and read', async () => {
  const [day, at] = ['2026-11-22', `${D2}T14:00:00Z`];
  await lake.write('books', `books-${day}.csv`, [`${BOOKS},note`, `h,${at},7.00,1,from books`]);
  expect(await lake.land('books')).toMatchObject({ rows: 1 });
  lake.stream.put(shard, event('h', at, '7.00'));
  await lake.collect();
  await lake.publish('payments', { partitions: [D2] });
  expect(await lake.read('payments', 'settled', 'id, note')).toContainEqual({ id: 'h', note: 'from books' });
  expect(await proof()).toEqual({ findings: [], residue: 0 });
});

const DAMAGES: readonly Damage[] = [
  {
    what: 'a build from before the column in its version',
    by: (vandal) => {
      const before = vandal.json<ViewVersion>('view/payments/000000000005.json');
      const [hash = ''] = Object.values(before.parts);
      const chunk = vandal.json<{ parts: Record<string, { build?: string }> }>(`part/payments/${hash}.json`);
      const [first] = Object.entries(chunk.parts);
      vandal.part('payments', first?.[0] ?? '', (part) => void (part.build = first?.[1].build ?? ''));
    },
    named: [['wrongBuild', /_build.json$/, 'is of another contract than the version of payments']],
  },
  {
    what: 'a value of the column edited in a build',
    by: (vandal) => vandal.build('payments', D2, "SELECT * REPLACE ('bye' AS note) FROM rows"),
    named: [['wrongRows', `payments ${D2}`, 'rows are in its build and should not be']],
  },
  {
    what: 'a version that names the spec before the column',
    by: (vandal) => vandal.edit<ViewVersion>(vandal.headKey('payments'), (view) => void (view.spec = 1)),
    named: [['altered', /^view\/payments\//, 'has another contract than payments in spec/000000000001.json']],
  },
  {
    what: 'a statistic from before the column edited',
    by: (vandal) =>
      vandal.entry('books/0', 1, ({ rows: [object] }) => {
        const statistic = object?.partitions[D1];
        if (statistic) statistic.rows += 1;
      }),
    named: [['wrongCount', /^rows\/books\//, `holds of ${D1} 2 rows`]],
  },
];

test.each(DAMAGES)('$what is named with its place', async ({ by, named }) => {
  const findings = await damaged(lake.store, by);
  for (const one of named) expect(findings).toContainEqual(finding(one));
});
