import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { NamedLanding } from '../../lake/landings.ts';
import { ident, literal } from '../../lake/sql/text.ts';
import type { DuckDb } from '../duckdb.ts';
import { failedWith } from '../failure.ts';
import type { FileFolder } from '../files/port.ts';
import { CsvFramer } from '../refine/csv-framer.ts';
import { decoderFor } from '../refine/decode.ts';
import { type CutRecord, Unframeable } from '../refine/framing.ts';

/** A landing as a local file, and what was found in it. */
export interface FetchedLanding {
  readonly kind: 'fetched';
  readonly listed: NamedLanding;
  /** The bytes as they came. */
  readonly file: string;
  /** What DuckDB reads: the same, or gunzipped. */
  readonly body: string;
  readonly sha256: string;
  readonly header: readonly string[];
  /** Of Parquet: the types of the header's columns. */
  readonly types: readonly string[];
  readonly crlf: boolean;
  readonly records: number;
  readonly longest: number;
  readonly bodyBytes: number;
  /** Records that are none of this file's rows. */
  readonly cuts: readonly CutRecord[];
}

export type Fetched =
  | FetchedLanding
  /** It was written again, or removed, since it was listed. */
  | { readonly kind: 'changed' }
  /** Its bytes are there, as `file`, and nobody can read them. */
  | {
      readonly kind: 'bad';
      readonly listed: NamedLanding;
      readonly file: string;
      readonly sha256: string;
      readonly message: string;
    };

export interface FetchOptions {
  readonly landings: FileFolder;
  readonly folder: string;
  /** Of CSV. */
  readonly delimiter: string;
  readonly db: DuckDb;
  /** An existing folder of the caller's own. */
  readonly scratch: string;
  readonly signal: AbortSignal;
}

/** Above this a landing is of another format than the endpoint says, and worth a look rather than quarantine. */
const MOST_CUTS = 100_000;

/** Read a landing once, exactly the one that was listed, and count its records. */
export async function fetchLanding(options: FetchOptions, listed: NamedLanding): Promise<Fetched> {
  const isParquet = listed.name.format === 'parquet';
  const file = path.join(options.scratch, `${randomUUID()}.${isParquet ? 'parquet' : 'csv'}`);
  const read = new Reading(options, listed, file);
  try {
    if (!(await read.whole())) return { kind: 'changed' };
  } finally {
    await read.close();
  }
  const { sha256 } = read;
  if (read.bad !== undefined) return { kind: 'bad', listed, file, sha256, message: read.bad };
  if (!isParquet) return { kind: 'fetched', listed, file, sha256, types: [], ...read.framed() };
  const found = await lookAtParquet(options, file, listed);
  if ('message' in found) return { kind: 'bad', listed, file, sha256, ...found };
  const text = { crlf: false, longest: 0, cuts: [] };
  return { kind: 'fetched', listed, file, body: file, sha256, ...text, ...found, bodyBytes: listed.bytes };
}

/** One pass over the bytes of a landing: into a file, into a checksum and, of CSV, through a framer. */
class Reading {
  readonly #options: FetchOptions;
  readonly #listed: NamedLanding;
  readonly #file: string;
  readonly #framer: CsvFramer | undefined;
  readonly #hash = createHash('sha256');
  readonly #cuts: CutRecord[] = [];
  readonly #handles: FileHandle[] = [];
  #bodyBytes = 0;
  #sha256 = '';
  #bad: string | undefined;

  constructor(options: FetchOptions, listed: NamedLanding, file: string) {
    this.#options = options;
    this.#listed = listed;
    this.#file = file;
    const { delimiter } = options;
    if (listed.name.format !== 'parquet')
      this.#framer = new CsvFramer({ delimiter, quote: '"', emptyIsNull: false });
  }

  get sha256(): string {
    return this.#sha256;
  }

  /** Why nobody can read it. */
  get bad(): string | undefined {
    return this.#bad;
  }

  /** False: it is no longer what was listed. */
  async whole(): Promise<boolean> {
    const { landings, folder, signal } = this.#options;
    const { landing, bytes, modifiedAt, tag } = this.#listed;
    const raw = await this.#open(this.#file);
    const body = this.#isPacked ? await this.#open(this.#body) : undefined;
    const decoder = decoderFor(landing, PLAIN);
    let read = 0;
    try {
      for await (const chunk of landings.read(folder, landing, { bytes, modifiedAt, tag }, signal)) {
        this.#hash.update(chunk);
        read += chunk.length;
        await raw.writeFile(chunk);
        await this.#framing(async () => this.#frame(await decoder.push(chunk), body));
      }
      await this.#framing(async () => this.#end(await decoder.end(), body));
    } catch (error) {
      if (failedWith(error, 'SourceChanged')) return false;
      throw error;
    }
    this.#sha256 = this.#hash.digest('hex');
    return read === bytes;
  }

  async close(): Promise<void> {
    for (const handle of this.#handles) await handle.close();
  }

  framed() {
    const { header = [], crlf, records, longest } = this.#framer ?? EMPTY;
    return { body: this.#body, header, crlf, records, longest, bodyBytes: this.#bodyBytes, cuts: this.#cuts };
  }

  get #isPacked(): boolean {
    return this.#listed.name.format === 'csv.gz';
  }

  get #body(): string {
    return this.#isPacked ? `${this.#file}.plain` : this.#file;
  }

  async #open(file: string): Promise<FileHandle> {
    const handle = await open(file, 'wx');
    this.#handles.push(handle);
    return handle;
  }

  async #frame(parts: readonly Buffer[], body: FileHandle | undefined): Promise<void> {
    for (const part of parts) {
      await body?.writeFile(part);
      this.#bodyBytes += part.length;
      this.#take(this.#framer?.push(part)?.cuts);
    }
  }

  async #end(parts: readonly Buffer[], body: FileHandle | undefined): Promise<void> {
    await this.#frame(parts, body);
    this.#take(this.#framer?.end()?.cuts);
  }

  #take(cuts: readonly { readonly cut: CutRecord }[] = []): void {
    for (const { cut } of cuts) this.#cuts.push(cut);
    if (this.#cuts.length <= MOST_CUTS) return;
    const { records } = this.#framer ?? EMPTY;
    throw new Unframeable(
      `${this.#cuts.length} of its first ${records} records are broken, the first: ${this.#cuts[0]?.message ?? ''}`,
    );
  }

  // What cannot be framed is read to its end all the same: its checksum names it.
  async #framing(work: () => Promise<void>): Promise<void> {
    if (this.#bad !== undefined) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Unframeable)) throw error;
      this.#bad = error.message;
    }
  }
}

const EMPTY = { header: [], crlf: false, records: 0, longest: 0 };
/** Of the decoder, which only asks whether anybody looks into the file. */
const PLAIN = { csv: { header: true, delimiter: ',', quote: '"', nulls: [] } } as const;

type Looked =
  | { readonly header: readonly string[]; readonly types: readonly string[]; readonly records: number }
  | { readonly message: string };

/** By its footer alone: what is wrong with its pages shows when they are read. */
async function lookAtParquet(
  { db, signal }: FetchOptions,
  file: string,
  listed: NamedLanding,
): Promise<Looked> {
  try {
    const columns = await db.rows(`DESCRIBE SELECT * FROM ${readParquet(file)}`);
    const [counted] = await db.rows(
      `SELECT num_rows::BIGINT AS n FROM parquet_file_metadata(${literal(file)})`,
    );
    return {
      header: columns.map(({ column_name: name }) => String(name)),
      types: columns.map(({ column_type: type }) => String(type)),
      records: Number(counted?.['n']),
    };
  } catch (error) {
    return { message: unreadable(error, file, listed, signal) };
  }
}

/** Decodes every value; undefined when it is a whole Parquet file. */
export async function parquetProblem(
  { db, signal }: Pick<FetchOptions, 'db' | 'signal'>,
  { file, header, listed }: FetchedLanding,
): Promise<string | undefined> {
  if (listed.name.format !== 'parquet') return undefined;
  try {
    await db.rows(
      `SELECT bit_xor(hash(${header.map(ident).join(', ')})) AS decoded FROM ${readParquet(file)}`,
    );
    return undefined;
  } catch (error) {
    return unreadable(error, file, listed, signal);
  }
}

function readParquet(file: string): string {
  return `read_parquet(${literal(file)}, hive_partitioning=false)`;
}

/** What says nothing of the file. Of broken files DuckDB tells in a dozen other ways. */
const PASSING =
  /^(Out of Memory|INTERRUPT|FATAL|INTERNAL)|No space left|Too many open files|Cannot open file/i;

function unreadable(error: unknown, file: string, { landing }: NamedLanding, signal: AbortSignal): string {
  signal.throwIfAborted();
  if (!(error instanceof Error) || PASSING.test(error.message)) throw error;
  const [said = ''] = error.message.replaceAll(file, landing).split('\n');
  return `DuckDB says ${JSON.stringify(said.slice(0, 300))}; right would be a whole Parquet file`;
}
