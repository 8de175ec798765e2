import { instantMs } from './instant.ts';

/**
 * Where a channel stands, as `after` and `through` of an entry say it:
 * - `earliest`: before the first record that its shard holds when it is first read;
 * - `at:<ISO time>`: before the first record that arrived at that time or later;
 * - `horizon:<ISO time>`: records were lost, a person decided then to go on at the oldest one still held;
 * - digits, a sequence number: behind that record.
 */
export type Position =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'at'; readonly time: string }
  | { readonly kind: 'horizon'; readonly time: string }
  | { readonly kind: 'sequence'; readonly number: bigint };

/** `undefined` for a text of another shape. */
export function parsePosition(text: string): Position | undefined {
  if (text === 'earliest') return { kind: 'earliest' };
  if (/^\d{1,128}$/.test(text)) return { kind: 'sequence', number: BigInt(text) };
  const [, kind, time] = /^(at|horizon):(.+)$/.exec(text) ?? [];
  if (time === undefined || instantMs(time) === undefined) return undefined;
  return kind === 'at' ? { kind, time } : { kind: 'horizon', time };
}

/** The inverse of `parsePosition`, which drops leading zeros. */
export function positionText(position: Position): string {
  switch (position.kind) {
    case 'earliest':
      return 'earliest';
    case 'sequence':
      return position.number.toString();
    case 'at':
    case 'horizon':
      return `${position.kind}:${position.time}`;
  }
}

/**
 * Does a record of this sequence number lie behind the position? Everything lies behind a position that is none:
 * sequence numbers are compared as numbers, never as texts, and only within one shard.
 */
export function isBeyond(sequence: string, position: string): boolean {
  const from = parsePosition(position);
  return from?.kind !== 'sequence' || BigInt(sequence) > from.number;
}

/**
 * Where a user record stands that came in a record together with others: the record's sequence number and the user
 * record's number in it, from 0. Rows and quarantine say so; no channel ever stands within a record.
 */
export function userPosition(sequence: string, index: number): string {
  return `${sequence}/${index}`;
}

/** A shard of one creation of a stream: a stream made again under its name reuses the names of its shards. */
export interface ChannelName {
  /** Whole seconds since the epoch. */
  readonly createdAtS: number;
  readonly shard: string;
}

/** `1763712000-shardId-000000000000`. */
export function channelId({ createdAtS, shard }: ChannelName): string {
  return `${createdAtS}-${shard}`;
}

/** The inverse of `channelId`; `undefined` for another shape. */
export function parseChannelId(id: string): ChannelName | undefined {
  const [, seconds, shard] = /^(0|[1-9]\d{0,11})-(.+)$/.exec(id) ?? [];
  return seconds !== undefined && shard !== undefined ? { createdAtS: Number(seconds), shard } : undefined;
}
