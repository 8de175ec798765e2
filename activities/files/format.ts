import type { FileFormat } from '../../lake/spec.ts';
import { CsvFramer } from '../refine/csv-framer.ts';
import { type Framer, NO_RECORDS } from '../refine/framing.ts';
import { LineFramer } from './line-framer.ts';
import { JSON_LINES, fixedLines } from './line-rules.ts';

/** What finds the records of a source's files. `wanted`: ascending numbers of records whose bytes the caller wants. */
export function framerFor(format: FileFormat, wanted: readonly number[] = []): Framer {
  if ('json' in format) return new LineFramer(JSON_LINES, wanted);
  if ('fixed' in format) return new LineFramer(fixedLines(format.fixed), wanted);
  if (!('csv' in format)) return NO_RECORDS;
  const { delimiter, quote, nulls } = format.csv;
  return new CsvFramer({ delimiter, quote, emptyIsNull: nulls.includes(''), wanted });
}

/** What stands in the place of a cut record, so that the others keep their numbers. No line is empty. */
export function emptyRecord(format: FileFormat, header: readonly string[]): Buffer {
  const delimiter = 'csv' in format ? format.csv.delimiter : '';
  return Buffer.from(`x${delimiter.repeat(Math.max(0, header.length - 1))}`);
}
