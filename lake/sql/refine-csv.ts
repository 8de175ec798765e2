import type { Columns, CsvDialect } from '../spec.ts';
import { type Problem, firstProblem, foundText, notLossless, typed } from './refine-cast.ts';
import { type Mapping, mappingProblems, matchSql } from './refine-mapping.ts';
import { framedHash, ident, literal } from './text.ts';

export interface CsvRefine {
  /** Local files with this one header, in the order of `_row`. */
  readonly paths: readonly string[];
  /** The header's names, in its order; every declared column is among them. */
  readonly header: readonly string[];
  readonly dialect: CsvDialect;
  readonly columns: Columns;
  readonly mapping?: Mapping;
  readonly nowUs: number;
  /** Bytes of the longest record. */
  readonly longest: number;
  /** A table with the `_row`s, as `n`, that framing cut out; their places are taken by empty records. */
  readonly cut?: string;
}

/** The refine of local files, as DuckDB statements. */
export interface RefineStatements {
  /** The good rows, in order: what a rows object holds. */
  readonly rows: string;
  /** `n` (the `_row`), `why` (an index into `problems`), `found`: every other row but those cut. */
  readonly problemRows: string;
  readonly problems: readonly Problem[];
}

/**
 * The refine of CSV files as DuckDB statements. Columns bind by position, so texts are called c0, c1, …, whatever
 * the header says; `_hash` frames all of them as text, before typing.
 */
export function refineCsv(refine: CsvRefine): RefineStatements {
  const { header, columns, mapping, cut } = refine;
  const names = Object.entries(columns);
  const texts = header.map((_, index) => `c${index}`);
  const text = (column: string) => `c${header.indexOf(column)}`;
  const value = (column: string) => `v${names.findIndex(([name]) => name === column)}`;
  const problems = [
    ...names.flatMap(([name, type]) => notLossless(name, text(name), value(name), type) ?? []),
    ...(mapping ? mappingProblems(mapping, value, text, refine.nowUs) : []),
  ];
  const match = mapping && matchSql(mapping, value);
  const extra = header.flatMap((name, index) => (name in columns ? [] : [`${literal(name)}, c${index}`]));
  const kept = cut === undefined ? [] : [`n NOT IN (SELECT n FROM ${cut})`];
  // Values are made below the row number: no filter passes it, so that none is made twice.
  const values = names.map(([name, type], index) => `${typed(text(name), type)} AS v${index}`);
  const numbered = `WITH t AS (SELECT *, ${[...values, `${framedHash(texts)} AS _hash`].join(', ')} FROM ${readCsv(refine, texts)}),
  v AS (SELECT *, row_number() OVER () AS n FROM t)`;
  const stored = [
    ...names.map(([name]) => `${value(name)} AS ${ident(name)}`),
    'n AS _row',
    `'I' AS _op`,
    '_hash',
    ...(match === undefined ? [] : [`${match} AS _match`]),
    `${extra.length === 0 ? 'NULL' : `json_object(${extra.join(', ')})`}::VARCHAR AS _extra`,
  ];
  const good = [...problems.map(({ when }) => `(${when}) IS NOT TRUE`), ...kept].join(' AND ');
  const graded = `${numbered}, g AS (SELECT *, ${firstProblem(problems)} AS why FROM v)`;
  const bad = ['why IS NOT NULL', ...kept].join(' AND ');
  return {
    rows: `${numbered} SELECT ${stored.join(', ')} FROM v WHERE ${good || 'true'}`,
    problemRows: `${graded} SELECT n, why, ${foundText(problems, 'why')} AS found FROM g WHERE ${bad} ORDER BY n`,
    problems,
  };
}

/** DuckDB's own default; a buffer must hold four lines. */
const LINE_BYTES = 2_097_152;

/** Local CSV files, each with a header, as columns of text under these names. */
export function readCsv(
  { paths, dialect, longest }: Pick<CsvRefine, 'paths' | 'dialect' | 'longest'>,
  texts: readonly string[],
): string {
  const line = Math.max(LINE_BYTES, longest + 1024);
  // The list may not be empty: a text that no file has stands for "nothing is null".
  const nulls = dialect.nulls.length > 0 ? dialect.nulls : ['\u0001no text is null\u0001'];
  const options = {
    auto_detect: 'false',
    header: 'true',
    delim: literal(dialect.delimiter),
    quote: literal(dialect.quote),
    escape: literal(dialect.quote),
    nullstr: `[${nulls.map(literal).join(', ')}]`,
    allow_quoted_nulls: 'false',
    compression: literal('none'),
    max_line_size: String(line),
    buffer_size: String(Math.max(16 * LINE_BYTES, 4 * line)),
    columns: `{${texts.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ')}}`,
  };
  const list = Object.entries(options).map(([name, setting]) => `${name}=${setting}`);
  return `read_csv([${paths.map(literal).join(', ')}], ${list.join(', ')})`;
}
