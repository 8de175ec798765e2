import type { Algorithm, Checksum, ChecksumType } from './checksums.ts';
import type { SortedKeys } from './sorted-keys.ts';

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
  /** Of an upload that named an algorithm: what was said of each part, in their order. */
  readonly parts?: readonly PartFacts[];
  tags?: Tags;
  /** Of a cold class: the last restore that was asked for. */
  restore?: Restore;
  /** Where in the log; set when the entry was written or read. */
  inlineAt?: number;
}

export interface PartFacts {
  readonly number: number;
  readonly size: number;
  readonly checksum: string;
}

/** Pairs of key and value in the order in which they were given. */
export type Tags = readonly (readonly [key: string, value: string])[];

export type Tier = 'Expedited' | 'Standard' | 'Bulk';

/** A copy of a cold object for a while. Its times say what it is: on its way, there, or over. */
export interface Restore {
  readonly tier: Tier;
  readonly days: number;
  readonly readyMs: number;
  /** From then on the copy is gone. */
  readonly expiresMs: number;
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
  readonly tags?: Tags;
  readonly parts: Map<number, Part>;
}

export type Versioning = 'Off' | 'Enabled' | 'Suspended';

/** A document that a bucket keeps for its owner, as it was sent, and the headers that are given back with it. */
export interface StoredDocument {
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Bucket {
  readonly name: string;
  readonly createdMs: number;
  versioning: Versioning;
  /** By the query parameter that names the kind: `lifecycle`, `policy`. */
  readonly documents: Map<string, StoredDocument>;
  /** Of each key the versions, newest last; never an empty list. */
  readonly objects: Map<string, Version[]>;
  readonly keys: SortedKeys;
}

/** Everything that can happen; the log is a list of these. Keys are byte strings. */
export type Change =
  | { readonly type: 'bucket'; readonly bucket: string; readonly atMs: number }
  | { readonly type: 'bucketGone'; readonly bucket: string }
  | { readonly type: 'versioning'; readonly bucket: string; readonly to: Versioning }
  /** Without a document, the bucket has none of that kind any more. */
  | {
      readonly type: 'document';
      readonly bucket: string;
      readonly kind: string;
      readonly document?: StoredDocument;
    }
  | {
      readonly type: 'tags';
      readonly bucket: string;
      readonly key: string;
      readonly id: string;
      readonly tags: Tags;
    }
  | {
      readonly type: 'restore';
      readonly bucket: string;
      readonly key: string;
      readonly id: string;
      readonly restore: Restore;
    }
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
