import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuildManifest } from '../../../lake/build.ts';
import { canonical } from '../../../lake/canonical.ts';
import { keys } from '../../../lake/keys.ts';
import { LANE, TableLake } from '../../support/table-lake.ts';
import { makeTmpFolder, removeTmpFolder } from '../../support/tmp.ts';
import { type Damage, type Vandal, damaged, entryKey, finding, sha256 } from './damage.ts';
import { verify } from './whole-lake.ts';

let table: TableLake;
let home: string;
/** The partition that both generations have rows in. */
let partition: string;

// Entries: 1 opens, 2 begin, 3 load, 4 ready, 5 a change; 6 begin, 7 load, 8 load, 9 ready, 10 a change; 11 begin, 12 load.
beforeAll(async () => {
  home = await makeTmpFolder();
  table = new TableLake(home, { partition: { kind: 'whole' } });
  await table.begin();
  await table.load([
    { id: 'a', amount: 1, _change: 1000 },
    { id: 'b', amount: 1, _change: 1000 },
  ]);
  await table.ready();
  await table.change([{ id: 'a', amount: 2, _change: 1500 }]);
  await table.reconcile();
  await table.begin();
  await table.load([{ id: 'a', amount: 3, _change: 2000 }]);
  await table.load([{ id: 'c', amount: 3, _change: 2000 }]);
  await table.ready();
  await table.change([
    { id: 'a', amount: 4, _change: 2500 },
    { id: 'a', amount: 5, _change: null },
  ]);
  await table.reconcile();
  await table.begin();
  await table.load([{ id: 'd', amount: 6, _change: 3000 }]);
  await table.read('live');
  partition = 'all';
});
afterAll(() => removeTmpFolder(home));

test('a lake of a table that was loaded again, and is being loaded, is whole', async () => {
  const { findings, datasets, rows } = await verify(table.lake.store, home);
  expect(findings).toEqual([]);
  expect(rows).toBe(8);
  expect(datasets['customers']).toMatchObject({
    classes: { in: 7, out: 2, lost: 2, retracted: 3, excluded: 0, pending: 1 },
    residue: 0,
  });
});

const DAMAGES: readonly Damage[] = [
  {
    what: 'a ready entry that takes back too little',
    by: (vandal) => {
      vandal.entry(LANE, 9, ({ retracts }) => {
        const lost = retracts?.[0]?.partitions[partition];
        if (lost) lost.rows -= 1;
      });
      vandal.chainAgain(LANE, 10);
    },
    named: [['wrongCount', entryKey(LANE, 9), 'takes 2 rows']],
  },
  {
    what: 'a ready entry that takes nothing back',
    by: (vandal) => {
      vandal.entry(LANE, 9, (entry) => void delete entry.retracts);
      vandal.chainAgain(LANE, 10);
    },
    named: [
      ['notFollowing', entryKey(LANE, 9), 'takes back what is below none; right would be 2'],
      ['wrongCount', entryKey(LANE, 9), 'takes 0 rows'],
    ],
  },
  {
    what: 'an entry that calls itself of another generation',
    by: (vandal) => {
      vandal.entry(
        LANE,
        10,
        ({ channels }) => void (channels && Object.assign(channels['log'] ?? {}, { generation: 1 })),
      );
      vandal.chainAgain(LANE, 11);
    },
    named: [
      ['notFollowing', entryKey(LANE, 10), 'is of generation 1, and its position of generation 2'],
      ['unaccounted', 'customers all', `entry ${LANE}/10 of generation 1; current is 2`],
    ],
  },
  {
    what: 'a generation that becomes ready twice',
    by: (vandal) => {
      vandal.entry(LANE, 10, (entry) => void (entry.ready = ['log']));
      vandal.chainAgain(LANE, 11);
    },
    named: [
      ['notFollowing', entryKey(LANE, 10), 'is in phase cdc and makes 1 channels ready'],
      ['notFollowing', entryKey(LANE, 10), 'which was ready before'],
    ],
  },
  {
    what: 'a landing of changes that is collected again',
    by: (vandal) => {
      const name = vandal.json<{ items: { item: string }[] }>(entryKey(LANE, 5)).items[0]?.item ?? '';
      vandal.entry(LANE, 10, ({ items }) => void (items?.[0] && (items[0].item = name)));
      vandal.chainAgain(LANE, 11);
    },
    named: [['twice', entryKey(LANE, 10), 'has it already']],
  },
  {
    what: 'a build that used an entry of the generation before',
    by: (vandal) => swapInputs(vandal, [5, 7, 8, 9, 10]),
    named: [['unaccounted', 'customers all', `its build used entry ${LANE}/5 of generation 1; current is 2`]],
  },
  {
    what: 'a build that used an entry of a generation that is not ready',
    by: (vandal) => swapInputs(vandal, [7, 8, 9, 10, 12]),
    named: [['twice', 'customers all', `its build used entry ${LANE}/12, beyond its coverage`]],
  },
  {
    what: 'a coverage that reaches into a generation that is not ready',
    by: (vandal) => vandal.stamp({ customers: 2 }, { [LANE]: 12 }),
    named: [['unaccounted', /^stamp\//, 'of generation 3, which is not whole by then']],
  },
  {
    what: 'a build in which an older change won',
    by: (vandal) => vandal.build('customers', 'all', 'SELECT * REPLACE (5::BIGINT AS amount) FROM rows'),
    named: [['wrongRows', 'customers all', 'should be in its build and are not']],
  },
  {
    what: 'an item of a load that counts too few rows',
    by: (vandal) => {
      vandal.entry(LANE, 7, ({ items }) => void (items?.[0] && (items[0].rows = 0)));
      vandal.chainAgain(LANE, 8);
    },
    named: [['wrongCount', entryKey(LANE, 7), 'its items have 0 rows, its objects 1']],
  },
];

test.each(DAMAGES)('verify names $what', async ({ by, named }) => {
  const findings = await damaged(table.lake.store, by);
  for (const one of named) expect(findings).toContainEqual(finding(one));
});

/** The build of the newest version says that it used these entries, under its right name. */
async function swapInputs(vandal: Vandal, ordinals: readonly number[]): Promise<void> {
  const manifest = vandal.json<BuildManifest>(vandal.buildKey('customers', 'all'));
  const inputs = { ...manifest.inputs, entries: { [LANE]: ordinals } };
  const buildId = sha256(canonical(inputs)).slice(0, 40);
  for (const file of manifest.files) {
    const at = (id: string) => keys.buildFile('customers', 'all', id, manifest.attempt, file.file);
    await vandal.copy(at(manifest.buildId), at(buildId));
  }
  vandal.store.put(keys.build('customers', 'all', buildId), canonical({ ...manifest, inputs, buildId }));
  vandal.part('customers', 'all', (part) => void (part.build = buildId));
}
