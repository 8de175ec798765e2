import { afterAll, beforeAll, expect, test } from 'vitest';
import type { BuildManifest } from '../../../lake/build.ts';
import type { ViewVersion } from '../../../lake/view.ts';
import { makeTmpFolder, removeTmpFolder } from '../../support/tmp.ts';
import { type Damage, damaged, entryKey, finding } from './damage.ts';
import { D1, D2, type WholeLake, eventfulLake } from './whole-lake.ts';

let lake: WholeLake;
let home: string;

beforeAll(async () => {
  home = await makeTmpFolder();
  lake = await eventfulLake(home);
});
afterAll(() => removeTmpFolder(home));

const DAMAGES: readonly Damage[] = [
  {
    what: 'a row removed from a build',
    by: (vandal) => vandal.build('flights', D1, "SELECT * FROM rows WHERE origin <> 'SFO'"),
    named: [
      [
        'wrongRows',
        `flights ${D1}`,
        '1 rows should be in its build and are not, such as flights/0/1 object 0 row 3',
      ],
      ['unaccounted', 'flights'],
    ],
  },
  {
    what: 'a row doubled in a build',
    by: (vandal) =>
      vandal.build('flights', D1, "SELECT * FROM rows UNION ALL SELECT * FROM rows WHERE origin = 'SFO'"),
    named: [
      ['wrongRows', `flights ${D1}`, '1 rows are in its build and should not be'],
      ['unaccounted', 'flights'],
    ],
  },
  {
    what: 'a value edited in a build',
    by: (vandal) => vandal.build('payments', D2, 'SELECT * REPLACE (amount + 1 AS amount) FROM rows'),
    named: [
      ['wrongRows', `payments ${D2}`, '2 rows should be in its build and are not'],
      ['wrongRows', `payments ${D2}`, '2 rows are in its build and should not be'],
    ],
  },
  {
    what: 'a row removed from what the batch said, which comparisons read',
    by: (vandal) =>
      vandal.build('payments', D1, "SELECT * FROM rows WHERE id <> 'a'", 'winners-batch.parquet'),
    named: [
      ['wrongRows', `payments ${D1}`, '1 rows should be in its winners of the batch feeds and are not'],
    ],
  },
  {
    what: "a build's file lost",
    by: (vandal) => {
      const manifest = vandal.json<BuildManifest>(vandal.buildKey('flights', D1));
      vandal.remove(`build/flights/${D1}/${manifest.buildId}/${manifest.attempt}/0.parquet`);
    },
    named: [
      ['missing', new RegExp(`^build/flights/${D1}/.*/0.parquet$`)],
      ['wrongRows', `flights ${D1}`, '2 rows should be in its build and are not'],
    ],
  },
  {
    what: "a build swapped with another partition's",
    by: (vandal) =>
      vandal.store.put(
        vandal.buildKey('flights', D1),
        vandal.store.text(vandal.buildKey('flights', D2)) ?? '',
      ),
    named: [
      ['wrongBuild', new RegExp(`^build/flights/${D1}/.*/_build.json$`), `is the build flights ${D2}`],
      ['wrongRows', `flights ${D1}`],
    ],
  },
  {
    what: 'an older build served under a newer coverage',
    by: (vandal) => {
      const [older = ''] = vandal.store
        .keys(`build/flights/${D2}/`)
        .filter((key) => key.endsWith('/_build.json') && key !== vandal.buildKey('flights', D2));
      vandal.part('flights', D2, (part) => void (part.build = older.split('/')[3] ?? ''));
    },
    named: [['unaccounted', `flights ${D2}`, 'entry flights/0/2 touches it within its coverage']],
  },
  {
    what: 'a build manifest lost',
    by: (vandal) => vandal.remove(vandal.buildKey('flights', D1)),
    named: [
      ['missing', new RegExp(`^build/flights/${D1}/.*/_build.json$`), 'the view of flights names it'],
      ['unaccounted', `flights ${D1}`],
    ],
  },
  {
    what: 'a chunk of a view lost',
    by: (vandal) => vandal.remove(vandal.parts('flights')[0]?.[0] ?? ''),
    named: [['missing', /^part\/flights\//, 'view/flights/000000000002.json names it']],
  },
  {
    what: 'a chunk of an older version lost, which old stamps read',
    by: (vandal) => {
      const now = vandal.parts('flights').map(([key]) => key);
      for (const key of vandal.store.keys('part/flights/')) if (!now.includes(key)) vandal.remove(key);
    },
    named: [['missing', /^part\/flights\//, 'view/flights/000000000001.json names it']],
  },
  {
    what: 'a part removed from the newest version',
    by: (vandal) => vandal.dropParts('flights', (partition) => partition === D2),
    named: [
      [
        'unaccounted',
        `flights ${D2}`,
        'entry flights/0/1 touches it within the coverage of the newest version, which has no part for it',
      ],
      ['unaccounted', `flights ${D2}`, 'entry flights/0/2'],
      ['unaccounted', 'flights', '4 rows are in no class, or in two'],
      ['altered', 'view/flights/000000000002.json', 'but projection/flights/latest.json says'],
    ],
  },
  {
    what: 'all parts removed from the newest version',
    by: (vandal) => vandal.dropParts('payments', () => true),
    named: [
      ['unaccounted', `payments ${D1}`, 'entry books/0/1'],
      ['unaccounted', `payments ${D2}`, 'entry books/0/2'],
      ['unaccounted', 'payments', '12 rows are in no class, or in two'],
    ],
  },
  {
    what: 'the newest version removed',
    by: (vandal) => vandal.remove('view/payments/000000000005.json'),
    named: [['gap', 'view/payments/', 'ends with version 4, but outcome/payments/']],
  },
  {
    what: 'the newest version removed, which only readers knew of',
    by: (vandal) => {
      for (const key of [...vandal.store.keys('outcome/'), ...vandal.store.keys('projection/')])
        vandal.remove(key);
      vandal.stamp({ flights: 2 }, {});
      vandal.remove('view/flights/000000000002.json');
    },
    named: [['gap', 'view/flights/', 'ends with version 1, but stamp/']],
  },
  {
    what: 'the newest version removed, which only outsiders were shown',
    by: (vandal) => {
      for (const key of vandal.store.keys('outcome/')) vandal.remove(key);
      vandal.remove('view/flights/000000000002.json');
    },
    named: [
      ['gap', 'view/flights/', 'ends with version 1, but projection/flights/latest.json names version 2'],
    ],
  },
  {
    what: 'every version removed',
    by: (vandal) => {
      for (const key of vandal.store.keys('view/flights/')) vandal.remove(key);
    },
    named: [['gap', 'view/flights/', 'ends with version 0']],
  },
  {
    what: 'a coverage lost',
    by: (vandal) =>
      vandal.remove(`coverage/flights/${vandal.json<ViewVersion>(vandal.headKey('flights')).base}.json`),
    named: [
      ['missing', /^coverage\/flights\//],
      ['twice', `flights ${D1}`, 'beyond its coverage'],
    ],
  },
  {
    what: 'a gate report lost',
    by: (vandal) => vandal.remove(vandal.json<ViewVersion>(vandal.headKey('flights')).gate ?? ''),
    named: [['missing', /^gate\/flights\//, 'view/flights/000000000002.json']],
  },
  {
    what: 'a view version removed from the middle',
    by: (vandal) => vandal.remove('view/payments/000000000003.json'),
    named: [['gap', 'view/payments/000000000004.json', 'follows number 2']],
  },
  {
    what: 'a view version edited',
    by: (vandal) =>
      vandal.edit<ViewVersion>('view/payments/000000000004.json', (view) => void (view.exclude.length = 0)),
    named: [['notFollowing', 'view/payments/000000000005.json']],
  },
  {
    what: 'an exclusion taken out of the newest version',
    by: (vandal) =>
      vandal.edit<ViewVersion>('view/payments/000000000005.json', (view) => void (view.exclude.length = 0)),
    named: [['unaccounted', `payments ${D2}`, 'entry events/0/7 touches it within its coverage']],
  },
  {
    what: 'a list of late entries emptied',
    by: (vandal) => vandal.part('payments', D1, (part) => void (part.late.length = 0)),
    named: [['unaccounted', `payments ${D1}`, 'entry events/0/6 touches it within its coverage']],
  },
  {
    what: 'an entry late that its build used',
    by: (vandal) =>
      vandal.part('payments', D1, (part) => void part.late.push({ feed: 'events', lane: 0, ordinal: 2 })),
    named: [['twice', `payments ${D1}`, 'entry events/0/2 is both in its build and late']],
  },
  {
    what: 'the spec that entries name removed',
    by: (vandal) => vandal.entry('events/0', 7, (entry) => void (entry.spec = 9)),
    named: [['missing', 'spec/000000000009.json', entryKey('events/0', 7)]],
  },
];

test.each(DAMAGES)('$what is named with its place', async ({ by, named }) => {
  const findings = await damaged(lake.store, by);
  for (const one of named) expect(findings).toContainEqual(finding(one));
});
