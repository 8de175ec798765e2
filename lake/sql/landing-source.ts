import type { ColumnType, CsvDialect } from '../spec.ts';
import { textOf, widened } from './landing-types.ts';
import { type Problem, notLossless, typed } from './refine-cast.ts';
import { readCsv } from './refine-csv.ts';
import { type ParquetColumn, jsonOf } from './refine-parquet.ts';
import { ident, literal } from './text.ts';

/** Local files with the same columns, in the order of their rows. */
export type LandingFiles =
  | {
      readonly format: 'csv';
      readonly paths: readonly string[];
      readonly header: readonly string[];
      readonly dialect: CsvDialect;
      /** Bytes of the longest record. */
      readonly longest: number;
    }
  | {
      readonly format: 'parquet';
      readonly paths: readonly string[];
      readonly schema: readonly ParquetColumn[];
    };

/** SQL of what a file's column holds: as text, as a value, as a member of a JSON object. */
export interface LandingSource {
  readonly from: string;
  readonly name: (at: number) => string;
  readonly text: (at: number) => string;
  readonly value: (at: number, type: ColumnType) => string;
  readonly problem: (at: number, column: string, value: string, type: ColumnType) => Problem[];
  readonly json: (at: number) => string;
  readonly width: number;
}

export function landingSource(files: LandingFiles): LandingSource {
  return files.format === 'csv' ? csvSource(files) : parquetSource(files);
}

function csvSource(files: LandingFiles & { readonly format: 'csv' }): LandingSource {
  const texts = files.header.map((_, index) => `c${index}`);
  return {
    from: `SELECT * FROM ${readCsv(files, texts)}`,
    name: (at) => files.header[at] ?? '',
    text: (at) => `c${at}`,
    value: (at, type) => typed(`c${at}`, type),
    problem: (at, column, value, type) => [notLossless(column, `c${at}`, value, type) ?? []].flat(),
    json: (at) => `c${at}`,
    width: texts.length,
  };
}

function parquetSource({ paths, schema }: LandingFiles & { readonly format: 'parquet' }): LandingSource {
  const typeAt = (at: number) => schema[at]?.type ?? '';
  const text = (at: number) => textOf(`c${at}`, typeAt(at));
  const list = `[${paths.map(literal).join(', ')}], hive_partitioning=false`;
  const own = schema.map(({ name }, index) => `${ident(name)} AS c${index}`);
  return {
    from: `SELECT ${own.join(', ')} FROM read_parquet(${list})`,
    name: (at) => schema[at]?.name ?? '',
    text,
    value: (at, type) => widened(`c${at}`, typeAt(at), type) ?? typed(text(at), type),
    problem(at, column, value, type) {
      const wide = widened(`c${at}`, typeAt(at), type);
      if (wide === undefined) return [notLossless(column, text(at), value, type) ?? []].flat();
      const right = FINITE[type];
      if (right === undefined) return [];
      const when = `NOT isfinite(c${at})`;
      return [{ when, reason: right, column, found: text(at), right: 'a finite value' }];
    },
    json: (at) => jsonOf(`c${at}`, typeAt(at)),
    width: schema.length,
  };
}

const FINITE: Readonly<Record<string, string>> = {
  double: 'NotADouble',
  date: 'NotADate',
  timestamp: 'NotATimestamp',
};
