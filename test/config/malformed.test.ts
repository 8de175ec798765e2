import { expect, test } from 'vitest';
import { GOOD, problems, problemsOf, read } from './good-lake.ts';

const FEEDS = 'feeds: { events: { role: speed } }';

test.each([
  [
    'a key given twice on one line',
    '{ id: string, paid_at',
    '{ id: string, id: bigint, paid_at',
    ['21:28: id stands here a second time: give it once'],
  ],
  [
    'a key that is like none that is known here',
    'merge: append',
    'merge: append\n    colour: red',
    [
      '12:5: colour is no key here: correct its spelling or leave it out; there are: merge, key, version, partition, columns, eventTime, feeds, close, rebuild, gate',
    ],
  ],
  [
    'a key of another kind of source',
    'stream: events,',
    'stream: events, quiet: 30s,',
    [
      '8:44: quiet is no key here: correct its spelling or leave it out; there are: kind, stream, start, format, columns, commit',
    ],
  ],
  [
    'a key misspelt within a list',
    FEEDS,
    `${FEEDS}\n    gate: { tolerence: { missing: 5 } }`,
    ['23:13: tolerence is no key here: did you mean tolerance?'],
  ],
  [
    'a key that is a list',
    '  payments:\n',
    '  [a, b]: {}\n  payments:\n',
    ['16:3: this key is no text: a key is a name'],
  ],
  [
    'a key that is nothing',
    '  payments:\n',
    '  ~: {}\n  payments:\n',
    ['16:3: ~ is no name for it: it must be a name such as payment-events: a-z, 0-9, ".", "_", "-"'],
  ],
  [
    'a name that every object has',
    '  events: {',
    '  constructor: {',
    ['8:3: constructor is taken: choose another name'],
  ],
  [
    'a merge key',
    'columns: { at: timestamp,',
    'columns: { <<: { at: timestamp },',
    expect.arrayContaining([expect.stringMatching(/^14:16: << is no name for it/)]),
  ],
  [
    'an alias within what it stands for',
    'key: [id]',
    'key: &k [id, *k]',
    ['18:18: *k stands within what it stands for, which would never end: write the values out'],
  ],
  [
    'a tag of somebody else',
    'from: ',
    'from: !include ',
    ['5:11: !include is no tag here: write the value itself'],
  ],
  [
    'a variable without a name',
    "'file:./flights'",
    "'file:${}/flights'",
    ['5:5: file:${}/flights holds a ${ that begins no variable: write ${NAME}, or ${NAME:-otherwise}'],
  ],
  [
    'a variable left open',
    "'file:./flights'",
    "'file:${HOME/flights'",
    ['5:5: file:${HOME/flights holds a ${ that begins no variable: write ${NAME}, or ${NAME:-otherwise}'],
  ],
  [
    'nothing where a map should be',
    GOOD,
    'lake:\nsources:\n',
    ['1:1: lake is null: it must be a map of keys', '2:1: sources is null: it must be a map of names'],
  ],
  [
    'nothing but a remark',
    GOOD,
    '# later\n',
    ['1:1: lake is missing: it must be a map of keys', '1:1: sources is missing: it must be a map of names'],
  ],
  // Numbers
  [
    'a number below what is allowed',
    'format: { json: {} } }',
    'format: { json: {} }, commit: { rows: 0 } }',
    ['8:76: rows is 0: it must be at least 1'],
  ],
  [
    'a number above what a computer counts',
    'format: { json: {} } }',
    'format: { json: {} }, commit: { rows: 10000000000000000000000 } }',
    ['8:76: rows is 1e+22: it must be at most 9007199254740991'],
  ],
  [
    'a number that is none',
    'format: { json: {} } }',
    'format: { json: {} }, commit: { rows: .inf } }',
    ['8:76: rows is Infinity: it must be a number'],
  ],
  [
    'a duration of centuries',
    'format: { csv: {} }',
    'quiet: 100000000d\n    format: { csv: {} }',
    ['6:5: quiet is "100000000d": it must be at most 3650d'],
  ],
  [
    'a schedule without a pause',
    'format: { csv: {} }',
    'schedule: { every: 0s }\n    format: { csv: {} }',
    ['6:17: every is 0: it must be at least 1s'],
  ],
  [
    'a share of more than all',
    FEEDS,
    `${FEEDS}\n    gate: { tolerance: { missing: 101% } }`,
    ['23:26: missing is "101%": it must be a number of keys such as 5, or a share such as 0.1%'],
  ],
  [
    'more digits than a decimal has',
    "'decimal(18,2)'",
    "'decimal(40,2)'",
    [
      '21:48: amount is "decimal(40,2)": it must be one of string, boolean, integer, bigint, double, date, timestamp, decimal(18,2)',
    ],
  ],
  [
    'a least that is more than the most',
    FEEDS,
    `${FEEDS}\n    gate: { checks: [{ rows: { min: 5, max: 3 } }] }`,
    ['23:22: min is 5 and max is 3: min must not be the greater'],
  ],
])('%s is refused with its place', (_what, from, to, expected) => {
  expect(problems(from, to)).toEqual(expected);
});

test('aliases that multiply without end are refused, and soon', () => {
  const levels = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  const names = 'a b c d e f g h i j k l m n o p q r s t u v w x y z'.split(' ');
  for (const [index, name] of names.slice(1).entries())
    levels.push(`${name}: &${name} [${Array(9).fill(`*${names[index]}`).join(', ')}]`);
  expect(problemsOf(levels.join('\n'))).toEqual([
    expect.stringMatching(/^6:\d+: \*e and the aliases before it stand for more than 100000 values: write/),
  ]);
});

test('brackets that nest without end are refused', () => {
  expect(problemsOf(`lake: ${'['.repeat(30_000)}`)[0]).toMatch(
    /^1:\d+: this nests too deeply: no lake does$/,
  );
});

test('many aliases of the same columns are no bomb', () => {
  const feeds = Array.from(
    { length: 300 },
    (_, n) => `  s${n}: { kind: kinesis, stream: s, format: { json: {} }, columns: *c }`,
  );
  const text = `lake: { name: l, bucket: bucket }\nsources:\n  s: { kind: kinesis, stream: s, format: { json: {} }, columns: &c { a: string } }\n${feeds.join('\n')}\n`;
  expect(problemsOf(text)).toEqual([]);
});

// Bytes
test('a file of another encoding is refused where it begins to differ', () => {
  const latin = Buffer.from(GOOD.replace('sources:', '# Zürich\nsources:'), 'latin1');
  expect(problemsOf(latin)).toEqual(['2:4: byte 0xfc is not UTF-8: save the file as UTF-8']);
  expect(problemsOf(Buffer.concat([Buffer.from('# '), Buffer.from([0xe2, 0x82])]))).toEqual([
    '1:3: byte 0xe2 is not UTF-8: save the file as UTF-8',
  ]);
  expect(problemsOf(Buffer.from(`\ufeff${GOOD}`, 'utf16le'))).toEqual([
    '1:1: the file is UTF-16: save it as UTF-8',
  ]);
});

test('what is UTF-8 is read, with a byte order mark and without', () => {
  for (const text of [GOOD, `\ufeff${GOOD}`, GOOD.replace('sources:', '# Zürich 東京\nsources:')])
    expect(read(Buffer.from(text)).kind).toBe('lake');
});

test('a control character is refused with its place', () => {
  expect(problemsOf(Buffer.from(GOOD.replace('events:', 'ev\u0000ents:')))).toEqual([
    '8:5: the control character U+0000 stands here: leave it out',
  ]);
});

test('a file that is too large is not even read', () => {
  expect(problemsOf(Buffer.alloc(4_000_001, 'a'))).toEqual([
    '1:1: the file has 4000001 bytes: a lake.yaml has at most 4000000',
  ]);
});
