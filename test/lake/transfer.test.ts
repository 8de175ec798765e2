import { expect, test } from 'vitest';
import type { KnownItem } from '../../lake/chain.ts';
import {
  type OfferedVersion,
  type VersionRules,
  classifyListed,
  parkedItem,
  planVersion,
  waitingVersion,
} from '../../lake/transfer.ts';

const offered: OfferedVersion = {
  item: 'a.csv',
  bytes: 10,
  modifiedAt: '2026-11-22T10:00:00.000Z',
  checksum: 'sha256:new',
  version: 'new',
};
const rules: VersionRules = { merge: 'append', restated: 'park', again: false };

function known(state: KnownItem['state'], version: string, more: Partial<KnownItem> = {}): KnownItem {
  return {
    no: 1,
    item: 'a.csv',
    version,
    checksum: `sha256:${version}`,
    bytes: 9,
    modifiedAt: '2026-11-21T10:00:00.000Z',
    state,
    ordinal: 4,
    ...more,
  };
}

const quiet = { nowMs: 1_795_345_200_000, quietMs: 60_000 };

test.each([
  ['new', undefined, '2026-11-22T10:59:00.000Z'],
  ['unquiet', undefined, '2026-11-22T10:59:00.001Z'],
  ['unquiet', undefined, '2027-01-01T00:00:00.000Z'],
  [
    'known',
    [known('collected', 'new', { bytes: 10, modifiedAt: '2026-11-22T10:59:59.000Z' })],
    '2026-11-22T10:59:59.000Z',
  ],
  [
    'waiting',
    [known('parked', 'new', { bytes: 10, modifiedAt: '2026-11-22T10:00:00.000Z' })],
    '2026-11-22T10:00:00.000Z',
  ],
  ['new', [known('collected', 'old')], '2026-11-22T10:00:00.000Z'],
  [
    'new',
    [known('collected', 'old', { modifiedAt: '2026-11-22T10:00:00.000Z' })],
    '2026-11-22T10:00:00.000Z',
  ],
])('a listed file is %s', (listed, versions, modifiedAt) => {
  expect(classifyListed({ ...offered, modifiedAt }, versions, quiet)).toBe(listed);
});

test('only the last version of an item waits, and only if it is parked', () => {
  const parked = known('parked', 'a');
  expect(waitingVersion([known('collected', 'b'), parked])).toBe(parked);
  expect(waitingVersion([parked, known('collected', 'b')])).toBeUndefined();
  expect(waitingVersion(undefined)).toBeUndefined();
});

test('a name that was never collected is collected', () => {
  expect(planVersion(offered, undefined, rules)).toEqual({ kind: 'collect', retracts: [] });
  expect(planVersion(offered, [known('parked', 'bad')], rules)).toEqual({ kind: 'collect', retracts: [] });
  expect(planVersion(offered, [known('collected', 'old', { retractedBy: 5 })], rules)).toEqual({
    kind: 'collect',
    retracts: [],
  });
});

test.each(['collected', 'skipped'] as const)(
  'a version that was %s brings nothing, whatever its time',
  (state) => {
    const versions = [known(state, 'new'), known('collected', 'later')];
    expect(planVersion(offered, versions, { ...rules, again: true })).toEqual({ kind: 'nothing' });
  },
);

test('a parked version waits until a person asks for another look', () => {
  const waits = known('parked', 'new');
  expect(planVersion(offered, [waits], rules)).toEqual({ kind: 'nothing', waits });
  expect(planVersion(offered, [waits], { ...rules, again: true })).toEqual({ kind: 'collect', retracts: [] });
});

test('a version older than one that was settled is skipped; of two with one time the id decides', () => {
  const later = known('collected', 'old', { modifiedAt: '2026-11-22T10:00:00.001Z' });
  const reason = 'older: entry 4 has a version of 2026-11-22T10:00:00.001Z';
  expect(planVersion(offered, [later], { ...rules, merge: 'latest' })).toEqual({ kind: 'skip', reason });
  const equal = (version: string) => known('collected', version, { modifiedAt: offered.modifiedAt });
  expect(planVersion(offered, [equal('zzz')], { ...rules, merge: 'latest' }).kind).toBe('skip');
  expect(planVersion(offered, [equal('aaa')], { ...rules, merge: 'latest' }).kind).toBe('collect');
});

test('a restated name competes under latest, and does what is declared under append', () => {
  const live = known('collected', 'old');
  expect(planVersion(offered, [live], { ...rules, merge: 'latest' })).toEqual({
    kind: 'collect',
    retracts: [],
  });
  expect(planVersion(offered, [live], { ...rules, restated: 'retract' })).toEqual({
    kind: 'collect',
    retracts: [live],
  });
  expect(planVersion(offered, [live], { ...rules, restated: 'skip' }).kind).toBe('skip');
  expect(planVersion(offered, [live], rules)).toEqual({
    kind: 'park',
    failure: 'FileRestated',
    message:
      'entry 4 collected 9 bytes with sha256:old of 2026-11-21T10:00:00.000Z; now it has 10 bytes with sha256:new of 2026-11-22T10:00:00.000Z',
  });
});

test('what is parked is shown with its failure and what may be decided', () => {
  expect(parkedItem({ item: 'a.csv', reason: 'BadFile: line 3: broken' })).toEqual({
    item: 'a.csv',
    failure: 'BadFile',
    message: 'line 3: broken',
    allowed: ['retry', 'skip'],
  });
  expect(parkedItem({ item: 'a.csv', reason: 'FileRestated: x\ny' })).toEqual({
    item: 'a.csv',
    failure: 'FileRestated',
    message: 'x\ny',
    allowed: ['skip', 'retract'],
  });
});
