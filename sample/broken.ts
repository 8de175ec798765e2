import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { RowShape } from './broken-shapes.ts';
import { LONG_AGO } from './vega.ts';

export { flightRows, settlementRows, type RowShape, type WrongValue } from './broken-shapes.ts';

/** A record that must be quarantined: its number (1 = first after the header), its first physical line, and why. */
export interface RejectedPlace {
  readonly record: number;
  readonly line: number;
  readonly reason: string;
  readonly column?: string;
}

/** What the lake must say of a file. Reasons are words to look for, not wire format. */
export type Verdict =
  | { readonly outcome: 'parks'; readonly reason: string; readonly line?: number }
  | { readonly outcome: 'rows'; readonly rows: number; readonly rejected: readonly RejectedPlace[] };

export interface OddFile {
  /** Within the folder. */
  readonly name: string;
  readonly path: string;
  readonly says: Verdict;
}

export interface OddFileOptions {
  readonly dir: string;
  readonly shape: RowShape;
  /** Within `dir`; gzipped where it ends with `.gz`. Each writer has a name of its own when not given. */
  readonly name?: string;
}

/** A quote that opens in record 3 and never closes. */
export function writeBrokenQuote({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const [first = '', ...others] = shape.row(3);
  const text = `${good(shape, 1, 2)}"${first},${others.join(',')}\n${rows(shape, 4, 6)}`;
  return write(to, 'broken-quote.csv', text, { outcome: 'parks', reason: 'quote', line: 4 });
}

/** Records 1 and 2 end with LF, record 3 with CR LF. */
export function writeMixedLineEndings({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const text = `${good(shape, 1, 2)}${shape.row(3).join(',')}\r\n${rows(shape, 4, 6)}`;
  return write(to, 'mixed-line-endings.csv', text, { outcome: 'parks', reason: 'line endings', line: 4 });
}

/** The last declared column is missing, from the header and from every record. */
export function writeMissingColumn({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const lines = [shape.columns, shape.row(1), shape.row(2)].map((fields) => fields.slice(0, -1).join(','));
  const reason = shape.columns.at(-1) ?? '';
  return write(to, 'missing-column.csv', `${lines.join('\n')}\n`, { outcome: 'parks', reason, line: 1 });
}

/** No bytes at all, whatever its name: without a header, nobody can say that it has no rows. */
export function writeEmpty(to: Omit<OddFileOptions, 'shape'>): Promise<OddFile> {
  return writeBytes(to, 'empty.csv', Buffer.alloc(0), { outcome: 'parks', reason: 'header' });
}

/** A gzip of 20,000 rows that ends halfway. */
export function writeTruncatedGzip({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const whole = gzipSync(good(shape, 1, 20_000));
  const half = whole.subarray(0, Math.floor(whole.length / 2));
  return writeBytes(to, 'truncated.csv.gz', half, { outcome: 'parks', reason: 'gzip' });
}

/** Record 2 has a field more than the header, record 4 one less; the four others are good. */
export function writeWrongFieldCounts({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const lines = [
    shape.row(1),
    [...shape.row(2), 'more'],
    shape.row(3),
    shape.row(4).slice(0, -1),
    shape.row(5),
    shape.row(6),
  ];
  const text = [shape.columns, ...lines].map((fields) => `${fields.join(',')}\n`).join('');
  return write(to, 'field-counts.csv', text, {
    outcome: 'rows',
    rows: 4,
    rejected: [2, 4].map((record) => ({ record, line: record + 1, reason: 'FieldCount' })),
  });
}

/** Between good records, one for each of the shape's wrong values. */
export function writeWrongTypes({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const lines = shape.wrong.flatMap(({ column, text }, no) => [
    shape.row(2 * no + 1),
    shape.row(2 * no + 2).map((value, at) => (shape.columns[at] === column ? text : value)),
  ]);
  const text = [shape.columns, ...lines].map((fields) => `${fields.join(',')}\n`).join('');
  return write(to, 'wrong-types.csv', text, {
    outcome: 'rows',
    rows: shape.wrong.length,
    rejected: shape.wrong.map(({ column, reason }, no) => ({
      record: 2 * no + 2,
      line: 2 * no + 3,
      reason,
      column,
    })),
  });
}

/** The last field of record 2 has the byte FF, which no UTF-8 text has. */
export function writeInvalidUtf8({ shape, ...to }: OddFileOptions): Promise<OddFile> {
  const before = Buffer.from(`${good(shape, 1, 1)}${shape.row(2).join(',')}`);
  const bytes = Buffer.concat([before, Buffer.of(0xff), Buffer.from(`\n${rows(shape, 3, 4)}`)]);
  return writeBytes(to, 'invalid-utf8.csv', bytes, {
    outcome: 'rows',
    rows: 3,
    rejected: [{ record: 2, line: 3, reason: 'NotUtf8' }],
  });
}

/** Good files under names that trip a reader of paths or keys: each holds one row of its own. */
export async function writeOddNames({
  dir,
  shape,
}: Omit<OddFileOptions, 'name'>): Promise<readonly OddFile[]> {
  const files: OddFile[] = [];
  for (const [no, name] of oddNames().entries()) {
    const text = good(shape, no + 101, no + 101);
    files.push(await write({ dir, name }, name, text, { outcome: 'rows', rows: 1, rejected: [] }));
  }
  return files;
}

/** In UTF-8 the last has 1,000 bytes, the most that leaves room for a prefix in an S3 key; `é` comes composed and not. */
export function oddNames(): readonly string[] {
  const folder = 'n'.repeat(199);
  return [
    'two words.csv',
    ' leading and trailing .csv',
    'line\nbreak.csv',
    'tab\tand\\backslash.csv',
    'grüße-日本-🛫.csv',
    'caf\u00e9.csv',
    'cafe\u0301.csv',
    '..two..dots.csv',
    'deep/.../a..b/dots.csv',
    'a+b%41#?&=.csv',
    `it's "quoted", {braced} [x]*.csv`,
    `${`${folder}/`.repeat(4)}${'n'.repeat(196)}.csv`,
  ];
}

function good(shape: RowShape, from: number, to: number): string {
  return `${shape.columns.join(',')}\n${rows(shape, from, to)}`;
}

function rows(shape: RowShape, from: number, to: number): string {
  return Array.from({ length: to - from + 1 }, (_, at) => `${shape.row(from + at).join(',')}\n`).join('');
}

type To = Omit<OddFileOptions, 'shape'>;

function write(to: To, ownName: string, text: string, says: Verdict): Promise<OddFile> {
  const bytes = Buffer.from(text);
  return writeBytes(to, ownName, (to.name ?? ownName).endsWith('.gz') ? gzipSync(bytes) : bytes, says);
}

async function writeBytes(to: To, ownName: string, bytes: Uint8Array, says: Verdict): Promise<OddFile> {
  const name = to.name ?? ownName;
  const path = join(to.dir, name);
  // A name may be as long as a name can be, so the file is first written beside the folder's tree.
  const part = join(to.dir, '.part');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(part, bytes);
  await utimes(part, LONG_AGO, LONG_AGO);
  await rename(part, path);
  return { name, path, says };
}
