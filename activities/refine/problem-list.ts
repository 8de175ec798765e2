import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { RejectedRecord } from '../../lake/entry.ts';
import type { Problem } from '../../lake/sql/refine-cast.ts';

/** A line of what the problem rows of a refine are written as, in the order of `n`. */
export interface ListedProblem {
  readonly n: number;
  readonly why: number;
  readonly found: string | null;
  /** The record itself, where files have no bytes for each. */
  readonly record?: string | null;
}

export type RecordPlace = Pick<RejectedRecord, 'line' | 'offset'> & { readonly record: number };

/** Records are fetched for so many problems at once; each time, their file is read again. */
const PROBLEMS_AT_ONCE = 100_000;

/** The problems of a list, of one member at a time. `endOf`: the first `n` that is not its own any more. */
export async function* problemsByMember<Member>(
  list: string,
  members: readonly Member[],
  endOf: (member: Member) => number,
): AsyncGenerator<{ readonly member: Member; readonly some: readonly ListedProblem[] }> {
  let at = 0;
  let some: ListedProblem[] = [];
  for await (const line of createInterface({ input: createReadStream(list), crlfDelay: Infinity })) {
    const problem = JSON.parse(line) as ListedProblem;
    const isWithin = (member: Member | undefined) => member !== undefined && problem.n < endOf(member);
    const member = members[at];
    if (!isWithin(member) || some.length === PROBLEMS_AT_ONCE) {
      if (member !== undefined && some.length > 0) yield { member, some };
      some = [];
    }
    while (at < members.length && !isWithin(members[at])) at += 1;
    some.push(problem);
  }
  const last = members[at];
  if (last !== undefined && some.length > 0) yield { member: last, some };
}

/** What quarantine says of the record; undefined where the list names no problem. */
export function saidOf(
  { why, found }: ListedProblem,
  problems: readonly Problem[],
  place: RecordPlace,
): Pick<RejectedRecord, 'record' | 'line' | 'offset' | 'reason' | 'column' | 'message'> | undefined {
  const problem = problems[why];
  if (!problem) return undefined;
  const { reason, column, right } = problem;
  const where = place.line === undefined ? `record ${place.record}` : `line ${place.line}`;
  const has = found === null ? 'nothing' : JSON.stringify(found);
  const message = `${where}: ${column ?? 'the record'} has ${has}; right would be ${right}`;
  return { ...place, reason, ...(column !== undefined && { column }), message };
}
