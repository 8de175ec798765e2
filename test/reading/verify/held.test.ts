import { afterAll, beforeAll, expect, test } from 'vitest';
import type { HoldObject } from '../../../lake/plan.ts';
import { makeTmpFolder, removeTmpFolder, tmpFolder } from '../../support/tmp.ts';
import { type Damage, damaged, finding } from './damage.ts';
import { BOOKS, D1, type WholeLake, event, wholeLake } from './whole-lake.ts';

let lake: WholeLake;
let home: string;

beforeAll(async () => {
  home = await makeTmpFolder();
  lake = await heldLake(home);
});
afterAll(() => removeTmpFolder(home));

test('a lake in which a build was held, rejected and held again is whole', async () => {
  expect(lake.store.keys('hold/')).toEqual([hold(1), hold(2), hold(3)]);
  const report = await lake.verify('payments');
  expect(report.findings).toEqual([]);
  expect(report.datasets['payments']).toMatchObject({ version: 0, residue: 0, classes: { pending: 22 } });
});

const DAMAGES: readonly Damage[] = [
  {
    what: 'a first hold removed',
    by: (vandal) => vandal.remove(hold(1)),
    named: [['gap', hold(2), 'follows number 0: 1 holds of the partition are missing']],
  },
  {
    what: 'a rejection removed',
    by: (vandal) => vandal.remove(hold(2)),
    named: [
      ['gap', hold(3), 'follows number 1: 1 holds of the partition are missing'],
      ['gap', `hold/payments/${D1}/`, 'has no rejection of plan'],
    ],
  },
  {
    what: 'a rejection and all after it removed',
    by: (vandal) => {
      for (const n of [2, 3]) vandal.remove(hold(n));
    },
    named: [['gap', `hold/payments/${D1}/`, 'has no rejection of plan']],
  },
  {
    what: 'a hold put in the place of another',
    by: (vandal) => vandal.store.put(hold(2), vandal.store.text(hold(3)) ?? ''),
    named: [['altered', hold(2), `says it is hold 3 of payments ${D1}, open; right would be 2, closed`]],
  },
];

test.each(DAMAGES)('$what is named with its place', async ({ by, named }) => {
  const findings = await damaged(lake.store, by);
  for (const one of named) expect(findings).toContainEqual(finding(one));
});

test('a plan is not made past a hold that is gone: what was rejected would come back', async () => {
  const other = await heldLake(await tmpFolder());
  other.store.delete(hold(1));
  await expect(other.publish('payments', { partitions: [D1] })).rejects.toThrow(
    `${hold(2)}: hold 1 of its partition is missing`,
  );
});

function hold(n: number): string {
  return `hold/payments/${D1}/00000000000${n}.json`;
}

/** Books that differ from the stream in more payments than is tolerated: held, rejected, asked for again. */
async function heldLake(folder: string): Promise<WholeLake> {
  const made = await wholeLake(folder);
  const ids = Array.from({ length: 11 }, (_, n) => `p${n}`);
  const [shard = ''] = made.stream.openShards;
  for (const id of ids) made.stream.put(shard, event(id, `${D1}T10:00:00Z`, '1.00'));
  await made.collect();
  await made.write('books', `books-${D1}.csv`, [BOOKS, ...ids.map((id) => `${id},${D1}T10:00:00Z,2.00,1`)]);
  await made.land('books');
  await made.publish('payments', { partitions: [D1] });
  const { planId } = JSON.parse(made.store.text(hold(1)) ?? '{}') as HoldObject & { readonly planId: string };
  const ref = { dataset: 'payments', planId, partitions: [D1] };
  const decided = { decision: 'audit/2026-11-22/no.json', by: 'ana', reason: 'wrong books' };
  await made.run(made.views.closeHolds, { ...ref, action: 'reject', ...decided });
  await made.publish('payments', { partitions: [D1] });
  return made;
}
