import type { ShardFacts } from './shard.ts';

export type StreamMode = 'PROVISIONED' | 'ON_DEMAND';

/** What happened to a stream, one line each in `catalogue.log`, in the order it happened. Times are in ms since the epoch. */
export type StreamEvent = Created | Resharded | Retention | Setting | Deleted;

export interface Created {
  readonly kind: 'created';
  readonly name: string;
  readonly id: string;
  /** Epoch seconds. */
  readonly createdAt: number;
  readonly mode: StreamMode;
  readonly shards: readonly ShardFacts[];
}

export interface Resharded {
  readonly kind: 'resharded';
  readonly id: string;
  readonly at: number;
  readonly closed: readonly { readonly shardId: string; readonly end: number }[];
  readonly opened: readonly ShardFacts[];
}

export interface Retention {
  readonly kind: 'retention';
  readonly id: string;
  readonly hours: number;
  /** Where each shard began at that moment: what is trimmed stays trimmed when retention grows. */
  readonly horizons: Readonly<Record<string, number>>;
}

interface Deleted {
  readonly kind: 'deleted';
  readonly id: string;
}

/** What a stream has beside shards. */
export type Setting =
  /** UpdateShardCount was accepted; the shards that it opens are events of their own. */
  | { readonly kind: 'scaled'; readonly id: string; readonly at: number }
  | { readonly kind: 'mode'; readonly id: string; readonly at: number; readonly mode: StreamMode }
  /** `keyId`: null once records are written without a key again. */
  | { readonly kind: 'encryption'; readonly id: string; readonly at: number; readonly keyId: string | null }
  /** All tags, as they are now. */
  | { readonly kind: 'tags'; readonly id: string; readonly tags: Readonly<Record<string, string>> }
  /** `createdAt`: epoch seconds. */
  | {
      readonly kind: 'registered';
      readonly id: string;
      readonly consumer: string;
      readonly createdAt: number;
    }
  | { readonly kind: 'deregistered'; readonly id: string; readonly consumer: string };
