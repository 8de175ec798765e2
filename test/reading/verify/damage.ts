import { createHash } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from 'vitest';
import { withDuckDb } from '../../../activities/duckdb.ts';
import type { BuildFile, BuildManifest } from '../../../lake/build.ts';
import { canonical } from '../../../lake/canonical.ts';
import type { Entry } from '../../../lake/entry.ts';
import type { PartChunk, Stamp, ViewVersion } from '../../../lake/view.ts';
import type { Finding } from '../../../reading/verify/report.ts';
import { MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { tmpFolder } from '../../support/tmp.ts';
import { verify } from './whole-lake.ts';

type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T;

/** Somebody who may write to the bucket, and who knows how to keep sizes, checksums and names consistent. */
export class Vandal {
  readonly store: MemoryObjectStore;
  readonly #scratch: string;

  constructor(store: MemoryObjectStore, scratch: string) {
    this.store = store;
    this.#scratch = scratch;
  }

  /** The only key that fits. */
  key(pattern: RegExp): string {
    const found = this.store.keys().filter((key) => pattern.test(key));
    if (found.length !== 1 || found[0] === undefined)
      throw new Error(`${pattern}: ${found.join(', ') || 'none'}`);
    return found[0];
  }

  /** The same object under another key. */
  async copy(from: string, to: string): Promise<void> {
    this.store.put(to, (await this.store.get(from, AbortSignal.timeout(10_000))) ?? '');
  }

  remove(key: string): void {
    this.store.delete(key);
  }

  // Who asks knows by the key what is stored there.
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  json<T>(key: string): T {
    return JSON.parse(this.store.text(key) ?? 'null') as T;
  }

  edit<T>(key: string, change: (value: Writable<T>) => void): void {
    const value = this.json<Writable<T>>(key);
    change(value);
    this.store.put(key, canonical(value));
  }

  entry(lane: string, ordinal: number, change: (entry: Writable<Entry>) => void): void {
    this.edit<Entry>(entryKey(lane, ordinal), change);
  }

  /** Rewrite a lane's hashes from an entry on, so that its chain follows again. */
  chainAgain(lane: string, from: number): void {
    for (let n = from; this.store.text(entryKey(lane, n)) !== undefined; n += 1) {
      const before = this.store.text(entryKey(lane, n - 1)) ?? '';
      this.entry(lane, n, (entry) => void (entry.prev = sha256(before)));
    }
  }

  /** Rewrite the first rows object of an entry by `select` over `rows`; the entry's checksums and counts fit again. */
  async rows(lane: string, ordinal: number, select: string): Promise<void> {
    const { key } = this.json<Entry>(entryKey(lane, ordinal)).rows[0] ?? { key: '' };
    const { body, counts } = await this.#rewrite(key, select);
    this.entry(lane, ordinal, ({ rows: [object] }) => {
      if (object) Object.assign(object, describe(body), counts);
    });
  }

  /** The same for a build's file; its manifest fits again. */
  async build(dataset: string, partition: string, select: string, which = '0.parquet'): Promise<void> {
    const manifestKey = this.buildKey(dataset, partition);
    const { buildId, attempt } = this.json<BuildManifest>(manifestKey);
    const { body, counts } = await this.#rewrite(
      `build/${dataset}/${partition}/${buildId}/${attempt}/${which}`,
      select,
    );
    this.edit<BuildManifest>(manifestKey, (manifest) => {
      const all: Writable<BuildFile>[] = [...manifest.files, ...Object.values(manifest.winners ?? {})];
      for (const file of all) {
        if (file.file === which) Object.assign(file, describe(body), { rows: counts.rows });
      }
      if (which === '0.parquet') manifest.classes.out = counts;
    });
  }

  /** The manifest of the build that serves a partition now. */
  buildKey(dataset: string, partition: string): string {
    const id = this.parts(dataset).find(([, { parts }]) => parts[partition])?.[1].parts[partition]?.build;
    return `build/${dataset}/${partition}/${id}/_build.json`;
  }

  /** The chunks of the newest version, by key. */
  parts(dataset: string): readonly (readonly [key: string, chunk: PartChunk])[] {
    const head = this.json<ViewVersion>(this.headKey(dataset));
    return Object.values(head.parts).map((hash) => {
      const key = `part/${dataset}/${hash}.json`;
      return [key, this.json<PartChunk>(key)] as const;
    });
  }

  /** Rewrite the part of a partition in the newest version, under its right name. */
  part(
    dataset: string,
    partition: string,
    change: (part: Writable<PartChunk['parts'][string]>) => void,
  ): void {
    this.edit<ViewVersion>(this.headKey(dataset), (head) => {
      for (const [chunk, hash] of Object.entries(head.parts)) {
        const object = this.json<Writable<PartChunk>>(`part/${dataset}/${hash}.json`);
        const part = object.parts[partition];
        if (!part) continue;
        change(part);
        const body = canonical(object);
        this.store.put(`part/${dataset}/${sha256(body)}.json`, body);
        head.parts[chunk] = sha256(body);
      }
    });
  }

  /** Take the parts that `isGone` says out of the newest version; its chunks stand under their right names. */
  dropParts(dataset: string, isGone: (partition: string) => boolean): void {
    this.edit<ViewVersion>(this.headKey(dataset), (head) => {
      for (const [chunk, hash] of Object.entries(head.parts)) {
        const { format, parts } = this.json<PartChunk>(`part/${dataset}/${hash}.json`);
        const left = Object.fromEntries(Object.entries(parts).filter(([partition]) => !isGone(partition)));
        const body = canonical({ format, parts: left });
        delete head.parts[chunk];
        if (Object.keys(left).length === 0) continue;
        this.store.put(`part/${dataset}/${sha256(body)}.json`, body);
        head.parts[chunk] = sha256(body);
      }
    });
  }

  /** As a query would have left it. */
  stamp(versions: Stamp['versions'], heads: Stamp['heads']): void {
    const stamp: Stamp = { format: 1, mode: 'live', spec: 1, versions, heads, erasure: 0, reader: 1 };
    this.store.put(`stamp/${sha256(canonical(stamp))}.json`, canonical(stamp));
  }

  headKey(dataset: string): string {
    return this.store.keys(`view/${dataset}/`).at(-1) ?? '';
  }

  async #rewrite(key: string, select: string) {
    const [from, to] = [path.join(this.#scratch, 'from.parquet'), path.join(this.#scratch, 'to.parquet')];
    await writeFile(from, (await this.store.get(key, AbortSignal.timeout(10_000))) ?? '');
    const counts = await withDuckDb({ memoryMb: 128, threads: 1, scratch: this.#scratch }, async (db) => {
      await db.run(`CREATE VIEW rows AS SELECT * FROM read_parquet('${from}')`);
      await db.run(`COPY (${select}) TO '${to}' (FORMAT parquet)`);
      const hash = select.includes('_hash') || !key.includes('winners') ? 'sum(_hash)' : '0';
      const [row] =
        await db.rows(`SELECT count(*)::INTEGER AS rows, coalesce(${hash}, 0)::HUGEINT::VARCHAR AS hash
        FROM read_parquet('${to}')`);
      return { rows: Number(row?.['rows']), hash: String(row?.['hash']) };
    });
    const body = await readFile(to);
    for (const file of [from, to]) await rm(file);
    this.store.put(key, body);
    return { body, counts };
  }
}

export interface Damage {
  readonly what: string;
  readonly by: (vandal: Vandal) => void | Promise<void>;
  /** What `verify` must say of it, beside whatever follows from it. */
  readonly named: readonly (readonly [kind: Finding['kind'], where: string | RegExp, message?: string])[];
}

/** The finding as a matcher. */
export function finding([kind, where, message = '']: Damage['named'][number]): unknown {
  return {
    kind,
    where: typeof where === 'string' ? where : expect.stringMatching(where),
    message: expect.stringContaining(message),
  };
}

/** What `verify` finds in a copy of a lake once it is damaged. */
export async function damaged(store: MemoryObjectStore, by: Damage['by']): Promise<readonly Finding[]> {
  const [copy, scratch] = [await copyOf(store), await tmpFolder()];
  await by(new Vandal(copy, scratch));
  return (await verify(copy, scratch)).findings;
}

export function entryKey(lane: string, ordinal: number): string {
  return `ledger/${lane}/${String(ordinal).padStart(12, '0')}.json`;
}

/** Another lake of the same objects. */
async function copyOf(store: MemoryObjectStore): Promise<MemoryObjectStore> {
  const copy = new MemoryObjectStore();
  for (const key of store.keys()) copy.put(key, (await store.get(key, AbortSignal.timeout(10_000))) ?? '');
  return copy;
}

function describe(body: Uint8Array) {
  return { bytes: body.byteLength, checksum: `sha256:${sha256(body)}` };
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}
