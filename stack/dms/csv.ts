import type { S3Target } from './s3-settings.ts';

/** One row as the target wants it, its end included. A value is quoted when it would otherwise be misread. */
export type EncodeRow = (fields: readonly (string | null)[]) => string;

export function csvRows({ delimiter, rowDelimiter, nullValue }: S3Target): EncodeRow {
  const isSpecial = (value: string) =>
    value.includes('"') || value.includes(delimiter) || value.includes('\n') || value.includes('\r');
  return (fields) => {
    let line = '';
    for (const [at, value] of fields.entries()) {
      if (at > 0) line += delimiter;
      if (value === null) line += nullValue;
      else line += isSpecial(value) ? `"${value.replaceAll('"', '""')}"` : value;
    }
    return line + rowDelimiter;
  };
}

/** What `csvToParquet` reads: every value is quoted, null is nothing at all, and a last field keeps a lone null a line. */
export const quotedRows: EncodeRow = (fields) => {
  let line = '';
  for (const value of fields) {
    if (value !== null) line += value.includes('"') ? `"${value.replaceAll('"', '""')}"` : `"${value}"`;
    line += ',';
  }
  return `${line}.\n`;
};
