import type { LakeSpec } from '../../lake/spec.ts';

/** What collecting needs from where a source's files are: a folder of this host. Paths are absolute. */
export interface FileFolder {
  /**
   * Everything below the folder, in no order. Links are not followed; they, special files and names that are not
   * UTF-8 come as `ignored`, with the reason. Rejects with `SourceMissing` or `AccessDenied`.
   */
  list(folder: string, signal: AbortSignal): AsyncIterable<Listing>;

  /** `undefined` when no file has this name. */
  stat(folder: string, item: string): Promise<FileStat | undefined>;

  /** The file's bytes from the first to the last, in order. Rejects with `SourceChanged` when it is gone. */
  read(folder: string, item: string, signal: AbortSignal): AsyncIterable<Buffer>;

  /** Where this host's other readers find the file. */
  path(folder: string, item: string): string;
}

export type Listing =
  | { readonly kind: 'file'; readonly item: string; readonly stat: FileStat }
  | { readonly kind: 'ignored'; readonly item: string; readonly why: string };

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
