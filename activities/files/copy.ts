import type { FileHandle } from 'node:fs/promises';
import type { FileFormat } from '../../lake/spec.ts';
import { emptyRecord } from './format.ts';
import type { Block } from '../refine/framing.ts';
import type { ComingFile, Group, Piece } from './group.ts';
import type { FileFolder } from './port.ts';
import { reframe, withoutCuts } from './survey.ts';

/** A rows object is made of at most so many bytes of text, a piece beyond it excepted. */
export const GROUP_BYTES = 256 * 1024 * 1024;

/** DuckDB takes these in a path for a pattern. */
export const PATTERN_CHARACTERS = /[*?[\]{}\\]/;

export interface CopyOptions {
  readonly files: FileFolder;
  readonly folder: string;
  readonly format: FileFormat;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/**
 * Copy a file's records, decompressed and without those cut out, to local files of at most `GROUP_BYTES`, cut at
 * records; each is given to `take` once it is whole. Resolves false when the file is no longer what it was.
 */
export async function copyRecords(
  { files, folder, format, signal, onProgress }: CopyOptions,
  { file, group }: { readonly file: ComingFile; readonly group: () => Group },
  take: (piece: Piece, bytes: number) => Promise<void>,
): Promise<boolean> {
  const { item, framed } = file;
  const empty = emptyRecord(format, framed.header);
  let open: { readonly path: string; readonly handle: FileHandle } | undefined;
  let bytes = 0;
  let records = 0;
  let firstRecord = 1;
  const close = async () => {
    if (!open) return;
    await open.handle.close();
    await take({ path: open.path, isSource: false, members: [{ file, firstRecord, records }] }, bytes);
    open = undefined;
    firstRecord += records;
    bytes = 0;
    records = 0;
  };
  const add = async (block: Block) => {
    open ??= await group().newFile();
    const parts = Buffer.concat(withoutCuts(block, empty));
    await open.handle.write(parts);
    bytes += parts.length;
    records += block.records;
    if (bytes >= GROUP_BYTES) await close();
  };
  const isSame = await reframe(
    files,
    { folder, item, format, signal, onProgress, stat: framed.stat, sha256: framed.sha256 },
    add,
  );
  await close();
  return isSame;
}
