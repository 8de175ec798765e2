import { createReadStream, type BigIntStats } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import { lstat, opendir } from 'node:fs/promises';
import path from 'node:path';
import { failure } from '../failure.ts';
import type { FileFolder, FileStat, Listing } from './port.ts';

const CHUNK_BYTES = 1024 * 1024;
const SEPARATOR = Buffer.from('/');

/** Files of this host's own file system. Names are bytes there; those that are UTF-8 can be items. */
export class LocalFolder implements FileFolder {
  readonly listsInOrder = false;

  async *list(folder: string, signal: AbortSignal): AsyncIterable<Listing> {
    const found = await statOf(folder);
    if (!found?.isDirectory())
      throw failure(
        'SourceMissing',
        `${folder}: ${found ? 'no folder' : 'nothing is there'}; right would be a folder`,
      );
    yield* this.#below(Buffer.from(folder), Buffer.alloc(0), signal);
  }

  async stat(folder: string, item: string): Promise<FileStat | undefined> {
    const found = await statOf(this.path(folder, item));
    return found?.isFile() ? fileStat(found) : undefined;
  }

  async *read(folder: string, item: string, _of: FileStat, signal: AbortSignal): AsyncIterable<Buffer> {
    const file = this.path(folder, item);
    try {
      const chunks: AsyncIterable<Buffer> = createReadStream(file, { highWaterMark: CHUNK_BYTES, signal });
      yield* chunks;
    } catch (error) {
      signal.throwIfAborted();
      throw named(error, file) ?? error;
    }
  }

  path(folder: string, item: string): string {
    return `${folder.replace(/\/$/, '')}/${item}`;
  }

  async *#below(folder: Buffer, prefix: Buffer, signal: AbortSignal): AsyncIterable<Listing> {
    for await (const name of namesIn(folder)) {
      signal.throwIfAborted();
      const full = Buffer.concat([folder, SEPARATOR, name]);
      const relative = prefix.length === 0 ? name : Buffer.concat([prefix, SEPARATOR, name]);
      const item = relative.toString('utf8');
      const found = await statOf(full);
      if (!found) continue;
      if (!isUtf8(relative))
        yield {
          kind: 'ignored',
          item: escaped(relative),
          why: 'its name is not UTF-8; right would be UTF-8',
        };
      else if (found.isDirectory()) yield* this.#below(full, relative, signal);
      else if (found.isFile()) yield { kind: 'file', item, stat: fileStat(found) };
      else if (found.isSymbolicLink())
        yield { kind: 'ignored', item, why: 'a symbolic link: links are not followed' };
      else yield { kind: 'ignored', item, why: 'neither file nor folder' };
    }
  }
}

async function* namesIn(folder: Buffer): AsyncIterable<Buffer> {
  try {
    // Node's types know no encoding of bytes here; its documentation does.
    const names = await opendir(folder, {
      encoding: 'buffer' as BufferEncoding,
      bufferSize: 256,
    });
    for await (const { name } of names) yield name as unknown as Buffer;
  } catch (error) {
    throw named(error, folder.toString('utf8')) ?? error;
  }
}

async function statOf(file: string | Buffer): Promise<BigIntStats | undefined> {
  try {
    return await lstat(file, { bigint: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw named(error, file.toString()) ?? error;
  }
}

function fileStat(stat: BigIntStats): FileStat {
  return {
    bytes: Number(stat.size),
    modifiedAt: new Date(Number(stat.mtimeNs / 1_000_000n)).toISOString(),
    tag: [stat.dev, stat.ino, stat.size, stat.mtimeNs, stat.ctimeNs].join(':'),
  };
}

function named(error: unknown, file: string): Error | undefined {
  const code = codeOf(error);
  if (code === 'EACCES' || code === 'EPERM')
    return failure('AccessDenied', `${path.normalize(file)}: ${code}`, error);
  if (code === 'ENOENT') return failure('SourceChanged', `${file} is gone`, error);
  return undefined;
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** Bytes that are not UTF-8, so that a person can find the file: `caf\xe9.csv`. */
function escaped(name: Buffer): string {
  return name
    .toString('latin1')
    .replaceAll(/[^ -~]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
