import { type EncodeRow, csvRows, quotedRows } from './csv.ts';
import { type Column, type SourceColumn, landed } from './kinds.ts';
import type { ColumnRules, Header } from './mappings.ts';
import type { S3Target } from './s3-settings.ts';

/** What a row says of itself beside its values. */
export interface RowFacts {
  readonly op: 'I' | 'U' | 'D';
  /** As TimestampColumnName wants it. */
  readonly timestamp: string;
  readonly headers: Readonly<Record<Header, string>>;
}

type Values = readonly (string | null)[];

/** How the rows of a table stand in a file, as long as its columns stay the same. */
export interface Shape {
  /** Those of the file, in its order. */
  readonly columns: readonly Column[];
  /** Equal for equal columns: files hold rows of one shape. */
  readonly signature: string;
  /** One row, encoded. The values, and those before the change, are those of the source's columns, in their order. */
  encode(values: Values, facts: RowFacts, before?: Values): string;
}

export function shapeOf(
  columns: readonly SourceColumn[],
  rules: ColumnRules,
  target: S3Target,
  hasOp: boolean,
  lead: readonly string[] = [],
): Shape {
  const kept = columns.flatMap((column, at) => {
    const name = rules.target(column.name);
    return name === undefined ? [] : [{ at, column: { ...column, name } }];
  });
  const images = columns.flatMap((column, at) =>
    rules.beforeImages(column).map((name) => ({ at, column: { ...column, name } })),
  );
  const text = (name: string): Column => ({ name, kind: 'text' });
  const out = [
    ...(hasOp ? [text('Op')] : []),
    ...(target.timestampColumn === undefined ? [] : [text(target.timestampColumn)]),
    ...[...kept, ...images].map(({ column }) => column),
    ...rules.added.map(({ name }) => text(name)),
  ];
  const row: EncodeRow = target.format === 'parquet' ? quotedRows : csvRows(target);
  return {
    columns: out,
    signature: JSON.stringify(out),
    encode: (values, facts, before) => {
      const fields: (string | null)[] = hasOp ? [facts.op, ...lead] : [...lead];
      if (target.timestampColumn !== undefined) fields.push(facts.timestamp);
      for (const { at, column } of kept) {
        const value = values[at] ?? null;
        fields.push(value === null ? null : landed(column.kind, value));
      }
      for (const { at, column } of images) {
        const value = before?.[at] ?? null;
        fields.push(value === null ? null : landed(column.kind, value));
      }
      for (const { header } of rules.added) fields.push(facts.headers[header]);
      return row(fields);
    },
  };
}

/** The first line of a CSV file that names its columns. */
export function headerLine({ columns }: Shape, target: S3Target): string {
  return target.header && target.format === 'csv' ? csvRows(target)(columns.map(({ name }) => name)) : '';
}
