import type { Sha256 } from './canonical.ts';

// Every key of a lake's bucket is made and read here. Names of files never stand in a key: they live in entries.

/** `000000000042`: ordinals and versions sort as text. They start at 1; 0 = nothing. */
export function ordinalText(n: number): string {
  return String(n).padStart(12, '0');
}

/** A feed and its lane, as coverage maps, late lists and build ids name them: `payment-events/0`. */
export type LaneId = `${string}/${number}`;

export function laneId(feed: string, lane: number): LaneId {
  return `${feed}/${lane}`;
}

/** The inverse of `laneId`; `undefined` for another shape. */
export function parseLaneId(text: string): { readonly feed: string; readonly lane: number } | undefined {
  const [, feed, lane] = /^([a-z0-9._-]+)\/(0|[1-9]\d{0,5})$/.exec(text) ?? [];
  return feed !== undefined && lane !== undefined ? { feed, lane: Number(lane) } : undefined;
}

const FEED_NAME = /^[a-z0-9._-]{1,200}$/;

/**
 * The id of a feed from its source's name, or `<source>.<schema>.<table>`. A name with upper case or another
 * character is lower-cased, cleaned, and told apart by 8 hex digits of its hash.
 */
export function feedId(name: string, sha256: Sha256): string {
  if (FEED_NAME.test(name)) return name;
  const cleaned = name
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]/g, '-')
    .slice(0, 150);
  return `${cleaned}-${sha256(name).slice(0, 8)}`;
}

export interface ObjectName {
  readonly feed: string;
  readonly lane: number;
  readonly commit: string;
  /** Which attempt wrote it: two attempts never share a name. */
  readonly attempt: string;
  /** From 0, in the order of the entry. */
  readonly index: number;
}

export const keys = {
  spec: (n: number) => `spec/${ordinalText(n)}.json`,
  entry: (feed: string, lane: number, ordinal: number) =>
    `ledger/${feed}/${lane}/${ordinalText(ordinal)}.json`,
  checkpoint: (feed: string, lane: number, ordinal: number) =>
    `checkpoint/${feed}/${lane}/${ordinalText(ordinal)}.json`,
  rawItem: (feed: string, version: string) => `raw/${feed}/${version.slice(0, 2)}/${version}`,
  rawStream: (feed: string, lane: number, commit: string, index: number) =>
    `raw/${feed}/${lane}/${commit}-${index}.ndjson.gz`,
  manifest: (feed: string, lane: number, commit: string, index: number | string) =>
    `manifest/${feed}/${lane}/${commit}-${index}.json`,
  /** Statistics of an entry's rows under another mapping than they were collected under. */
  statistics: (feed: string, lane: number, commit: string, under: string) =>
    `manifest/${feed}/${lane}/${commit}-for-${under.slice(0, 40)}.json`,
  rows: (name: ObjectName) => `rows/${objectPath(name)}.parquet`,
  rejected: (name: ObjectName) => `rejected/${objectPath(name)}.ndjson`,
  plan: (dataset: string, planId: string) => `plan/${dataset}/${planId}.json`,
  outcome: (dataset: string, planId: string) => `outcome/${dataset}/${planId}.json`,
  gate: (dataset: string, planId: string) => `gate/${dataset}/${planId}.json`,
  /** Every key that the gate found in a partition, one JSON line each. */
  gateKeys: (dataset: string, planId: string, partition: string, sha256: string) =>
    `gate/${dataset}/${planId}/${partition}-${sha256}.ndjson`,
  hold: (dataset: string, partition: string, n: number) =>
    `hold/${dataset}/${partition}/${ordinalText(n)}.json`,
  buildFile: (dataset: string, partition: string, buildId: string, attempt: string, file: string) =>
    `build/${dataset}/${partition}/${buildId}/${attempt}/${file}`,
  build: (dataset: string, partition: string, buildId: string) =>
    `build/${dataset}/${partition}/${buildId}/_build.json`,
  view: (dataset: string, n: number) => `view/${dataset}/${ordinalText(n)}.json`,
  part: (dataset: string, sha256: string) => `part/${dataset}/${sha256}.json`,
  coverage: (dataset: string, sha256: string) => `coverage/${dataset}/${sha256}.json`,
  stamp: (sha256: string) => `stamp/${sha256}.json`,
  pin: (id: string) => `pin/${id}.json`,
  audit: (day: string, id: string) => `audit/${day}/${id}.json`,
  /** Overwritten, never truth: what a source last said. */
  hint: (source: string) => `hint/${source}.json`,
  /** Overwritten, never truth: where outsiders find the newest version. */
  projection: (dataset: string) => `projection/${dataset}/latest.json`,
} as const;

function objectPath({ feed, lane, commit, attempt, index }: ObjectName): string {
  return `${feed}/${lane}/${commit}-${attempt}-${index}`;
}

/** The ordinal of a numbered object's key (`…/000000000042.json`), or `undefined`. */
export function ordinalOf(key: string): number | undefined {
  const [, digits] = /\/(\d{12})\.json$/.exec(key) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
