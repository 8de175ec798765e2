import type { S3Target } from './s3-settings.ts';

/** One row as the target wants it, its end included. A value is quoted when it would otherwise be misread. */
export type EncodeRow = (fields: readonly (string | null)[]) => string;

export function csvRows({ delimiter, rowDelimiter, nullValue }: S3Target): EncodeRow {
  const isSpecial = (value: string) =>
    value.includes('"') || value.includes(delimiter) || value.includes('\n') || value.includes('\r');
  const encoded = (value: string | null) =>
    value === null ? nullValue : isSpecial(value) ? quoted(value) : value;
  // Rows wait in memory: a joined one is of one piece, while one that grows by + holds on to all its parts.
  return (fields) => fields.map(encoded).join(delimiter) + rowDelimiter;
}

/** What `csvToParquet` reads: every value is quoted, null is nothing at all, and a last field keeps a lone null a line. */
export const quotedRows: EncodeRow = (fields) =>
  [...fields.map((value) => (value === null ? '' : quoted(value))), '.\n'].join(',');

function quoted(value: string): string {
  return value.includes('"') ? `"${value.replaceAll('"', '""')}"` : `"${value}"`;
}
