import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { LocalFile } from './port.ts';

/** A file's bytes from the first to the last. */
export function bytesOf({ path, read }: LocalFile, signal: AbortSignal): AsyncIterable<Buffer> {
  return read ? read(signal) : createReadStream(path, { highWaterMark: 1024 * 1024, signal });
}

/** A file's bytes, taken from the front. Whoever opens it closes it. */
export interface FileFront {
  /** The buffer's length of bytes, or what is left of the file. */
  fill(buffer: Buffer): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openFront(file: LocalFile, signal: AbortSignal): Promise<FileFront> {
  if (file.read) return chunksFront(file.read(signal));
  return handleFront(await open(file.path));
}

function handleFront(handle: FileHandle): FileFront {
  let at = 0;
  return {
    async fill(buffer) {
      let length = 0;
      while (length < buffer.byteLength) {
        const { bytesRead } = await handle.read(buffer, length, buffer.byteLength - length, at + length);
        if (bytesRead === 0) break;
        length += bytesRead;
      }
      at += length;
      return buffer.subarray(0, length);
    },
    close: () => handle.close(),
  };
}

function chunksFront(source: AsyncIterable<Buffer>): FileFront {
  const chunks = source[Symbol.asyncIterator]();
  let rest: Buffer = Buffer.alloc(0);
  return {
    async fill(buffer) {
      let length = 0;
      while (length < buffer.byteLength) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done) break;
          rest = next.value;
        }
        const copied = rest.copy(buffer, length);
        rest = rest.subarray(copied);
        length += copied;
      }
      return buffer.subarray(0, length);
    },
    close: async () => void (await chunks.return?.()),
  };
}
