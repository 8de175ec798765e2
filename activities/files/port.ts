import type { LakeSpec } from '../../lake/spec.ts';

/**
 * What collecting needs from where a source's files are: a folder of this host by its absolute path, or a bucket's
 * objects below a prefix, `s3://bucket/prefix`.
 */
export interface FileFolder {
  /** `list` gives files in the order of their names, so that nobody must hold them all. */
  readonly listsInOrder: boolean;

  /**
   * Everything below the folder, once. Links are not followed; they, special files, names that are not UTF-8 and
   * what cannot be read as it is come as `ignored`, with the reason. Rejects with `SourceMissing` or `AccessDenied`.
   * With `after`, where files come in the order of their names, only those behind it.
   */
  list(folder: string, signal: AbortSignal, after?: string): AsyncIterable<Listing>;

  /** `undefined` when no file has this name. */
  stat(folder: string, item: string, signal: AbortSignal): Promise<FileStat | undefined>;

  /**
   * The bytes of the file that `of` is about, from the first to the last. Rejects with `SourceChanged` when it is
   * gone. One that was changed meanwhile may do so too, or give other bytes: who needs to know compares them.
   */
  read(folder: string, item: string, of: FileStat, signal: AbortSignal): AsyncIterable<Buffer>;

  /** Where this host's other readers find the file; undefined where only `read` gets at it. */
  path(folder: string, item: string): string | undefined;
}

export type Listing =
  | { readonly kind: 'file'; readonly item: string; readonly stat: FileStat }
  /** `stat`: of one that is there and cannot be read as it is. */
  | { readonly kind: 'ignored'; readonly item: string; readonly why: string; readonly stat?: FileStat };

export interface FileStat {
  readonly bytes: number;
  /** ISO, milliseconds. */
  readonly modifiedAt: string;
  /** Changes whenever the file is written to, or replaced by another. */
  readonly tag: string;
}

/** Gives the newest applied spec, and its number. Rejects with `NoSpec`. */
export interface SpecReader {
  read(signal: AbortSignal): Promise<{ readonly n: number; readonly spec: LakeSpec }>;
}
