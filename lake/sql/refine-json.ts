import { canonical } from '../canonical.ts';
import type { ColumnType, Columns } from '../spec.ts';
import { type Problem, firstProblem, foundText, notLossless, typed } from './refine-cast.ts';
import { type Mapping, eventTimeSql, mappingProblems, matchSql } from './refine-mapping.ts';
import { ident, literal } from './text.ts';

export interface JsonRefine {
  /**
   * A local file of framed records, in the order of `_row`: number of the channel, arrival in ms since the epoch,
   * position, `_hash` (empty: of the payload as it stands), payload; `\x01` between them, a line feed behind each.
   */
  readonly path: string;
  /** Channel ids by the number that frames give. */
  readonly channels: readonly string[];
  readonly columns: Columns;
  readonly mapping?: Mapping;
  readonly nowUs: number;
  /** Bytes of the longest frame. */
  readonly longest: number;
}

export interface JsonStatements {
  /** The good rows, in order: what a rows object holds. */
  readonly rows: string;
  /**
   * Makes the temporary table `problem` of the others, for a batch that has some: it reads all frames again.
   */
  readonly grade: string;
  /**
   * Up to 10,000 of `problem` after row `n`: `n`, `ch`, `pos`, `why` (an index into `problems`), `found`, `line`.
   */
  readonly problemRows: (n: number) => string;
  /**
   * `ch` and `seen_ms` of each channel with good rows: the greatest event time, capped by arrival. Read from the
   * Parquet file that was made of `rows`.
   */
  readonly seen: (rows: string) => string;
  readonly problems: readonly Problem[];
}

/**
 * The refine of framed JSON records as DuckDB statements. `_hash` is over the payload's bytes; fields that are not
 * declared go to `_extra`. DuckDB takes NaN and a last comma for JSON.
 */
export function refineJson({ path, channels, columns, mapping, nowUs, longest }: JsonRefine): JsonStatements {
  const { problems, steps, match, extra, found } = gradeJson({
    columns,
    nowUs,
    ...(mapping && { mapping }),
  });
  const frames = readFrames(path, longest);
  // All is made below the row number: no filter passes it, so that nothing is made twice.
  const graded = (made: string) => `WITH t AS (SELECT * FROM ${frames}),
  ${steps},
  m AS (SELECT ch, pos, why${made} FROM g),
  r AS (SELECT *, row_number() OVER () AS n FROM m)`;
  const values = list(Object.keys(columns), (_, index) => `v${index}`);
  const hash = `coalesce(h, ${lineHash}) AS hash`;
  const made = `${values}, ${hash}${match === undefined ? '' : `, ${match} AS match`}, ${extra} AS extra`;
  const stored = [
    ...storedColumns(columns, match !== undefined),
    `([${channels.map(literal).join(', ')}])[ch + 1] AS _channel`,
    'pos AS _position',
  ];
  const eventUs = (mapping && eventTimeSql(mapping, ident)) ?? 'NULL::BIGINT';
  return {
    rows: `${graded(made)} SELECT ${stored.join(', ')} FROM r WHERE why IS NULL`,
    grade: `CREATE OR REPLACE TEMP TABLE problem AS ${graded(`, ${found} AS found, line`)}
  SELECT n, ch, pos, why, found, line FROM r WHERE why IS NOT NULL`,
    problemRows: (n) => `SELECT * FROM problem WHERE n > ${n} ORDER BY n LIMIT 10000`,
    seen: (
      rows,
    ) => `WITH a AS (SELECT ch, arrived * 1000 AS arrived_us, row_number() OVER () AS n FROM ${frames}),
  e AS (SELECT _row, ${eventUs} AS event_us FROM read_parquet(${literal(rows)}))
  SELECT ch, (max(least(event_us, arrived_us)) // 1000)::BIGINT AS seen_ms FROM a JOIN e ON n = _row GROUP BY ch`,
    problems,
  };
}

export interface JsonGrading {
  /** CTEs from `t`, whose `line` is a record, to `g`, which has all of `t`, the values v0, v1, … and `why`. */
  readonly steps: string;
  readonly problems: readonly Problem[];
  /** The typed value of a column. */
  readonly value: (column: string) => string;
  /** `_match` over `g`; undefined where the dataset has one role. */
  readonly match: string | undefined;
  /** `_extra` of a good record of `g`. */
  readonly extra: string;
  /** What was found in a bad one. */
  readonly found: string;
}

/** What JSON records say, and what is wrong with them, as SQL. */
export function gradeJson({
  columns,
  mapping,
  nowUs,
}: Pick<JsonRefine, 'columns' | 'mapping' | 'nowUs'>): JsonGrading {
  const names = Object.entries(columns);
  const value = (column: string) => `v${names.findIndex(([name]) => name === column)}`;
  const text = (column: string) => `t${names.findIndex(([name]) => name === column)}`;
  const fields = canonical(Object.fromEntries(names.map(([name]) => [name, 'VARCHAR'])));
  const declared = canonical(Object.fromEntries(names.map(([name]) => [name, null])));
  const problems = [
    NOT_JSON,
    NOT_AN_OBJECT,
    ...names.flatMap(([name, type]) => [
      ...[notLossless(name, text(name), value(name), type) ?? []].flat(),
      ...throughDouble(name, text(name), type),
    ]),
    ...(mapping ? mappingProblems(mapping, value, text, nowUs) : []),
  ];
  const steps = `d AS (SELECT *, try_cast(line AS JSON) AS doc FROM t),
  k AS (SELECT *, CASE WHEN starts_with(doc::VARCHAR, '{') THEN 'OBJECT' ELSE json_type(doc) END AS kind FROM d),
  f AS (SELECT *, json_transform(CASE WHEN kind = 'OBJECT' THEN doc END, ${literal(fields)}) AS s FROM k),
  x AS (SELECT *${list(names, ([name], index) => `s.${ident(name)} AS t${index}`)} FROM f),
  v AS (SELECT *${list(names, ([name, type], index) => `${typed(text(name), type)} AS v${index}`)} FROM x),
  g AS (SELECT *, ${firstProblem(problems)} AS why FROM v)`;
  const declaredFound = names.map((_, index) => `(t${index} IS NOT NULL)::INTEGER`).join(' + ') || '0';
  return {
    steps,
    problems,
    value,
    match: mapping && matchSql(mapping, value),
    // As many fields as declared ones that were found: no other is there, and a patch is the dearest to make.
    extra: `CASE WHEN why IS NOT NULL OR len(json_keys(doc)) = ${declaredFound} THEN NULL
    ELSE nullif(json_merge_patch(doc, ${literal(declared)})::VARCHAR, '{}') END`,
    found: `CASE WHEN why IS NOT NULL THEN ${foundText(problems, 'why')} END`,
  };
}

/** What a rows object has of a graded record: v0, v1, …, n, hash, match, extra. */
export function storedColumns(columns: Columns, hasMatch: boolean): readonly string[] {
  return [
    ...Object.keys(columns).map((name, index) => `v${index} AS ${ident(name)}`),
    'n AS _row',
    `'I' AS _op`,
    'hash AS _hash',
    ...(hasMatch ? ['match AS _match'] : []),
    'extra AS _extra',
  ];
}

/** `_hash` of a record that is its line. */
export const lineHash = '(md5_number_lower(line) >> 1)::BIGINT';

const NOT_JSON: Problem = {
  when: 'doc IS NULL',
  reason: 'NotJson',
  found: 'line',
  right: 'one JSON object',
};

const NOT_AN_OBJECT: Problem = {
  when: `kind <> 'OBJECT'`,
  reason: 'NotAnObject',
  found: 'line',
  right: 'one JSON object',
};

/** A JSON number with a fraction passes through a double: beyond 15 digits it may not be what the record says. */
function throughDouble(column: string, text: string, type: ColumnType): Problem[] {
  if (!type.startsWith('decimal')) return [];
  const digits = literal(`"${column}"\\s*:\\s*-?([0-9][.]?){16}`);
  return [
    {
      when: `contains(${text}, '.') AND regexp_matches(line, ${digits})`,
      reason: `NotA${type.replace('d', 'D')}`,
      column,
      found: text,
      right: 'a number of at most 15 digits, or a text',
    },
  ];
}

/** `, ` and one of each. */
export function list<T>(items: readonly T[], one: (item: T, index: number) => string): string {
  return items.map((item, index) => `, ${one(item, index)}`).join('');
}

/** DuckDB's own default; a buffer must hold four lines. */
const LINE_BYTES = 2_097_152;

function readFrames(path: string, longest: number): string {
  const line = Math.max(LINE_BYTES, longest + 1024);
  const columns = `{'ch': 'INTEGER', 'arrived': 'BIGINT', 'pos': 'VARCHAR', 'h': 'BIGINT', 'line': 'VARCHAR'}`;
  const options = {
    auto_detect: 'false',
    header: 'false',
    delim: 'chr(1)',
    quote: `''`,
    escape: `''`,
    new_line: literal('\\n'),
    max_line_size: String(line),
    buffer_size: String(Math.max(16 * LINE_BYTES, 4 * line)),
    columns,
  };
  const settings = Object.entries(options).map(([name, setting]) => `${name}=${setting}`);
  return `read_csv(${literal(path)}, ${settings.join(', ')})`;
}
