import { createHash } from 'node:crypto';
import type { FileFormat } from '../../lake/spec.ts';
import { failedWith } from '../failure.ts';
import { decoderFor } from '../refine/decode.ts';
import { emptyRecord, framerFor } from './format.ts';
import { type Block, type CutRecord, type Framer, Unframeable } from '../refine/framing.ts';
import type { FileFolder, FileStat } from './port.ts';

/** What one pass over a file found. `stat` is that of before and after. */
export type Survey =
  | { readonly kind: 'changed' }
  | { readonly kind: 'bad'; readonly stat: FileStat; readonly sha256: string; readonly message: string }
  | FramedFile;

export interface FramedFile {
  readonly kind: 'framed';
  readonly stat: FileStat;
  readonly sha256: string;
  readonly header: readonly string[];
  readonly crlf: boolean;
  /** DuckDB can read its decompressed bytes as they stand. */
  readonly isAsRead: boolean;
  readonly records: number;
  readonly longest: number;
  /** Bytes of its records, decompressed, terminators included. */
  readonly bodyBytes: number;
  readonly cuts: readonly CutRecord[];
  /** What `cuts` take in memory, about. */
  readonly cutBytes: number;
  /** Types of the header's columns, where the file has any. */
  readonly types?: readonly string[];
  /** A file of this host with its bytes, where it must be one for DuckDB. */
  readonly local?: string;
  /** Its records, where they are few: cut ones replaced by empty records. */
  readonly body?: Buffer;
}

/** Smaller bodies stay in memory until they stand in a file with others: opening a file costs more. */
const SMALL_BODY_BYTES = 128 * 1024;

/** Above this, a file is of another format than the one declared, and worth a look rather than quarantine. */
const MOST_CUT_BYTES = 64 * 1024 * 1024;
/** What a broken record costs in memory beside its bytes, about. */
const CUT_OVERHEAD_BYTES = 512;

export interface SurveyOptions {
  readonly folder: string;
  readonly item: string;
  readonly format: FileFormat;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/** Read a file once: checksum of its bytes as they came, and its records. Nothing is written. */
export async function surveyFile(files: FileFolder, options: SurveyOptions): Promise<Survey> {
  const { folder, item, signal } = options;
  const before = await files.stat(folder, item, signal);
  if (!before) return { kind: 'changed' };
  const survey = new Surveyor(options.format);
  const read = await readWhole(
    files,
    { ...options, stat: before },
    (block) => survey.take(block),
    survey.framer,
  );
  const after = await files.stat(folder, item, signal);
  if (!read || after?.tag !== before.tag || read.bytes !== before.bytes) return { kind: 'changed' };
  const { sha256 } = read;
  const needs = before.bytes === 0 && neededOf(options);
  if (needs) return { kind: 'bad', stat: before, sha256, message: `0 bytes: ${needs} would be right` };
  if (read.bad !== undefined) return { kind: 'bad', stat: before, sha256, message: read.bad };
  return { kind: 'framed', stat: before, sha256, ...survey.framed() };
}

/** What a file must at least have; undefined where none is too short. */
function neededOf({ item, format }: SurveyOptions): string | undefined {
  if ('csv' in format) return 'a header line';
  return item.endsWith('.gz') && !('raw' in format) ? 'a gzip file' : undefined;
}

interface Reframing extends SurveyOptions {
  readonly stat: FileStat;
  readonly sha256: string;
  /** Ascending numbers of records whose bytes the caller wants. */
  readonly wanted?: readonly number[];
}

/** Read again a file that was surveyed as `stat` and `sha256` say, block by block. Resolves false when it is no longer what it was. */
export async function reframe(
  files: FileFolder,
  { wanted = [], ...options }: Reframing,
  take: (block: Block) => Promise<void>,
): Promise<boolean> {
  const read = await readWhole(files, options, take, framerFor(options.format, wanted));
  return read?.bad === undefined && read?.sha256 === options.sha256;
}

async function readWhole(
  files: FileFolder,
  { folder, item, format, stat, signal, onProgress }: SurveyOptions & { readonly stat: FileStat },
  take: (block: Block) => void | Promise<void>,
  framer: Framer,
): Promise<{ readonly sha256: string; readonly bytes: number; readonly bad?: string } | undefined> {
  const hash = createHash('sha256');
  const decoder = decoderFor(item, format);
  let bytes = 0;
  let bad: string | undefined;
  // What cannot be framed is read to its end all the same: its checksum names it.
  const framing = async (work: () => Promise<void>) => {
    if (bad !== undefined) return;
    try {
      await work();
    } catch (error) {
      if (!(error instanceof Unframeable)) throw error;
      bad = error.message;
    }
  };
  const frame = async (parts: readonly Buffer[]) => {
    for (const part of parts) {
      const block = framer.push(part);
      if (block) await take(block);
    }
  };
  try {
    for await (const chunk of files.read(folder, item, stat, signal)) {
      hash.update(chunk);
      bytes += chunk.length;
      onProgress();
      await framing(async () => frame(await decoder.push(chunk)));
    }
  } catch (error) {
    if (failedWith(error, 'SourceChanged')) return undefined;
    throw error;
  }
  await framing(async () => {
    if (bytes > 0) await frame(await decoder.end());
    const block = framer.end();
    if (block) await take(block);
  });
  return { sha256: hash.digest('hex'), bytes, ...(bad !== undefined && { bad }) };
}

class Surveyor {
  readonly framer: Framer;
  readonly #cuts: CutRecord[] = [];
  #cutBytes = 0;
  #bodyBytes = 0;
  #body: Buffer[] | undefined = [];
  readonly #format: FileFormat;

  constructor(format: FileFormat) {
    this.#format = format;
    this.framer = framerFor(format);
  }

  take(block: Block): void {
    for (const { cut } of block.cuts) {
      this.#cuts.push(cut);
      this.#cutBytes += cut.bytes.length + CUT_OVERHEAD_BYTES;
    }
    if (this.#cutBytes > MOST_CUT_BYTES) {
      throw new Unframeable(
        `${this.#cuts.length} of its first ${this.framer.records} records are broken, the first: ${this.#cuts[0]?.message ?? ''}`,
      );
    }
    this.#bodyBytes += block.to - block.from;
    if (this.#bodyBytes > SMALL_BODY_BYTES) this.#body = undefined;
    // A copy: a small body must not keep a large chunk alive.
    this.#body?.push(Buffer.concat(withoutCuts(block, emptyRecord(this.#format, this.framer.header ?? []))));
  }

  framed(): Omit<FramedFile, 'kind' | 'stat' | 'sha256'> {
    const { header = [], crlf, isAsRead, records, longest } = this.framer;
    const body = this.#body && Buffer.concat(this.#body);
    return {
      header,
      crlf,
      isAsRead,
      records,
      longest,
      bodyBytes: this.#bodyBytes,
      cuts: this.#cuts,
      cutBytes: this.#cutBytes,
      ...(body && { body }),
    };
  }
}

/** A block's bytes, each cut record replaced. */
export function withoutCuts({ bytes, from, to, cuts }: Block, empty: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  let last = from;
  for (const { at } of cuts) {
    parts.push(bytes.subarray(last, at[0]), empty);
    last = at[1];
  }
  parts.push(bytes.subarray(last, to));
  return parts;
}
