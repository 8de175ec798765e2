import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonical } from '../../../lake/canonical.ts';
import type { Entry, EntryItem } from '../../../lake/entry.ts';
import { makeTmpFolder, removeTmpFolder } from '../../support/tmp.ts';
import { type Damage, damaged, entryKey, finding, sha256 } from './damage.ts';
import { D1, D2, type WholeLake, eventfulLake } from './whole-lake.ts';

let lake: WholeLake;
let home: string;

beforeAll(async () => {
  home = await makeTmpFolder();
  lake = await eventfulLake(home);
});
afterAll(() => removeTmpFolder(home));

const ROWS_F1 = /^rows\/flights\/0\/.*\.parquet$/;

const DAMAGES: readonly Damage[] = [
  {
    what: 'a row removed from a rows object',
    by: (vandal) => vandal.rows('flights/0', 1, "SELECT * FROM rows WHERE origin <> 'SFO'"),
    named: [
      ['notFollowing', entryKey('flights/0', 2)],
      ['wrongCount', entryKey('flights/0', 1), 'its items have 5 rows, its objects 4'],
      [
        'wrongCount',
        entryKey('flights/0', 1),
        'item "flights-2026-11-20.csv" has 2 rows in its spans, and says 3',
      ],
      ['wrongCount', ROWS_F1],
      ['wrongCount', `flights ${D1}`],
      ['wrongRows', `flights ${D1}`, '1 rows are in its build and should not be'],
      ['unaccounted', 'flights', '1 rows are in no class, or in two'],
    ],
  },
  {
    what: 'a row doubled in a rows object',
    by: (vandal) =>
      vandal.rows('events/0', 2, 'SELECT * FROM rows UNION ALL SELECT * FROM rows WHERE _row = 1'),
    named: [
      ['notFollowing', entryKey('events/0', 3)],
      ['wrongCount', /^rows\/events\/0\//],
      ['twice', 'events/0/2, events/0/2', 'was collected 2 times'],
      ['wrongCount', `payments ${D1}`, 'in is 7 rows'],
    ],
  },
  {
    what: 'a value edited in a rows object, counts and hashes kept',
    by: (vandal) => vandal.rows('books/0', 1, 'SELECT * REPLACE (gross + 1 AS gross) FROM rows'),
    named: [
      ['notFollowing', entryKey('books/0', 2)],
      ['wrongRows', `payments ${D1}`, 'should be in its build and are not'],
      ['wrongRows', `payments ${D1}`, 'are in its winners of the batch feeds and should not be'],
    ],
  },
  {
    what: 'bytes of a rows object overwritten',
    by: (vandal) =>
      vandal.store.put(vandal.json<Entry>(entryKey('books/0', 1)).rows[0]?.key ?? '', 'PAR1 and no more'),
    named: [
      ['wrongBytes', /^rows\/books\/0\//, 'has 16 bytes'],
      ['wrongBytes', /^rows\/books\/0\//, 'cannot be read as rows'],
      ['wrongRows', `payments ${D1}`],
    ],
  },
  {
    what: 'a count edited in an entry',
    by: (vandal) =>
      vandal.entry('events/0', 7, ({ rows: [object] }) => {
        if (object) object.rows = 2;
      }),
    named: [['wrongCount', /^rows\/events\/0\//, 'holds 1 rows']],
  },
  {
    what: 'statistics of a partition edited in an entry',
    by: (vandal) =>
      vandal.entry('events/0', 7, ({ rows: [object] }) => {
        if (object) object.partitions = {};
      }),
    named: [['wrongCount', /^rows\/events\/0\//, `holds of ${D2} 1 rows`]],
  },
  {
    what: 'an entry removed from the middle',
    by: (vandal) => vandal.remove(entryKey('events/0', 3)),
    named: [
      ['gap', entryKey('events/0', 4), 'follows number 2: 1 objects of the chain are missing'],
      ['notFollowing', entryKey('events/0', 4), 'but it was read through 4'],
    ],
  },
  {
    what: 'the last entry removed',
    by: (vandal) => vandal.remove(entryKey('flights/0', 2)),
    named: [['gap', 'ledger/flights/0/', 'ends with entry 1, but coverage/flights/']],
  },
  {
    what: 'the last entry removed, which only a plan knew of',
    by: (vandal) => {
      for (const key of vandal.store.keys('coverage/')) vandal.remove(key);
      vandal.remove(entryKey('events/0', 7));
    },
    named: [['gap', 'ledger/events/0/', 'ends with entry 6, but plan/payments/']],
  },
  {
    what: 'the last entry removed, which only readers knew of',
    by: (vandal) => {
      vandal.stamp({}, { 'notes/0': 1 });
      vandal.remove(entryKey('notes/0', 1));
    },
    named: [['gap', 'ledger/notes/0/', 'ends with entry 0, but stamp/']],
  },
  {
    what: 'a whole lane removed',
    by: (vandal) => {
      for (const key of vandal.store.keys('ledger/books/')) vandal.remove(key);
    },
    named: [['gap', 'ledger/books/0/', 'ends with entry 0']],
  },
  {
    what: 'a field of an entry edited',
    by: (vandal) =>
      vandal.entry('books/0', 1, (entry) => void (entry.committedAt = '2026-11-22T12:00:01.000Z')),
    named: [['notFollowing', entryKey('books/0', 2), 'one of the two was altered']],
  },
  {
    what: 'an entry edited and every later hash made to fit: it is told by what it says',
    by: (vandal) => {
      vandal.entry('events/0', 5, ({ channels }) => {
        for (const channel of Object.values(channels ?? {}))
          if (channel.through === '5') channel.through = '6';
      });
      vandal.chainAgain('events/0', 6);
    },
    named: [
      ['notFollowing', entryKey('events/0', 6), 'goes on with 1795348800-shardId-000000000002 after 5'],
    ],
  },
  {
    what: 'an entry formatted by hand',
    by: (vandal) => {
      const key = entryKey('flights/0', 2);
      vandal.store.put(key, JSON.stringify(vandal.json(key), null, 2));
    },
    named: [['altered', entryKey('flights/0', 2), 'is not canonical JSON']],
  },
  {
    what: 'an entry cut short',
    by: (vandal) => {
      const key = entryKey('flights/0', 2);
      vandal.store.put(key, vandal.store.text(key)?.slice(0, 200) ?? '');
    },
    named: [['altered', entryKey('flights/0', 2), 'holds 200 bytes that are no JSON object']],
  },
  {
    what: 'an entry without its lists',
    by: (vandal) =>
      vandal.store.put(
        entryKey('events/0', 7),
        canonical({ ...vandal.json<Entry>(entryKey('events/0', 7)), raw: null }),
      ),
    named: [['altered', entryKey('events/0', 7), 'is no entry as Tributary writes it']],
  },
  {
    what: 'an item collected twice',
    by: (vandal) => {
      const first = vandal.json<Entry>(entryKey('books/0', 1));
      const second = vandal.json<Entry>(entryKey('books/0', 2));
      const prev = sha256(vandal.store.text(entryKey('books/0', 2)) ?? '');
      vandal.store.put(
        entryKey('books/0', 3),
        canonical({ ...first, prev, ordinal: 3, commit: `${second.commit}x` }),
      );
    },
    named: [
      [
        'twice',
        entryKey('books/0', 3),
        'has "books-2026-11-20.csv" collected; ledger/books/0/000000000001.json',
      ],
    ],
  },
  {
    what: 'a retraction that takes back less than it says',
    by: (vandal) =>
      vandal.entry('flights/0', 2, ({ retracts }) => {
        const [taken] = retracts ?? [];
        const span = taken && 'item' in taken ? taken.spans[0] : undefined;
        if (span) span.records = 1;
      }),
    named: [
      ['wrongCount', entryKey('flights/0', 2), `takes of ${D2} 1 rows`],
      ['wrongCount', `flights ${D2}`, 'retracted is 1 rows'],
    ],
  },
  {
    what: 'a raw object truncated',
    by: async (vandal) => {
      const key = vandal.json<Entry>(entryKey('books/0', 1)).raw[0]?.uri.replace('s3://test-lake/', '') ?? '';
      vandal.store.put(key, vandal.store.text(key)?.slice(0, 40) ?? '');
    },
    named: [['wrongBytes', /^raw\/books\//, 'has 40 bytes']],
  },
  {
    what: 'a raw object lost',
    by: (vandal) =>
      vandal.remove(
        vandal.json<Entry>(entryKey('events/0', 7)).raw[0]?.uri.replace('s3://test-lake/', '') ?? '',
      ),
    named: [['missing', /^raw\/events\//, entryKey('events/0', 7)]],
  },
  {
    what: 'a quarantine object lost',
    by: (vandal) => vandal.remove(vandal.key(/^rejected\/flights\//)),
    named: [['missing', /^rejected\/flights\//, entryKey('flights/0', 1)]],
  },
  {
    what: 'a quarantined record removed, sizes and checksums made to fit',
    by: (vandal) => {
      vandal.store.put(vandal.key(/^rejected\/events\//), '');
      vandal.entry('events/0', 2, ({ rejected: [object] }) => {
        if (object) Object.assign(object, { bytes: 0, checksum: `sha256:${sha256('')}` });
      });
      vandal.chainAgain('events/0', 3);
    },
    named: [
      ['wrongCount', /^rejected\/events\//, 'holds 0 records, hash 0'],
      ['wrongCount', /^rejected\/events\//, 'holds 0 records that are Missing'],
    ],
  },
  {
    what: 'a list of items altered beside its entry',
    by: (vandal) =>
      vandal.edit<{ items: EntryItem[] }>(vandal.key(/^manifest\/notes\/.*items.*/), ({ items }) => {
        const [item] = items;
        if (item) item.rows = 0;
      }),
    named: [
      ['wrongBytes', /^manifest\/notes\//],
      ['wrongCount', entryKey('notes/0', 1), 'its items have 100 rows, its objects 101'],
    ],
  },
];

test.each(DAMAGES)('$what is named with its place', async ({ by, named }) => {
  const findings = await damaged(lake.store, by);
  for (const one of named) expect(findings).toContainEqual(finding(one));
});
