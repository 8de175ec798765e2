import type { ColumnType } from '../spec.ts';
import { duckType, literal } from './text.ts';

/** What is wrong with a record, as quarantine tells it. `found` is a SQL text expression, or null. */
export interface Problem {
  /** A SQL condition, true for records that have it. */
  readonly when: string;
  readonly reason: string;
  readonly column?: string;
  readonly found: string;
  /** What would be right, in words. */
  readonly right: string;
}

/** A text expression as a value of this type; null where it is none. Trust it only beside `notLossless`. */
export function typed(text: string, type: ColumnType): string {
  if (type === 'string') return text;
  // To a whole number of 128 bits and on: DuckDB's own cast of a text to a wide decimal takes 50 microseconds.
  if (isWideAndWhole(type)) return `try_cast(try_cast(${text} AS HUGEINT) AS ${duckType(type)})`;
  if (type !== 'timestamp') return `try_cast(${text} AS ${duckType(type)})`;
  // Without an offset it is UTC, which TIMESTAMP reads at a third of the cost. TIMESTAMP ignores offsets.
  return `CASE WHEN regexp_full_match(${text}, ${literal(`${DATE}([T ]${TIME}Z?)?`)})
    THEN make_timestamptz(epoch_us(try_cast(${text} AS TIMESTAMP)))
    WHEN regexp_full_match(${text}, ${literal(`${DATE}[T ]${TIME}[+-][0-9]{2}(:?[0-9]{2})?`)})
    THEN try_cast(${text} AS TIMESTAMPTZ) END`;
}

function isWideAndWhole(type: ColumnType): boolean {
  const [, precision = 0, scale = 0] = /^decimal\((\d+),(\d+)\)$/.exec(type)?.map(Number) ?? [];
  return precision > 18 && scale === 0;
}

const DATE = '[0-9]{4}-[0-9]{2}-[0-9]{2}';
const TIME = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9]([.][0-9]{1,6})?)?';
const FORMS = {
  boolean: { form: '(?i:true|false|t|f)|[01]', reason: 'NotABoolean', right: 'true or false' },
  integer: { form: '[+-]?[0-9]+', reason: 'NotAnInteger', right: 'a whole number of 32 bits' },
  bigint: { form: '[+-]?[0-9]+', reason: 'NotABigint', right: 'a whole number of 64 bits' },
  double: {
    form: '[+-]?([0-9]+([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?',
    reason: 'NotADouble',
    right: 'a finite number',
  },
  date: { form: DATE, reason: 'NotADate', right: 'a date such as 2026-11-21' },
  timestamp: {
    // `typed` makes no value of any other form.
    form: undefined,
    reason: 'NotATimestamp',
    right: 'an instant such as 2026-11-21T07:00:00Z, to the microsecond',
  },
} as const;

/** A condition on two nullable values that is true where the text is there and the value does not say the same. */
export function notLossless(
  column: string,
  text: string,
  value: string,
  type: ColumnType,
): Problem | undefined {
  if (type === 'string') return undefined;
  const { form, reason, right } = lexicalForm(type);
  // Most whole numbers are written as DuckDB writes them: seeing that is cheaper than the pattern.
  const isWhole = type === 'integer' || type === 'bigint';
  const bad = [`${value} IS NULL`];
  if (form !== undefined) {
    const unlike = `NOT regexp_full_match(${text}, ${literal(form)})`;
    bad.push(isWhole ? `(${value}::VARCHAR <> ${text} AND ${unlike})` : unlike);
  }
  if (type === 'double') bad.push(`NOT isfinite(${value})`);
  return { when: `${text} IS NOT NULL AND (${bad.join(' OR ')})`, reason, column, found: text, right };
}

interface LexicalForm {
  readonly form: string | undefined;
  readonly reason: string;
  readonly right: string;
}

function lexicalForm(type: Exclude<ColumnType, 'string'>): LexicalForm {
  if (type in FORMS) return FORMS[type as keyof typeof FORMS];
  const [precision = 18, scale = 0] = (/\d+,\d+/.exec(type)?.[0] ?? '').split(',').map(Number);
  const whole = precision - scale;
  // try_cast rounds what has more places, so only zeros may follow.
  const form = `[+-]?0*[0-9]{${whole === 0 ? 0 : 1},${Math.max(whole, 1)}}([.][0-9]{0,${scale}}0*)?`;
  return {
    form,
    reason: `NotADecimal(${precision},${scale})`,
    right: `a decimal with at most ${whole} digits before the point and ${scale} after it`,
  };
}

/** One SQL expression: the index of the first problem a record has, or null. */
export function firstProblem(problems: readonly Problem[]): string {
  if (problems.length === 0) return 'NULL::INTEGER';
  return `CASE ${problems.map(({ when }, index) => `WHEN ${when} THEN ${index}`).join(' ')} END`;
}

/** What was found where the problem is, cut to 100 characters. `why` names the column that `firstProblem` gave. */
export function foundText(problems: readonly Problem[], why: string): string {
  if (problems.length === 0) return 'NULL::VARCHAR';
  const cases = problems.map(({ found }, index) => `WHEN ${index} THEN left(${found}, 100)`);
  return `CASE ${why} ${cases.join(' ')} END`;
}
