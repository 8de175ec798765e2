import type { LakeSpec } from '../../lake/spec.ts';

/**
 * What collecting needs from a service that keeps records in shards. A stream goes by its name or ARN, a shard by the
 * service's own name. One request per call; every call may be made twice. Rejects with `Unreachable` or `AccessDenied`.
 */
export interface RecordStream {
  /** Resolves `undefined` when there is no stream of this name. */
  describe(stream: string, signal: AbortSignal): Promise<StreamFacts | undefined>;

  /** Every shard of which a record may still be held, open or closed; `undefined` when the stream is gone. */
  shards(stream: string, signal: AbortSignal): Promise<readonly ListedShard[] | undefined>;

  /** Where to begin. A start that is older than what is held may be refused, or begin at the oldest record held. */
  open(stream: string, shard: string, start: ShardStart, signal: AbortSignal): Promise<OpenAnswer>;

  /** The next records, in order, and where to go on. */
  read(iterator: string, signal: AbortSignal): Promise<ReadAnswer>;
}

export interface StreamFacts {
  /** Whole seconds since the epoch; another one is another stream. */
  readonly createdAtS: number;
  readonly retentionMs: number;
}

export interface ListedShard {
  readonly shard: string;
  readonly parents: readonly string[];
  /** False once it was split or merged; what it holds can still be read. */
  readonly isOpen: boolean;
}

/** `horizon`: the oldest record held; `record`: the one of this sequence number; `since`: the first that arrived then, or later. */
export type ShardStart =
  | { readonly kind: 'horizon' }
  | { readonly kind: 'record'; readonly sequence: string }
  | { readonly kind: 'since'; readonly time: string };

export type OpenAnswer =
  | { readonly kind: 'opened'; readonly iterator: string }
  /** The shard does not take this start, or is not held any more. */
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'throttled' };

export type ReadAnswer =
  | Page
  /** The iterator was too old: open again. */
  | { readonly kind: 'expired' }
  | { readonly kind: 'throttled' }
  /** The stream was deleted. */
  | { readonly kind: 'gone' };

/** An empty page says nothing: follow it. */
export interface Page {
  readonly kind: 'page';
  readonly records: readonly StreamRecord[];
  /** Nothing followed this page when it was made. */
  readonly caughtUp: boolean;
  readonly next: { readonly iterator: string } | { readonly children: readonly ChildShard[] };
}

/** What follows a shard that was read to its end. */
export interface ChildShard {
  readonly shard: string;
  readonly parents: readonly string[];
}

export interface StreamRecord {
  /** A decimal number, ascending within its shard. */
  readonly sequence: string;
  readonly arrivedAtMs: number;
  readonly data: Uint8Array;
}

/** Gives the newest applied spec, and its number. Rejects with `NoSpec`. */
export interface SpecReader {
  read(signal: AbortSignal): Promise<{ readonly n: number; readonly spec: LakeSpec }>;
}
