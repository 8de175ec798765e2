import type { Algorithm, Checksum, ChecksumType } from './checksums.ts';
import { SortedKeys } from './sorted-keys.ts';

/** A body, or one part of it, in a file of its own. */
export interface BodyFile {
  readonly id: string;
  readonly size: number;
}

/** One version of an object. A delete marker has no body. */
export interface Version {
  /** `null` (the word) where versioning was off or suspended. */
  readonly id: string;
  readonly modifiedMs: number;
  readonly isMarker?: true;
  /** Without quotation marks. */
  readonly etag: string;
  readonly size: number;
  readonly checksum?: Checksum;
  /** Response headers as they were stored: content-type, x-amz-meta-* and the like. */
  readonly headers: Readonly<Record<string, string>>;
  /** The parts in their order. Empty when the bytes stand in the log. */
  readonly files: readonly BodyFile[];
  /** Where in the log; set when the entry was written or read. */
  inlineAt?: number;
}

export interface Part extends BodyFile {
  readonly number: number;
  readonly etag: string;
  readonly modifiedMs: number;
  /** By the upload's algorithm. */
  readonly checksum: string;
}

export interface Upload {
  readonly id: string;
  readonly bucket: string;
  readonly key: string;
  readonly startedMs: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent when the client asked for none; parts then carry the default one. */
  readonly algorithm?: Algorithm;
  readonly checksumType?: ChecksumType;
  readonly parts: Map<number, Part>;
}

export type Versioning = 'Off' | 'Enabled' | 'Suspended';

export interface Bucket {
  readonly name: string;
  readonly createdMs: number;
  versioning: Versioning;
  /** Of each key the versions, newest last; never an empty list. */
  readonly objects: Map<string, Version[]>;
  readonly keys: SortedKeys;
}

/** Everything that can happen; the log is a list of these. Keys are byte strings. */
export type Change =
  | { readonly type: 'bucket'; readonly bucket: string; readonly atMs: number }
  | { readonly type: 'bucketGone'; readonly bucket: string }
  | { readonly type: 'versioning'; readonly bucket: string; readonly to: Versioning }
  /** With `upload`, the version came of that upload, which is over. */
  | {
      readonly type: 'put';
      readonly bucket: string;
      readonly key: string;
      readonly version: Version;
      readonly upload?: string;
    }
  | { readonly type: 'gone'; readonly bucket: string; readonly key: string; readonly id: string }
  | { readonly type: 'upload'; readonly upload: Omit<Upload, 'parts'> }
  | { readonly type: 'part'; readonly upload: string; readonly part: Part }
  | { readonly type: 'uploadGone'; readonly upload: string };

/** What the log adds up to. Changed by `apply` alone, so that a restart ends where the process was. */
export class State {
  readonly buckets = new Map<string, Bucket>();
  readonly uploads = new Map<string, Upload>();
  /** How many versions, parts and running reads name each body file. */
  readonly #uses = new Map<string, number>();
  readonly #onUnused: (file: string) => void;

  constructor(onUnused: (file: string) => void) {
    this.#onUnused = onUnused;
  }

  apply(change: Change): void {
    switch (change.type) {
      case 'bucket': {
        const { bucket: name, atMs: createdMs } = change;
        this.buckets.set(name, {
          name,
          createdMs,
          versioning: 'Off',
          objects: new Map(),
          keys: new SortedKeys(),
        });
        return;
      }
      case 'bucketGone':
        this.buckets.delete(change.bucket);
        return;
      case 'versioning': {
        const bucket = this.buckets.get(change.bucket);
        if (bucket) bucket.versioning = change.to;
        return;
      }
      case 'put':
        this.#put(change.bucket, change.key, change.version);
        if (change.upload !== undefined) this.#endUpload(change.upload);
        return;
      case 'gone':
        this.#remove(change.bucket, change.key, change.id);
        return;
      case 'upload':
        this.uploads.set(change.upload.id, { ...change.upload, parts: new Map() });
        return;
      case 'part': {
        const parts = this.uploads.get(change.upload)?.parts;
        const before = parts?.get(change.part.number);
        this.hold([change.part]);
        parts?.set(change.part.number, change.part);
        if (before) this.release([before]);
        return;
      }
      case 'uploadGone':
        this.#endUpload(change.upload);
    }
  }

  /** The changes that lead to this state from nothing, fewest first. */
  *asChanges(): Generator<Change> {
    for (const { name, createdMs, versioning, objects, keys } of this.buckets.values()) {
      yield { type: 'bucket', bucket: name, atMs: createdMs };
      if (versioning !== 'Off') yield { type: 'versioning', bucket: name, to: versioning };
      for (const key of keys.from('')) {
        for (const version of objects.get(key) ?? []) yield { type: 'put', bucket: name, key, version };
      }
    }
    for (const { parts, ...upload } of this.uploads.values()) {
      yield { type: 'upload', upload };
      for (const part of parts.values()) yield { type: 'part', upload: upload.id, part };
    }
  }

  /** The files stay, whatever happens to the objects, until they are released as often. */
  hold(files: readonly BodyFile[]): void {
    for (const { id } of files) this.#uses.set(id, (this.#uses.get(id) ?? 0) + 1);
  }

  release(files: readonly BodyFile[]): void {
    for (const { id } of files) {
      const left = (this.#uses.get(id) ?? 0) - 1;
      if (left > 0) this.#uses.set(id, left);
      else {
        this.#uses.delete(id);
        this.#onUnused(id);
      }
    }
  }

  isUsed(file: string): boolean {
    return this.#uses.has(file);
  }

  #put(bucketName: string, key: string, version: Version): void {
    const bucket = this.buckets.get(bucketName);
    if (!bucket) return;
    this.hold(version.files);
    const versions = bucket.objects.get(key);
    if (!versions) {
      bucket.objects.set(key, [version]);
      bucket.keys.add(key);
      return;
    }
    const replaced = versions.findIndex(({ id }) => id === version.id);
    const [before] = replaced < 0 ? [] : versions.splice(replaced, 1);
    versions.push(version);
    if (before) this.release(before.files);
  }

  #remove(bucketName: string, key: string, id: string): void {
    const bucket = this.buckets.get(bucketName);
    const versions = bucket?.objects.get(key);
    const index = versions?.findIndex((version) => version.id === id) ?? -1;
    if (!bucket || !versions || index < 0) return;
    const [removed] = versions.splice(index, 1);
    if (versions.length === 0) {
      bucket.objects.delete(key);
      bucket.keys.remove(key);
    }
    this.release(removed?.files ?? []);
  }

  #endUpload(id: string): void {
    const upload = this.uploads.get(id);
    this.uploads.delete(id);
    this.release([...(upload?.parts.values() ?? [])]);
  }
}
