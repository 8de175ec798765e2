/**
 * `ledger/<feed>/<lane>/<ordinal>.json`: one commit of a lane, made once by conditional create. It carries
 * `channels` on a sequence lane (shards, partitions), `items` on a set lane (files), and both on the lane of a table.
 * The chain of entries is the truth of what was collected, and in which order.
 */
export interface Entry {
  readonly format: 1;
  readonly feed: string;
  readonly lane: number;
  /** From 1, without gaps. */
  readonly ordinal: number;
  /** sha256 of the stored bytes of the entry before; null for the first. */
  readonly prev: string | null;
  /** Names one body, ever. */
  readonly commit: string;
  /** `scheduledAt`: when the server scheduled the attempt that wrote it; sequence lanes only. */
  readonly epoch: { readonly run: string; readonly scheduledAt?: string };
  readonly committedAt: string;
  readonly spec: number;
  readonly channels?: Readonly<Record<string, ChannelState>>;
  readonly items?: readonly EntryItem[];
  /** Where `items` is: a manifest object with `{ items }`, for lists over 100. */
  readonly itemsIn?: SideObject;
  /** The periods a batch delivery speaks for, ascending; an empty one is an entry too. */
  readonly windows?: readonly Window[];
  /** As of when a batch delivery speaks: the end of its last window unless given. */
  readonly asOf?: string;
  /** Lanes that must be read at least so far before this entry may be. */
  readonly needs?: Readonly<Record<string, number>>;
  /** Channels whose generation becomes visible with this entry. */
  readonly ready?: readonly string[];
  readonly raw: readonly RawObject[];
  readonly rows: readonly RowsObject[];
  readonly rejected: readonly RejectedObject[];
  readonly retracts?: readonly Retraction[];
  readonly releases?: readonly Release[];
}

export interface SideObject {
  readonly key: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** `[from, to)`, ISO instants. */
export interface Window {
  readonly from: string;
  readonly to: string;
}

/** Every open channel of the lane stands in every entry, advanced or not: the head alone is the lane's state. */
export interface ChannelState {
  /** Its `through` of the entry before; at first `earliest` or `at:<ISO time>`. */
  readonly after: string;
  /** The last position covered; equal to `after` when nothing advanced. */
  readonly through: string;
  /** 1 + the greatest of its parents'; 1 without parents. */
  readonly generation: number;
  /** Greatest event time seen, capped by arrival; null before the first record. */
  readonly watermark: string | null;
  /** When the source last said "that is all"; null until it did. */
  readonly caughtUpAt: string | null;
  /** Set in the entry that ends the channel; later entries leave the channel out. */
  readonly closed?: { readonly children: readonly string[] };
}

export interface EntryItem {
  /** From 1, within the entry. */
  readonly no: number;
  /** The file's path under its source, as the source has it. */
  readonly item: string;
  /** sha256 of canonical {feed, item, checksum}: names the raw object too. */
  readonly version: string;
  /** `sha256:<hex>` of the bytes as they came. */
  readonly checksum: string;
  readonly bytes: number;
  /** The source's modification time. */
  readonly modifiedAt: string;
  readonly state: 'collected' | 'parked' | 'skipped';
  /** A failure name and what was found, for parked and skipped items. */
  readonly reason?: string;
  /** Where its rows are: rows `firstRow … firstRow + records − 1` of `rows[object]` belong to it. */
  readonly spans?: readonly ItemSpan[];
  /** Rows of it that stand in rows objects. */
  readonly rows?: number;
  readonly rejected?: number;
  readonly window?: Window;
}

export interface ItemSpan {
  /** Index into the entry's `rows`. */
  readonly object: number;
  /** The `_row` that its first record of this span has, or would have had. */
  readonly firstRow: number;
  /** How many `_row` numbers the span takes, rejected records included. */
  readonly records: number;
  /** Number within the file of the span's first record; 1 = first after the header. */
  readonly firstRecord: number;
}

export interface RawObject {
  readonly uri: string;
  readonly versionId?: string;
  readonly bytes: number;
  /** `sha256:<hex>` of the stored bytes. */
  readonly checksum: string;
}

export interface RowsObject {
  readonly key: string;
  readonly bytes: number;
  /** `sha256:<hex>` of the stored bytes. */
  readonly checksum: string;
  readonly rows: number;
  /** Sum of `_hash`, a decimal integer. */
  readonly hash: string;
  /** Hash of the feed's columns that its schema follows. */
  readonly schema: string;
  /** Hash of the mapping under which `partitions` and `_match` hold; null for a feed without a dataset. */
  readonly mapping: string | null;
  readonly partitions: PartitionStatistics;
  /** Where `partitions` is: a manifest object with `{ partitions }`, for more than 500. */
  readonly partitionsIn?: SideObject;
}

export type PartitionStatistics = Readonly<Record<string, PartitionStatistic>>;

export interface PartitionStatistic {
  readonly rows: number;
  /** Sum of `_hash`, a decimal integer. */
  readonly hash: string;
  /** Least and greatest event time, ISO; null where the dataset has none. */
  readonly minTime: string | null;
  readonly maxTime: string | null;
}

/**
 * `manifest/<feed>/<lane>/<commit>-for-<hash>.json`: what an entry's rows are to a dataset under another mapping than
 * they were collected under. Made once; the hash is `sideHash` of `lake/statistics.ts`.
 */
export interface SideStatistics {
  readonly format: 1;
  readonly feed: string;
  readonly lane: number;
  readonly ordinal: number;
  readonly under: string;
  /** Of each rows object of the entry, in their order. */
  readonly objects: readonly ObjectStatistics[];
}

export interface ObjectStatistics {
  readonly partitions: PartitionStatistics;
  /** Rows that the dataset cannot hold, which stand in no partition; absent where it holds all. */
  readonly unfit?: Unfit;
}

export interface Unfit {
  readonly rows: number;
  /** `row 17: amount is NULL; right would be a value: it is part of the key`; at most 3. */
  readonly examples: readonly string[];
}

/** Quarantine: one line of JSON a record, with its original bytes, place and reason. */
export interface RejectedObject {
  readonly key: string;
  readonly bytes: number;
  readonly checksum: string;
  readonly rows: number;
  readonly hash: string;
  /** Reason → records. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** A line of a rejected object. */
export interface RejectedRecord {
  /** The file, for a set lane. */
  readonly item?: string;
  readonly version?: string;
  /** Number within the file, 1 = first after the header; physical line; byte offset in the decompressed bytes. */
  readonly record?: number;
  readonly line?: number;
  readonly offset?: number;
  readonly channel?: string;
  readonly position?: string;
  /** `NotADecimal(18,2)`, `Missing`, `NotJson`, …: what was wrong. */
  readonly reason: string;
  readonly column?: string;
  /** What was found and what would be right. */
  readonly message: string;
  /** The record's own bytes, base64. */
  readonly bytes: string;
  /** 63 bits over these bytes (or fields): what conservation counts. A decimal integer. */
  readonly hash: string;
}

/** Rows taken back: of one earlier item, or of every generation of a table before this one. */
export type Retraction = ItemRetraction | GenerationRetraction;

/** Rows of an earlier item taken back. They leave views only through builds. */
export interface ItemRetraction {
  readonly feed: string;
  readonly lane: number;
  readonly item: string;
  readonly version: string;
  /** The entry and spans that brought the rows. */
  readonly ordinal: number;
  readonly spans: readonly ItemSpan[];
  /** What each partition loses. */
  readonly partitions: LostByPartition;
}

/**
 * Every row of a table's lane below this generation that no `ready` entry before took back. They leave views only
 * through builds, whole.
 */
export interface GenerationRetraction {
  readonly feed: string;
  readonly lane: number;
  readonly belowGeneration: number;
  readonly partitions: LostByPartition;
  /** Where `partitions` is: a manifest object with `{ partitions }`, for more than 500. */
  readonly partitionsIn?: SideObject;
}

/** Partition → what it loses. */
export type LostByPartition = Readonly<Record<string, { readonly rows: number; readonly hash: string }>>;

export function isOfItem(retraction: Retraction): retraction is ItemRetraction {
  return 'item' in retraction;
}

export interface Release {
  readonly rejected: string;
  readonly records: readonly number[];
}
