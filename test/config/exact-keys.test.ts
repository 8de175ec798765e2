import { expect, test } from 'vitest';
import { readLake } from '../../config/lake.ts';

function places(key: string, gate: string): readonly string[] {
  const text = `lake: { name: travel, bucket: travel-lake }
sources:
  fares:
    kind: files
    from: file:./fares
    format: { csv: {} }
datasets:
  fares:
    merge: append
    key: [${key}]
    partition: whole
    columns: { id: string, is_open: boolean, price: double }
    feeds: { fares: { role: batch } }
    gate: { compare: [${gate}] }
`;
  const reading = readLake({ text, file: '/lakes/lake.yaml', variables: {} });
  return reading.kind === 'lake'
    ? []
    : reading.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

test('a double is no key and is not compared: engines print it each in their own way', () => {
  const exact = 'price is double: a key, and what is compared, must be exact: make it decimal(p,s)';
  expect(places('id, price', 'price')).toEqual([`10:15: ${exact}`, `14:23: ${exact}`]);
});

test('a boolean may be part of a key', () => {
  expect(places('id, is_open', 'is_open')).toEqual([]);
});
