import { expect } from 'vitest';
import { readLake } from '../../config/lake.ts';

/** A lake with nothing wrong in it. */
export const GOOD = `lake: { name: travel, bucket: travel-lake }
sources:
  flights:
    kind: files
    from: 'file:./flights'
    format: { csv: {} }
    window: { fromName: 'flights-{day}' }
  events: { kind: kinesis, stream: events, format: { json: {} } }
datasets:
  flights:
    merge: append
    key: [at, origin]
    partition: { day: at, from: '2026-11-20' }
    columns: { at: timestamp, delay: bigint, origin: string }
    feeds: { flights: { role: batch } }
  payments:
    merge: latest
    key: [id]
    version: revision
    partition: { day: paid_at, fixed: true }
    columns: { id: string, paid_at: timestamp, amount: 'decimal(18,2)', revision: bigint }
    feeds: { events: { role: speed } }
`;

export function read(text: string | Uint8Array, variables: Readonly<Record<string, string>> = {}) {
  return readLake({ text, file: '/lakes/my lake/lake.yaml', variables });
}

/** `line:column: message` of every problem. */
export function problemsOf(
  text: string | Uint8Array,
  variables?: Readonly<Record<string, string>>,
): string[] {
  const reading = read(text, variables);
  return reading.kind === 'lake'
    ? []
    : reading.problems.map(({ line, column, message }) => `${line}:${column}: ${message}`);
}

/** The same, once `from` is replaced in the good file. */
export function problems(from: string, to: string): string[] {
  expect(GOOD).toContain(from);
  return problemsOf(GOOD.replace(from, () => to));
}
