import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readLake } from '../../config/lake.ts';
import { GOOD, problems, read } from './good-lake.ts';

test('the sample lake is read, and every default is written in', () => {
  const file = new URL('../../lake.yaml', import.meta.url);
  const reading = readLake({ text: readFileSync(file, 'utf8'), file: file.pathname, variables: {} });
  expect(reading).toMatchObject({
    kind: 'lake',
    spec: {
      lake: { name: 'travel', bucket: 'travel-lake' },
      sources: { flights: { restated: 'park', quietMs: 1000, window: { coversMs: 86_400_000 } } },
      datasets: {
        payments: {
          eventTime: 'paid_at',
          feeds: {
            settlements: { role: 'batch', visible: 'publish', map: { amount: 'gross' } },
            'payment-events': { role: 'speed', visible: 'commit', map: {} },
          },
        },
      },
    },
  });
});

test('folders are relative to the file, and variables have defaults', () => {
  const text = GOOD.replace('file:./flights', 'file:${HOME_OF_DATA:-./other}/flights');
  const from = (reading: ReturnType<typeof readLake>) =>
    reading.kind === 'lake' &&
    reading.spec.sources['flights']?.kind === 'files' &&
    reading.spec.sources['flights'].from;
  expect(from(read(text))).toBe('file:///lakes/my%20lake/other/flights');
  expect(from(read(text, { HOME_OF_DATA: '/data' }))).toBe('file:///data/flights');
});

test('columns may be written once and named by an alias', () => {
  const text = GOOD.replace('key: [id]', 'key: &k [id]').replace(
    'version: revision',
    'version: revision\n    gate: { compare: *k }',
  );
  expect(read(text)).toMatchObject({
    kind: 'lake',
    spec: { datasets: { payments: { gate: { compare: ['id'] } } } },
  });
});

const NAME = 'a-z, 0-9, "_", beginning with a letter';
const DURATION = 'it must be a duration such as 30s, 10m, 6h or 1d';
const FEEDS = 'feeds: { events: { role: speed } }';

// The text of the file
test.each([
  ['a tab', '  events: {', '\tevents: {', ['8:1: the line begins with a tab: indent with spaces']],
  [
    'a bracket left open',
    'key: [id]',
    'key: [id',
    ['19:5: Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    'a key given twice',
    '  payments:\n',
    '  flights: {}\n  payments:\n',
    ['16:3: flights stands here a second time: give it once'],
  ],
  [
    'a second document',
    'datasets:\n',
    '---\ndatasets:\n',
    ['9:1: a second document begins here: a lake is one document'],
  ],
  [
    'an alias of nothing',
    'key: [id]',
    'key: *k',
    ['18:10: *k names nothing: put &k before what it stands for, or write it out'],
  ],
  [
    'an empty file',
    GOOD,
    '',
    ['1:1: lake is missing: it must be a map of keys', '1:1: sources is missing: it must be a map of names'],
  ],
  ['a list for a file', GOOD, '- a\n', ['1:1: the file is ["a"]: it must be a map of keys']],
  // Keys
  [
    'a key misspelt',
    'merge: append',
    'merge: append\n    mrege: x',
    ['12:5: mrege is no key here: did you mean merge?'],
  ],
  [
    'a key that is not built',
    'datasets:',
    'metrics: {}\ndatasets:',
    ['9:1: metrics is not built yet (docs/status.md lists what is)'],
  ],
  [
    'a kind that is not built',
    'kind: kinesis',
    'kind: kafka',
    ['8:13: kind kafka is not built yet (docs/status.md lists what is)'],
  ],
  [
    'a kind that is none',
    'kind: kinesis',
    'kind: kineses',
    ['8:13: kind is kineses: it must be files, kinesis or database'],
  ],
  ['a key left out', '    key: [id]\n', '', ['16:3: key is missing: it must be a list']],
  [
    'a source that nothing describes',
    '{ events: { role',
    '{ evnts: { role',
    [
      '8:3: columns is missing: no dataset reads this source, so nothing says what they are',
      '22:14: evnts is no source; there are: flights, events',
    ],
  ],
  // Values
  [
    'a bucket that S3 refuses',
    'bucket: travel-lake',
    'bucket: Travel_Lake',
    ['1:23: bucket is "Travel_Lake": it must be an S3 bucket name'],
  ],
  ['a number for a name', 'name: travel', 'name: 5', ['1:9: name is 5: it must be a text']],
  ['a text for a list', 'key: [id]', 'key: id', ['18:5: key is "id": it must be a list']],
  [
    'a name with an upper-case letter',
    '  payments:\n',
    '  Payments:\n',
    ['16:3: Payments is no name for it: it must be a name such as payment-events: a-z, 0-9, ".", "_", "-"'],
  ],
  [
    'a column that lineage uses',
    'delay: bigint',
    '_row: bigint',
    [`14:31: _row is no name for it: it must be a column name such as paid_at: ${NAME}`],
  ],
  [
    'a type that is none',
    'delay: bigint',
    'delay: int64',
    [
      '14:31: delay is "int64": it must be one of string, boolean, integer, bigint, double, date, timestamp, decimal(18,2)',
    ],
  ],
  [
    'a duration without a unit',
    'format: { csv: {} }',
    'quiet: 30\n    format: { csv: {} }',
    [`6:5: quiet is 30: ${DURATION}`],
  ],
  [
    'a folder elsewhere',
    'file:./flights',
    'sftp://b/flights',
    [
      '5:5: from is "sftp://b/flights": it must be a folder such as file:./sample-data/flights, or a prefix such as s3://bucket/flights',
    ],
  ],
  [
    "a prefix of the lake's own bucket",
    'file:./flights',
    's3://travel-lake/raw',
    ["5:5: from is in the lake's own bucket travel-lake: it must be in another"],
  ],
  [
    'a region for a folder',
    'format: { csv: {} }',
    'region: eu-west-1\n    format: { csv: {} }',
    ['6:5: region has no meaning for a folder: leave it out'],
  ],
  [
    'raw files for a dataset',
    '{ csv: {} }',
    '{ raw: {} }',
    ['6:15: raw makes no rows, and flights reads them: name a format that does'],
  ],
  [
    'two formats',
    '{ csv: {} }',
    '{ csv: {}, json: {} }',
    ['6:5: format names csv and json: it must name one of csv, fixed, json, parquet, raw'],
  ],
  [
    'a file without a header',
    'csv: {}',
    'csv: { header: false }',
    ['6:22: header is false: it must be true: files without a header line are not built yet'],
  ],
  [
    'a delimiter of two characters',
    'csv: {}',
    "csv: { delimiter: ';;' }",
    ['6:22: delimiter is ";;": it must be one character'],
  ],
  [
    'a stream read from its end',
    'stream: events,',
    'stream: events, start: latest,',
    [
      '8:44: start is "latest": it must be earliest or {at: 2026-11-21T00:00:00Z}; "latest" would skip what arrives over a restart',
    ],
  ],
  [
    'a window without a day',
    "'flights-{day}'",
    "'flights-{date}'",
    ['7:15: fromName is "flights-{date}": it must hold {day}, as in settled-{day}'],
  ],
  [
    'no buckets',
    '{ day: paid_at, fixed: true }',
    '{ buckets: 0 }',
    ['20:18: buckets is 0: it must be 1 to 9999'],
  ],
  [
    'a tolerance that is none',
    FEEDS,
    `${FEEDS}\n    gate: { tolerance: { missing: some } }`,
    ['23:26: missing is "some": it must be a number of keys such as 5, or a share such as 0.1%'],
  ],
  [
    'a check that is none',
    FEEDS,
    `${FEEDS}\n    gate: { checks: [{ unique: [id] }] }`,
    [
      '23:22: checks[0] is {"unique":["id"]}: it must be {rows: {min, max}}, {nulls: {column, max}}, {range: {column, min, max}} or {nothing: {name, sql}}',
    ],
  ],
  [
    'a variable that is not set',
    'key: [id]',
    "key: ['${KEY}']",
    ['18:11: ${KEY} is not set: set it in the environment of `tributary apply`'],
  ],
  // Parts that do not fit each other
  [
    'a key that is no column',
    'key: [at, origin]',
    'key: [at, orign]',
    ['12:15: orign is no column of flights; there are: at, delay, origin'],
  ],
  ['a key with a column twice', 'key: [id]', 'key: [id, id]', ['18:15: id stands in the key already']],
  [
    'a feed of two datasets',
    FEEDS,
    'feeds: { events: { role: speed }, flights: { role: batch } }',
    ['22:39: flights feeds flights already: a feed serves at most one dataset'],
  ],
  [
    'a partition by what is no time',
    '{ day: paid_at',
    '{ day: revision',
    ['20:18: revision is bigint: it must be timestamp'],
  ],
  [
    'a key that does not determine its partition',
    ', fixed: true',
    '',
    [
      '20:5: a key must determine its partition: make paid_at part of the key, or say fixed: true where it never changes for a key',
    ],
  ],
  [
    'a first partition of another unit',
    "'2026-11-20'",
    "'2026-11'",
    [`13:27: from is "2026-11": it must be a partition's name such as 2026-11-21`],
  ],
  [
    'a version that has no order',
    'version: revision',
    'version: id',
    ['19:5: id is string: it must be integer, bigint, timestamp or decimal'],
  ],
  [
    'a version under append',
    'merge: append',
    'merge: append\n    version: delay',
    ['12:5: version has no meaning under append: one row per key is kept, and repeats are counted'],
  ],
  [
    'a mapping of what is not there',
    '{ role: speed }',
    '{ role: speed, map: { amount: gros } }',
    ['22:44: gros is no column of events; there are: id, paid_at, amount, revision'],
  ],
  [
    'a batch that is needed and does not feed',
    FEEDS,
    `${FEEDS}\n    close: { needs: [books] }`,
    ['23:22: books is no batch feed of payments; there are: none'],
  ],
])('%s is refused with its place', (_what, from, to, expected) => {
  expect(problems(from, to)).toEqual(expected);
});

test('every problem is found in one pass, in the order of the file', () => {
  const text = GOOD.replace('travel-lake', 'X')
    .replace('merge: append', 'merge: apend')
    .replace('role: speed', 'role: fast');
  const reading = read(text);
  expect(reading.kind === 'refused' && reading.problems.map(({ path }) => path)).toEqual([
    'lake.bucket',
    'datasets.flights.merge',
    'datasets.payments.feeds.events.role',
  ]);
});
