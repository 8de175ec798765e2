import { expect, test } from 'vitest';
import { aggregate } from '../support/aggregate.ts';
import { numbersByKey, payment, wireLake } from './wire-lake.ts';

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'];

test('aggregates become user records, through a split and a merge, and verify accounts for every one', async () => {
  const lake = await wireLake(2);
  const packed = (key: string, first: number) =>
    aggregate([0, 1, 2].map((n) => ({ partitionKey: key, data: Buffer.from(payment(key, first + n)) })));
  const round = (first: number) => lake.put(KEYS.map((key) => ({ key, data: packed(key, first) })));
  await round(0);
  await lake.story.split(lake.stream, 'shardId-000000000000', String(1n << 126n));
  await round(3);
  const broken = packed('a', 100);
  broken[20] = (broken[20] ?? 0) ^ 1;
  await lake.put([
    { key: 'a', data: broken },
    { key: 'a', data: payment('alone', 0) },
    { key: 'a', data: aggregate([{ partitionKey: 'a', data: Buffer.from('not json') }]) },
  ]);
  await lake.story.scale(lake.stream, 2);
  await round(6);

  // Six keys, nine payments each, and one that came alone.
  expect(await lake.collectUntil(() => true)).toEqual({ rows: 55, rejected: 2 });
  const landed = await lake.landed();
  const { alone, ...numbers } = numbersByKey(landed);
  expect(alone).toEqual([0]);
  expect(numbers).toEqual(Object.fromEntries(KEYS.map((key) => [key, [0, 1, 2, 3, 4, 5, 6, 7, 8]])));
  expect(landed.find(({ id }) => id === 'b:4')?.position).toMatch(/^\d{56}\/1$/);
  const reasons = (await lake.entriesOf(0)).flatMap(({ rejected }) => rejected.map((one) => one.reasons));
  expect(reasons).toEqual([{ BrokenAggregate: 1, NotJson: 1 }]);

  await lake.publish();
  const report = await lake.verify();
  expect(report).toMatchObject({ rows: 55, rejected: 2, findings: [] });
  expect(report.datasets['payments']).toMatchObject({
    version: 1,
    classes: { in: 55, out: 55, lost: 0, pending: 0 },
    residue: 0,
  });
});

test('a user record that its producer sent again, to the shard it belongs to, is read once and accounted for twice', async () => {
  const lake = await wireLake(1);
  await lake.story.split(lake.stream, 'shardId-000000000000', String(1n << 127n));
  const twice = { partitionKey: 'a', explicitHashKey: '0', data: Buffer.from(payment('a', 0)) };
  const other = {
    partitionKey: 'b',
    explicitHashKey: String((1n << 128n) - 1n),
    data: Buffer.from(payment('b', 0)),
  };
  // Packed for the shard as it was before the split: it lands in the upper half, and one of the two belongs below.
  await lake.story.put(lake.stream, 'a', aggregate([twice, other]), other.explicitHashKey);
  await lake.story.put(lake.stream, 'a', aggregate([twice]), twice.explicitHashKey);
  expect(await lake.collectUntil(() => true)).toEqual({ rows: 3, rejected: 0 });
  await lake.publish();
  const report = await lake.verify();
  expect(report.findings).toEqual([]);
  expect(report.datasets['payments']).toMatchObject({ classes: { in: 3, out: 2, lost: 1 }, residue: 0 });
});
