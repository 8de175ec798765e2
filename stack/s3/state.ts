import type { BodyFile, Bucket, Change, Upload, Version } from './model.ts';
import { SortedKeys } from './sorted-keys.ts';

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
          documents: new Map(),
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
      case 'document': {
        const documents = this.buckets.get(change.bucket)?.documents;
        if (change.document) documents?.set(change.kind, change.document);
        else documents?.delete(change.kind);
        return;
      }
      case 'tags': {
        const version = this.#find(change);
        if (version) version.tags = change.tags;
        return;
      }
      case 'restore': {
        const version = this.#find(change);
        if (version) version.restore = change.restore;
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
    for (const { name, createdMs, versioning, documents, objects, keys } of this.buckets.values()) {
      yield { type: 'bucket', bucket: name, atMs: createdMs };
      if (versioning !== 'Off') yield { type: 'versioning', bucket: name, to: versioning };
      for (const [kind, document] of documents) yield { type: 'document', bucket: name, kind, document };
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

  #find({ bucket, key, id }: { bucket: string; key: string; id: string }): Version | undefined {
    return this.buckets
      .get(bucket)
      ?.objects.get(key)
      ?.find((version) => version.id === id);
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
