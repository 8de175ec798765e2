import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTmpFolder, removeTmpFolder, tmpFolder } from '../../support/tmp.ts';
import { D1, D2, type WholeLake, event, eventfulLake, wholeLake } from './whole-lake.ts';

let lake: WholeLake;
let home: string;

beforeAll(async () => {
  home = await makeTmpFolder();
  lake = await eventfulLake(home);
});
afterAll(() => removeTmpFolder(home));

test('a lake with retractions, exclusions, late entries, generations and quarantine is whole', async () => {
  const report = await lake.verify();
  expect(report.findings).toEqual([]);
  expect(report).toMatchObject({ lanes: 4, entries: 12, rows: 121, rejected: 2 });
  expect(report.datasets).toEqual({
    flights: {
      version: 2,
      partitions: 2,
      classes: { in: 7, out: 4, deleted: 0, lost: 1, retracted: 2, excluded: 0, pending: 0 },
      residue: 0,
    },
    payments: {
      version: 5,
      partitions: 2,
      classes: { in: 12, out: 4, deleted: 0, lost: 7, retracted: 0, excluded: 1, pending: 1 },
      residue: 0,
    },
  });
});

test('of one dataset, its feeds alone are read', async () => {
  const report = await lake.verify('flights');
  expect(report).toMatchObject({ lanes: 1, entries: 2, rows: 7, findings: [] });
  expect(Object.keys(report.datasets)).toEqual(['flights']);
});

test('a dataset that is not there, or no lake at all, is no proof', async () => {
  await expect(lake.verify('fligths')).rejects.toThrow(
    'fligths is no dataset of spec 1; there are: flights, payments',
  );
  const empty = await wholeLake(await tmpFolder());
  empty.store.delete('spec/000000000001.json');
  await expect(empty.verify()).rejects.toThrow(/spec\/ holds nothing/);
});

test('rows of days that no version has a part for yet are pending, before and after a publish passed them', async () => {
  const [shard = ''] = lake.stream.openShards;
  lake.stream.put(shard, event('n', '2026-11-23T10:00:00Z', '9.00'));
  await lake.collect();
  const before = await lake.verify('payments');
  expect(before.findings).toEqual([]);
  expect(before.datasets['payments']).toMatchObject({ partitions: 2, residue: 0, classes: { pending: 2 } });
  await lake.publish('payments', { partitions: [D2] });
  const after = await lake.verify('payments');
  expect(after.findings).toEqual([]);
  expect(after.datasets['payments']).toMatchObject({ partitions: 3, residue: 0, classes: { pending: 2 } });
});

test('partitions that were rolled back and pinned, and released, leave the lake whole', async () => {
  const back = { dataset: 'payments', to: 1, partitions: [D1], pin: true };
  await lake.run(lake.views.rollbackDataset, { ...back, by: 'ana', reason: 'bad code', token: 'pinned' });
  expect(await lake.verify('payments')).toMatchObject({
    findings: [],
    datasets: { payments: { residue: 0 } },
  });
  const release = { dataset: 'payments', partitions: [D1], token: 'released' };
  await lake.run(lake.views.releasePins, { ...release, by: 'ana', reason: 'mended' });
  expect(await lake.verify('payments')).toMatchObject({
    findings: [],
    datasets: { payments: { residue: 0 } },
  });
});
