/** A file that cannot be framed as a whole: the message says where, what was found, what would be right. */
export class Unframeable extends Error {
  override readonly name = 'Unframeable';
}

/** Finds the records of a file in one pass over its decompressed bytes. Methods throw `Unframeable`. */
export interface Framer {
  /** Names of columns, where the file has them; undefined before they are read. */
  readonly header: readonly string[] | undefined;
  /** Lines end with CRLF in what blocks hold. */
  readonly crlf: boolean;
  /** Blocks so far hold the file's own bytes, one after the other: DuckDB can read the file as it stands. */
  readonly isAsRead: boolean;
  readonly records: number;
  /** Bytes of the longest record. */
  readonly longest: number;
  push(chunk: Buffer): Block | undefined;
  /** The last record needs no terminator. */
  end(): Block | undefined;
}

/** A record at its place; `bytes` are its own, without a terminator. */
export interface FramedRecord {
  /** 1 = the first, after the header where there is one. */
  readonly record: number;
  readonly line: number;
  /** In the decompressed bytes. */
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A record that is none of this file's rows. */
export interface CutRecord extends FramedRecord {
  readonly reason:
    'TooManyColumns' | 'TooFewColumns' | 'TooLong' | 'TooShort' | 'ControlCharacter' | 'NotUtf8' | 'NotJson';
  readonly message: string;
}

/** Whole records: `bytes.subarray(from, to)`, terminators included, header left out. */
export interface Block {
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  readonly records: number;
  /** Ascending; `at` = where each begins and ends in `bytes`. */
  readonly cuts: readonly { readonly cut: CutRecord; readonly at: readonly [number, number] }[];
  readonly wanted: readonly FramedRecord[];
}

/** Of files that nobody makes rows of. */
export const NO_RECORDS: Framer = {
  header: [],
  crlf: false,
  isAsRead: true,
  records: 0,
  longest: 0,
  push: () => undefined,
  end: () => undefined,
};

export const LONGEST_RECORD = 16 * 1024 * 1024;

/** It begins with the byte order mark of UTF-8, three bytes. */
export function hasMark(buffer: Buffer): boolean {
  return buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf;
}
