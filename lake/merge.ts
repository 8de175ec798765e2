import { type Place, compareOrder } from './order.ts';
import type { MergeRule } from './spec.ts';

/** A row as merging sees it: its key, its place in the order, and whether it deletes. */
export interface MergeRow extends Place {
  readonly key: string;
  readonly op: 'I' | 'U' | 'D';
}

/**
 * One row a key: the one that the order puts first. Deletes stay, as tombstones, so that a later merge with rows they
 * beat gives the same answer. Idempotent, commutative and associative over any split of the rows.
 */
export function merge<Row extends MergeRow>(rule: MergeRule, ...parts: readonly (readonly Row[])[]): Row[] {
  const winners = new Map<string, Row>();
  for (const row of parts.flat()) {
    const best = winners.get(row.key);
    if (!best || compareOrder(rule, row, best) > 0) winners.set(row.key, row);
  }
  return [...winners.values()];
}

/** What a reader sees: winners that are no deletes. */
export function visible<Row extends MergeRow>(winners: readonly Row[]): Row[] {
  return winners.filter(({ op }) => op !== 'D');
}
