/** A value that its column must not take, and the reason that the lake gives. */
export interface WrongValue {
  readonly column: string;
  readonly text: string;
  readonly reason: string;
}

/** The CSV shape of a feed, with rows made for it: `row(1)`, `row(2)`, … differ in their keys. */
export interface RowShape {
  readonly columns: readonly string[];
  readonly row: (no: number) => readonly string[];
  readonly wrong: readonly WrongValue[];
}

/** Rows of the settlements feed, all paid on this day (`2026-11-23`), with ids that no generated payment has. */
export function settlementRows(day: string): RowShape {
  return {
    columns: ['payment_id', 'paid_at', 'gross', 'currency', 'status', 'revision'],
    row: (no) => [`odd_${pad(no, 6)}`, `${day} ${clock(no)}+00:00`, `${no}.50`, 'EUR', 'captured', '2'],
    wrong: [
      { column: 'payment_id', text: '', reason: 'Missing' },
      { column: 'paid_at', text: `${day} 24:00:00+00:00`, reason: 'NotATimestamp' },
      { column: 'paid_at', text: 'yesterday', reason: 'NotATimestamp' },
      { column: 'paid_at', text: '1970-01-01 00:00:00+00:00', reason: 'EventTimeOutOfRange' },
      { column: 'paid_at', text: '2099-01-01 00:00:00+00:00', reason: 'EventTimeOutOfRange' },
      { column: 'gross', text: '1.005', reason: 'NotADecimal(18,2)' },
      { column: 'gross', text: '1e3', reason: 'NotADecimal(18,2)' },
      { column: 'gross', text: 'twelve', reason: 'NotADecimal(18,2)' },
      { column: 'revision', text: '1.7', reason: 'NotABigint' },
      { column: 'revision', text: '0x10', reason: 'NotABigint' },
      { column: 'revision', text: '9223372036854775808', reason: 'NotABigint' },
    ],
  };
}

/** Rows of the flights feed on this day (`2001-01-15`), from an airport that no real row has. */
export function flightRows(day: string): RowShape {
  return {
    columns: ['date', 'delay', 'distance', 'origin', 'destination'],
    row: (no) => [`${day}T${clock(no)}`, String(no - 5), String(100 + no), 'QQQ', 'JFK'],
    wrong: [
      { column: 'date', text: '2001-02-30T10:00:00', reason: 'NotATimestamp' },
      { column: 'date', text: '', reason: 'Missing' },
      { column: 'delay', text: '12.5', reason: 'NotABigint' },
      { column: 'delay', text: '1_000', reason: 'NotABigint' },
      { column: 'distance', text: 'far', reason: 'NotABigint' },
    ],
  };
}

function clock(no: number): string {
  return `${pad(Math.floor(no / 60) % 24, 2)}:${pad(no % 60, 2)}:00`;
}

function pad(part: number, width: number): string {
  return String(part).padStart(width, '0');
}
