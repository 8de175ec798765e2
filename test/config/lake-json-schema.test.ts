import { readFile } from 'node:fs/promises';
import { Ajv } from 'ajv';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { lakeJsonSchema } from '../../config/lake-json-schema.ts';
import { GOOD, read } from './good-lake.ts';

const root = new URL('../../', import.meta.url);
const validate = new Ajv({ allErrors: true, strict: true, allowUnionTypes: true }).compile(lakeJsonSchema());

function fits(text: string): boolean {
  return validate(parse(text));
}

test('the schema in docs/ is the one that the code makes', async () => {
  const stored: unknown = JSON.parse(await readFile(new URL('docs/lake.schema.json', root), 'utf8'));
  expect(stored).toEqual(lakeJsonSchema());
});

test('the sample lake fits, its variables as they stand, and names the schema for editors', async () => {
  const sample = await readFile(new URL('lake.yaml', root), 'utf8');
  expect(fits(sample), JSON.stringify(validate.errors)).toBe(true);
  expect(sample.split('\n')[0]).toBe('# yaml-language-server: $schema=docs/lake.schema.json');
});

test('what apply takes, fits', () => {
  for (const text of [
    GOOD,
    GOOD.replace('bucket: travel-lake', "bucket: '${BUCKET:-travel-lake}'"),
    GOOD.replace('csv: {}', "csv: { delimiter: ';', nulls: ['NA', ''] }"),
    GOOD.replace(
      'csv: {}',
      'fixed: { columns: { at: { start: 1, width: 20 }, delay: { start: 21, width: 5, trim: left }, origin: { start: 26, width: 3 } }, skip: 1 }',
    ),
    GOOD.replace('stream: events,', "stream: events, start: { at: '2026-11-21T00:00:00Z' },"),
    GOOD.replace('{ day: paid_at, fixed: true }', '{ buckets: 16 }'),
    `${GOOD}    gate: { tolerance: { missing: 5, differs: 0.1% }, checks: [{ rows: { min: 1 } }] }\n`,
  ]) {
    expect(fits(text), `${text}${JSON.stringify(validate.errors)}`).toBe(true);
    expect(read(text, { BUCKET: 'trips' }).kind).toBe('lake');
  }
});

test.each([
  ['a key misspelt', 'merge: append', 'mrege: append'],
  ['a key of another kind of source', 'stream: events,', 'stream: events, quiet: 30s,'],
  ['a key that is not built', 'datasets:', 'metrics: {}\ndatasets:'],
  ['a format that is none', '{ csv: {} }', '{ csv: {}, avro: {} }'],
  ['a kind that is none', 'kind: kinesis', 'kind: kineses'],
  ['a key left out', '    key: [id]\n', ''],
  ['a bucket that S3 refuses', 'travel-lake', 'Travel_Lake'],
  ['a number for a name', 'name: travel', 'name: 5'],
  ['a text for a list', 'key: [id]', 'key: id'],
  ['a name with an upper-case letter', '  payments:\n', '  Payments:\n'],
  ['a type that is none', 'delay: bigint', 'delay: int64'],
  ['a duration without a unit', 'format: { csv: {} }', "quiet: '30'\n    format: { csv: {} }"],
  ['a folder elsewhere', 'file:./flights', 'ftp://b/flights'],
  ['a merge rule that is none', 'merge: append', 'merge: appendix'],
  ['a delimiter of two characters', 'csv: {}', "csv: { delimiter: ';;' }"],
  ['a layout without columns', 'csv: {}', 'fixed: {}'],
  ['a column without a width', 'csv: {}', 'fixed: { columns: { at: { start: 1 } } }'],
  ['a place before the first', 'csv: {}', 'fixed: { columns: { at: { start: 0, width: 1 } } }'],
  ['a stream read from its end', 'stream: events,', 'stream: events, start: latest,'],
  ['a window without a day', "'flights-{day}'", "'flights-{date}'"],
  ['no buckets', '{ day: paid_at, fixed: true }', '{ buckets: 0 }'],
  ['no key', 'key: [id]', 'key: []'],
  ['a list for a file', GOOD, '- a\n'],
  ['an empty file', GOOD, ''],
])('%s fits neither the schema nor apply', (_what, from, to) => {
  expect(GOOD).toContain(from);
  const text = GOOD.replace(from, () => to);
  expect(fits(text)).toBe(false);
  expect(read(text).kind).toBe('refused');
});
