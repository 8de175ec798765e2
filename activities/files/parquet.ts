import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { ident, literal } from '../../lake/sql/text.ts';
import type { DuckDb } from '../duckdb.ts';
import { failedWith } from '../failure.ts';
import { busy } from '../refine/busy.ts';
import { PATTERN_CHARACTERS } from './copy.ts';
import type { FileFolder, FileStat } from './port.ts';
import type { Survey } from './survey.ts';

export interface ParquetOptions {
  readonly db: DuckDb;
  readonly folder: string;
  readonly item: string;
  /** A file that is not there yet, for a copy where DuckDB cannot read the source's own. */
  readonly copy: string;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/**
 * Read a Parquet file once whole: checksum of its bytes, its columns and how many records it has. Every value is
 * decoded, so that what DuckDB cannot read parks before anything is made of it.
 */
export async function surveyParquet(files: FileFolder, options: ParquetOptions): Promise<Survey> {
  const { folder, item, copy, signal } = options;
  const before = await files.stat(folder, item, signal);
  if (!before) return { kind: 'changed' };
  const own = files.path(folder, item);
  const local = own === undefined || PATTERN_CHARACTERS.test(own) ? copy : own;
  const read = await readWhole(files, options, before, local === copy);
  if (!read) return { kind: 'changed' };
  const found = await look(options, local);
  const after = await files.stat(folder, item, signal);
  if (after?.tag !== before.tag || read.bytes !== before.bytes) return { kind: 'changed' };
  const { sha256 } = read;
  if ('message' in found) return { kind: 'bad', stat: before, sha256, message: found.message };
  const text = { crlf: false, isAsRead: true, longest: 0, cuts: [], cutBytes: 0 };
  return { kind: 'framed', stat: before, sha256, ...text, ...found, bodyBytes: before.bytes, local };
}

async function readWhole(
  files: FileFolder,
  { folder, item, copy, signal, onProgress }: ParquetOptions,
  stat: FileStat,
  keeps: boolean,
): Promise<{ readonly sha256: string; readonly bytes: number } | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  const handle = keeps ? await open(copy, 'wx') : undefined;
  try {
    for await (const chunk of files.read(folder, item, stat, signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      await handle?.writeFile(chunk);
      onProgress();
    }
  } catch (error) {
    if (failedWith(error, 'SourceChanged')) return undefined;
    throw error;
  } finally {
    await handle?.close();
  }
  return { sha256: hash.digest('hex'), bytes };
}

type Looked =
  | { readonly header: readonly string[]; readonly types: readonly string[]; readonly records: number }
  | { readonly message: string };

async function look(options: ParquetOptions, local: string): Promise<Looked> {
  const { db } = options;
  const file = `read_parquet(${literal(local)}, hive_partitioning=false)`;
  try {
    const columns = await db.rows(`DESCRIBE SELECT * FROM ${file}`);
    const header = columns.map(({ column_name: name }) => String(name));
    const types = columns.map(({ column_type: type }) => String(type));
    const values = header.map(ident).join(', ');
    const [counted] = await busy(options, () =>
      db.rows(`SELECT count(*) AS records, bit_xor(hash(${values})) AS decoded FROM ${file}`),
    );
    return { header, types, records: Number(counted?.['records']) };
  } catch (error) {
    options.signal.throwIfAborted();
    if (!(error instanceof Error) || PASSING.test(error.message)) throw error;
    const [said = ''] = error.message.replaceAll(local, options.item).split('\n');
    return {
      message: `DuckDB says ${JSON.stringify(said.slice(0, 300))}; right would be a whole Parquet file`,
    };
  }
}

/** What says nothing of the file. Of broken files DuckDB tells in a dozen other ways. */
const PASSING =
  /^(Out of Memory|INTERRUPT|FATAL|INTERNAL)|No space left|Too many open files|Cannot open file/i;
