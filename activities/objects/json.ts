import { createHash } from 'node:crypto';
import { canonical } from '../../lake/canonical.ts';
import { failure } from '../failure.ts';
import type { ObjectStore } from './port.ts';

/** Hex sha256 of bytes, or of a text's UTF-8 bytes: fits `Sha256` of `lake/`. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes of an object of the lake: canonical JSON. */
export function encode(value: unknown): Uint8Array {
  return Buffer.from(canonical(value));
}

/** The object that `encode` made. Fails with `ChainBroken`, naming the key, when it is none of format 1. */
// The caller knows by the key what was stored there: this is where bytes become a type.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
export function decode<T>(key: string, bytes: Uint8Array): T {
  const value = parse(bytes);
  if (typeof value !== 'object' || value === null) {
    throw failure(
      'ChainBroken',
      `${key}: ${bytes.byteLength} bytes that are no JSON object; right would be one`,
    );
  }
  const format = 'format' in value ? value.format : undefined;
  if (format !== 1) {
    throw failure(
      'ChainBroken',
      `${key}: format ${JSON.stringify(format) ?? 'missing'}; this worker reads 1`,
    );
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return value as T;
}

/** Resolves `undefined` when no object has this key. */
export async function readObject<T>(
  store: ObjectStore,
  key: string,
  signal: AbortSignal,
): Promise<T | undefined> {
  const bytes = await store.get(key, signal);
  return bytes && decode<T>(key, bytes);
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
}
