import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { ACTIONS, type DecideRequest, type Parked, checkDecision } from '../../lake/decisions.ts';

const PARKED: readonly Parked[] = [
  { item: 'a.csv', failure: 'BadFile', message: 'a broken quote', allowed: ['retry', 'skip'] },
  { item: 'b.csv', failure: 'BadFile', message: 'a broken quote', allowed: ['retry', 'skip'] },
  { item: 'c.csv', failure: 'FileRestated', message: 'new content', allowed: ['skip', 'retract'] },
];
const SIGNED = { reason: 'withdrawn', by: 'ana' } as const;

test('named items are decided, each once', () => {
  const request = { ...SIGNED, items: ['b.csv', 'a.csv', 'b.csv'], action: 'retry' } as const;
  expect(checkDecision(request, PARKED)).toEqual({ kind: 'accepted', items: ['b.csv', 'a.csv'] });
});

test('a filter takes what waits for its failure, an empty one all', () => {
  const skip = (filter: { failure?: string }) => checkDecision({ ...SIGNED, filter, action: 'skip' }, PARKED);
  expect(skip({ failure: 'FileRestated' })).toEqual({ kind: 'accepted', items: ['c.csv'] });
  expect(skip({})).toEqual({ kind: 'accepted', items: ['a.csv', 'b.csv', 'c.csv'] });
});

const SKIP_A = { ...SIGNED, items: ['a.csv'], action: 'skip' } as const;
test.each([
  [undefined, 'a decision is one JSON object'],
  ['skip', 'a decision is one JSON object'],
  [{}, `action is null: it must be one of ${ACTIONS.join(', ')}`],
  [{ ...SKIP_A, action: 'forget' }, `action is "forget": it must be one of ${ACTIONS.join(', ')}`],
  [{ ...SKIP_A, reason: ' ' }, 'reason is missing: say why, for whoever asks later'],
  [{ ...SKIP_A, by: undefined }, 'by is missing: say who decides'],
  [{ ...SIGNED, action: 'skip' }, 'give either items or filter'],
  [{ ...SKIP_A, filter: {} }, 'give either items or filter'],
  [{ ...SKIP_A, items: [] }, 'items must list at least one name'],
  [{ ...SKIP_A, items: 'a.csv' }, 'items must list at least one name'],
  [{ ...SIGNED, filter: { failure: 'PositionLost' }, action: 'skip' }, 'nothing that waits fits the filter'],
  [{ ...SKIP_A, items: ['a'] }, '"a" does not wait for a decision; waiting: a.csv, b.csv, c.csv'],
  [{ ...SKIP_A, action: 'retract' }, '"a.csv" (BadFile) allows retry, skip, not retract'],
])('%j is refused, saying what would be right', (request, reason) => {
  expect(checkDecision(request as Partial<DecideRequest> | undefined, PARKED)).toEqual({
    kind: 'refused',
    reason,
  });
});

test('one item that does not allow the action refuses the whole decision', () => {
  const request = { ...SIGNED, filter: {}, action: 'retry' } as const;
  expect(checkDecision(request, PARKED)).toEqual({
    kind: 'refused',
    reason: '"c.csv" (FileRestated) allows skip, retract, not retry',
  });
});

test('whatever somebody types is answered, and accepts only what waits and is allowed', () => {
  fc.assert(
    fc.property(fc.anything(), fc.constantFrom(...ACTIONS, 'x'), fc.anything(), (items, action, filter) => {
      const request = { ...SIGNED, items, action, filter } as unknown as DecideRequest;
      const check = checkDecision(request, PARKED);
      const isRight =
        check.kind === 'refused'
          ? check.reason.length > 0
          : check.items.every((item) =>
              PARKED.some((one) => one.item === item && one.allowed.some((allowed) => allowed === action)),
            );
      expect(isRight).toBe(true);
    }),
  );
});
