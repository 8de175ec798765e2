import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** `_hash` of bytes, as DuckDB's `(md5_number_lower(…) >> 1)::BIGINT` has it for texts: 63 bits. */
export function hash63(bytes: Uint8Array): bigint {
  return createHash('md5').update(bytes).digest().readBigUInt64LE(8) >> 1n;
}

/** Length and sha256 of a local file. */
export async function digestFile(
  path: string,
  signal: AbortSignal,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256');
  let bytes = 0;
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1024 * 1024, signal });
  for await (const chunk of chunks) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}
