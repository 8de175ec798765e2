import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { buffer } from 'node:stream/consumers';
import { crc32 } from 'node:zlib';
import { failure } from '../../activities/failure.ts';
import type {
  CreateAnswer,
  ListOptions,
  ListedObject,
  LocalFile,
  ObjectHead,
  ObjectStore,
  Watch,
} from '../../activities/objects/port.ts';
import { Gate } from '../support/gate.ts';

/**
 * What goes wrong with a create: `lost`: it never arrives; `answer lost`: it happens and nobody hears of it;
 * `late`: nobody hears of it and it arrives when `deliverLate` says; `conflict`: refused.
 */
export type CreateFault = 'lost' | 'answer lost' | 'late' | 'conflict';

/** A whole object store in a Map. It passes the same contract suite as the one on S3. */
export class MemoryObjectStore implements ObjectStore {
  readonly #objects = new Map<string, Uint8Array>();
  readonly #turn: () => Promise<unknown>;
  readonly #late: Array<() => void> = [];
  readonly #faults: Array<CreateFault | undefined> = [];
  #gate: Gate | undefined;

  /** `turn` is awaited before every request: a test that schedules it decides all races. */
  constructor(turn: () => Promise<unknown> = async () => undefined) {
    this.#turn = turn;
  }

  /** The next creates meet these, in this order; `undefined` = no fault. */
  faultCreates(...faults: ReadonlyArray<CreateFault | undefined>): void {
    this.#faults.push(...faults);
  }

  /** From now on creates wait at the returned gate. */
  holdCreates(): Gate {
    this.#gate = new Gate();
    return this.#gate;
  }

  /** The requests of `late` arrive, in their order. */
  deliverLate(): void {
    for (const arrive of this.#late.splice(0)) arrive();
  }

  /** Write as someone outside the lake would. */
  put(key: string, body: Uint8Array | string): void {
    this.#objects.set(key, Buffer.from(body));
  }

  delete(key: string): void {
    this.#objects.delete(key);
  }

  /** All keys under a prefix, sorted. */
  keys(prefix = ''): string[] {
    return [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).toSorted(byBytes);
  }

  /** What a key holds, as text. */
  text(key: string): string | undefined {
    const found = this.#objects.get(key);
    return found && Buffer.from(found).toString('utf8');
  }

  async create(key: string, body: Uint8Array, signal: AbortSignal): Promise<CreateAnswer> {
    const fault = this.#faults.shift();
    await this.#gate?.pass();
    await this.#arrive(signal);
    const own = Buffer.from(body);
    const land = () => {
      const isFree = !this.#objects.has(key);
      if (isFree) this.#objects.set(key, own);
      return isFree ? 'created' : 'exists';
    };
    if (fault === undefined) return land();
    if (fault === 'conflict') return 'conflict';
    if (fault === 'answer lost') land();
    if (fault === 'late') this.#late.push(land);
    return 'unclear';
  }

  async createFromFile(key: string, file: LocalFile, watch: Watch): Promise<CreateAnswer> {
    const { path, expect, read } = file;
    watch.onProgress();
    const body = read ? await buffer(read(watch.signal)) : await readFile(path);
    const found = sha256(body);
    if (found !== expect.sha256) {
      throw failure('SourceChanged', `${path} has sha256 ${found}; it had ${expect.sha256}`);
    }
    return this.create(key, body, watch.signal);
  }

  async overwrite(key: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#arrive(signal);
    this.put(key, body);
  }

  async get(key: string, signal: AbortSignal): Promise<Uint8Array | undefined> {
    await this.#arrive(signal);
    const found = this.#objects.get(key);
    return found && Buffer.from(found);
  }

  async getToFile(
    key: string,
    path: string,
    { signal, onProgress }: Watch,
  ): Promise<{ bytes: number; sha256: string } | undefined> {
    const body = await this.get(key, signal);
    if (!body) return undefined;
    await writeFile(path, body);
    onProgress();
    return { bytes: body.byteLength, sha256: sha256(body) };
  }

  async head(key: string, signal: AbortSignal): Promise<ObjectHead | undefined> {
    await this.#arrive(signal);
    const found = this.#objects.get(key);
    if (!found) return undefined;
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(found));
    return { bytes: found.byteLength, crc32: crc.toString('base64') };
  }

  async *list(prefix: string, { after = '', limit, signal }: ListOptions): AsyncIterable<ListedObject> {
    await this.#arrive(signal);
    const keys = this.keys(prefix).filter((key) => byBytes(key, after) > 0);
    for (const key of keys.slice(0, limit)) {
      yield { key, bytes: this.#objects.get(key)?.byteLength ?? 0 };
    }
  }

  async #arrive(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    await this.#turn();
    signal.throwIfAborted();
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
