import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RejectedObject, RejectedRecord } from '../../lake/entry.ts';
import { sha256 } from './chains.ts';
import type { Means } from './means.ts';

export interface NamedBytes {
  readonly bytes: number;
  readonly checksum: string;
}

/** The object as a local file, where it is there; its bytes are as `namedBy` says, or that is a finding. */
export async function fetchNamed(
  key: string,
  named: NamedBytes,
  namedBy: string,
  { store, scratch, findings, signal }: Means,
): Promise<string | undefined> {
  const path = join(scratch, `${sha256(key).slice(0, 32)}.object`);
  const got = await store.getToFile(key, path, { signal, onProgress: () => undefined });
  if (!got) {
    findings.add('missing', key, `is not in the bucket, but ${namedBy} names it`);
    return undefined;
  }
  if (got.bytes !== named.bytes || `sha256:${got.sha256}` !== named.checksum) {
    const right = `${named.bytes} bytes, ${named.checksum}`;
    findings.add('wrongBytes', key, `has ${got.bytes} bytes, sha256:${got.sha256}; ${namedBy} says ${right}`);
  }
  return path;
}

/** The object is there, with the bytes that `namedBy` says. */
export async function verifyNamed(
  key: string,
  named: NamedBytes,
  namedBy: string,
  means: Means,
): Promise<void> {
  const path = await fetchNamed(key, named, namedBy, means);
  if (path !== undefined) await rm(path, { force: true });
}

/** Every line of a quarantine object is counted again, by count, hash and reason. */
export async function verifyRejected(rejected: RejectedObject, namedBy: string, means: Means): Promise<void> {
  const { store, findings, signal } = means;
  await verifyNamed(rejected.key, rejected, namedBy, means);
  const body = await store.get(rejected.key, signal);
  if (!body) return;
  const lines = Buffer.from(body)
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  const reasons = new Map<string, number>();
  let hash = 0n;
  for (const [index, line] of lines.entries()) {
    const record = parseRecord(line);
    if (!record) {
      findings.add('altered', rejected.key, `line ${index + 1} is no record of quarantine`);
      continue;
    }
    hash += BigInt(record.hash);
    reasons.set(record.reason, (reasons.get(record.reason) ?? 0) + 1);
  }
  if (lines.length !== rejected.rows || String(hash) !== rejected.hash) {
    const said = `${rejected.rows} records, hash ${rejected.hash}`;
    findings.add(
      'wrongCount',
      rejected.key,
      `holds ${lines.length} records, hash ${hash}; ${namedBy} says ${said}`,
    );
  }
  for (const reason of new Set([...reasons.keys(), ...Object.keys(rejected.reasons)])) {
    const [is, said] = [reasons.get(reason) ?? 0, rejected.reasons[reason] ?? 0];
    if (is !== said)
      findings.add(
        'wrongCount',
        rejected.key,
        `holds ${is} records that are ${reason}; ${namedBy} says ${said}`,
      );
  }
}

function parseRecord(line: string): RejectedRecord | undefined {
  try {
    const record = JSON.parse(line) as Partial<RejectedRecord>;
    const isRecord = typeof record.reason === 'string' && /^\d+$/.test(record.hash ?? '');
    return isRecord ? (record as RejectedRecord) : undefined;
  } catch {
    return undefined;
  }
}
