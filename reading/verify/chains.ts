import { createHash } from 'node:crypto';
import type { ObjectStore } from '../../activities/objects/port.ts';
import { canonical } from '../../lake/canonical.ts';
import { ordinalOf } from '../../lake/keys.ts';
import type { Findings } from './report.ts';

/** A stored JSON object as it was found. */
export interface Found<T> {
  readonly key: string;
  readonly value: T;
}

/** How many objects of a chain are read at once. */
const WIDTH = 16;

/**
 * Every object of the numbered chain under `prefix`, oldest first. It reads for itself, sharing nothing with what wrote
 * the chain: numbers without gaps, each `prev` the hash of the stored bytes before, each body canonical.
 */
export async function readChain<T extends { readonly prev: string | null }>(
  store: ObjectStore,
  prefix: string,
  findings: Findings,
  signal: AbortSignal,
): Promise<readonly Found<T>[]> {
  const listed: string[] = [];
  for await (const { key } of store.list(prefix, { signal })) {
    if (ordinalOf(key) !== undefined) listed.push(key);
  }
  const found: Found<T>[] = [];
  let before: { readonly number: number; readonly sha256: string | null } = { number: 0, sha256: null };
  for (let from = 0; from < listed.length; from += WIDTH) {
    const some = listed.slice(from, from + WIDTH);
    const bodies = await Promise.all(some.map((key) => store.get(key, signal)));
    for (const [index, key] of some.entries()) {
      const body = bodies[index];
      const number = ordinalOf(key) ?? 0;
      const missing = number - before.number - 1;
      if (missing > 0)
        findings.add(
          'gap',
          key,
          `follows number ${before.number}: ${missing} objects of the chain are missing`,
        );
      const value = body && parse<T>(body, key, findings);
      if (value) {
        if (missing === 0 && value.prev !== before.sha256)
          findings.add(
            'notFollowing',
            key,
            `prev is ${value.prev}, but the object before it hashes to ${before.sha256}: one of the two was altered`,
          );
        found.push({ key, value });
      }
      before = { number, sha256: body ? sha256(body) : null };
    }
  }
  return found;
}

/** A content-addressed or singly named JSON object; `undefined`, with a finding, when it is not there or not whole. */
export async function readJson<T>(
  store: ObjectStore,
  key: string,
  expected: { readonly sha256?: string; readonly namedBy: string },
  findings: Findings,
  signal: AbortSignal,
): Promise<T | undefined> {
  const body = await store.get(key, signal);
  if (!body) {
    findings.add('missing', key, `is not in the bucket, but ${expected.namedBy} names it`);
    return undefined;
  }
  const hash = sha256(body);
  if (expected.sha256 !== undefined && hash !== expected.sha256)
    findings.add('wrongBytes', key, `hashes to ${hash}, but ${expected.namedBy} says ${expected.sha256}`);
  return parse<T>(body, key, findings);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

// What an object of this key holds is the format's promise; every use of it is checked against other objects.
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters
function parse<T>(body: Uint8Array, key: string, findings: Findings): T | undefined {
  const text = Buffer.from(body).toString('utf8');
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Error(text);
    if (canonical(value) !== text)
      findings.add('altered', key, 'is not canonical JSON, as Tributary writes it: it was edited');
    return value as T;
  } catch {
    findings.add('altered', key, `holds ${body.byteLength} bytes that are no JSON object`);
    return undefined;
  }
}
