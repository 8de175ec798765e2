import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { failure } from '../failure.ts';
import { crc32Base64 } from './checksum.ts';
import { sha256Hex } from './json.ts';
import { bytesOf } from './local-bytes.ts';
import type { CreateAnswer, LocalFile, ObjectHead, ObjectStore, Watch } from './port.ts';

/** A store that gave this many answers without a decision is not well: Temporal asks again, later. */
const ROUNDS = 5;

/** Above this, looking first is cheaper than sending all parts only to hear that they are there. */
const LOOK_FIRST_BYTES = 16 * 1024 * 1024;

export type Created = { readonly kind: 'created' } | { readonly kind: 'taken'; readonly body: Uint8Array };

/**
 * A conditional create, carried through to a decision. `created`: the key holds exactly these bytes, whoever's
 * request it was that did it. `taken`: it holds others, and always will. The same request is sent again after a
 * conflict, and when a lost answer turns out to have changed nothing.
 */
export async function createOnce(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Created> {
  return settle(
    key,
    () => store.create(key, body, signal),
    async () => {
      const stored = await store.get(key, signal);
      if (!stored) return undefined;
      return Buffer.compare(stored, body) === 0 ? { kind: 'created' } : { kind: 'taken', body: stored };
    },
  );
}

/** For objects named by their content: afterwards the key holds these bytes. Other bytes are a `ChecksumMismatch`. */
export async function ensureObject(
  store: ObjectStore,
  key: string,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  const created = await createOnce(store, key, body, signal);
  if (created.kind === 'created') return;
  const [found, right] = [sha256Hex(created.body), sha256Hex(body)];
  throw failure('ChecksumMismatch', `${key} holds sha256 ${found}; right would be ${right}`);
}

/**
 * The same for a file: afterwards the key holds its bytes, by length and whole-object CRC32. Rejects with
 * `SourceChanged` when the file is not what `expect` says.
 */
export async function ensureFile(
  store: ObjectStore,
  key: string,
  file: LocalFile,
  watch: Watch,
): Promise<void> {
  const look = async () => {
    const head = await store.head(key, watch.signal);
    if (head) await checkHolds(key, head, file, watch);
    return head && 'there';
  };
  if (file.expect.bytes > LOOK_FIRST_BYTES && (await look())) return;
  await settle(key, () => store.createFromFile(key, file, watch), look);
}

async function settle<T>(
  key: string,
  create: () => Promise<CreateAnswer>,
  look: () => Promise<T | undefined>,
): Promise<T | { readonly kind: 'created' }> {
  let answer: CreateAnswer = 'conflict';
  for (let round = 0; round < ROUNDS; round += 1) {
    answer = await create();
    if (answer === 'created') return { kind: 'created' };
    if (answer === 'conflict') continue;
    const found = await look();
    if (found !== undefined) return found;
  }
  throw failure(
    'Unreachable',
    `${key}: ${ROUNDS} conditional creates and no decision; the last was "${answer}"`,
  );
}

async function checkHolds(key: string, head: ObjectHead, file: LocalFile, watch: Watch): Promise<void> {
  const { expect, path } = file;
  if (head.bytes !== expect.bytes) {
    throw failure('ChecksumMismatch', `${key} holds ${head.bytes} bytes; right would be ${expect.bytes}`);
  }
  if (head.crc32 === undefined) return;
  const local = await digest(file, watch);
  if (local.sha256 !== expect.sha256) {
    throw failure('SourceChanged', `${path} has sha256 ${local.sha256}; it had ${expect.sha256}`);
  }
  if (local.crc32 !== head.crc32) {
    throw failure('ChecksumMismatch', `${key} holds CRC32 ${head.crc32}; right would be ${local.crc32}`);
  }
}

async function digest(file: LocalFile, watch: Watch): Promise<{ sha256: string; crc32: string }> {
  const hash = createHash('sha256');
  let crc = 0;
  for await (const chunk of bytesOf(file, watch.signal)) {
    watch.signal.throwIfAborted();
    hash.update(chunk);
    crc = crc32(chunk, crc);
    watch.onProgress();
  }
  return { sha256: hash.digest('hex'), crc32: crc32Base64(crc) };
}
