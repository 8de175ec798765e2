import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeTmpFolder, removeTmpFolder, tmpFolder } from '../../support/tmp.ts';
import { type WholeLake, eventfulLake, wholeLake } from './whole-lake.ts';

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
