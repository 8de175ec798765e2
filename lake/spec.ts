/** A column's type, as `lake.yaml` writes it. `timestamp` is an instant in microseconds since the epoch, UTC. */
export type ColumnType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'bigint'
  | 'double'
  | 'date'
  | 'timestamp'
  | `decimal(${number},${number})`;

/** Name → type, in the order of the declaration. Names: `[a-z_][a-z0-9_]*`, not beginning with `_`. */
export type Columns = Readonly<Record<string, ColumnType>>;

/** A lake, resolved: every default is written in, every `${VAR}` replaced, durations are milliseconds. */
export interface LakeSpec {
  readonly lake: { readonly name: string; readonly bucket: string };
  readonly sources: Readonly<Record<string, SourceSpec>>;
  readonly datasets: Readonly<Record<string, DatasetSpec>>;
}

export type SourceSpec = FilesSource | KinesisSource | DatabaseSource;

export interface FilesSource {
  readonly kind: 'files';
  /** An absolute folder as a `file:` URL, or `s3://bucket/prefix`. */
  readonly from: string;
  /** Of the bucket, where it is not the lake's. */
  readonly region?: string;
  /** Glob patterns relative to `from`: `*` within a name, `**` across folders. */
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  /** A file is taken once its size and time have not changed for so long. */
  readonly quietMs: number;
  /** What happens under `append` when a collected name comes with new content. */
  readonly restated: 'park' | 'retract' | 'skip';
  readonly format: FileFormat;
  readonly columns: Columns;
  /** What period a file's name says it covers: `settled-{day}` with `coversMs`. */
  readonly window?: { readonly fromName: string; readonly coversMs: number };
  readonly schedule?: { readonly everyMs: number };
}

/** `json`: one object a line. `fixed`: one record a line, columns by their places. `parquet`: as its own schema has it. `raw`: the files themselves, of which nobody makes rows. */
export type FileFormat =
  | { readonly csv: CsvDialect }
  | { readonly json: Readonly<Record<string, never>> }
  | { readonly fixed: FixedLayout }
  | { readonly parquet: Readonly<Record<string, never>> }
  | { readonly raw: Readonly<Record<string, never>> };

/** Declared, never sniffed. A name that ends in `.gz` is gunzipped. */
export interface CsvDialect {
  readonly header: true;
  readonly delimiter: string;
  readonly quote: string;
  /** Unquoted texts that mean null. */
  readonly nulls: readonly string[];
}

/** Where the columns of a record stand in its line. A name that ends in `.gz` is gunzipped. */
export interface FixedLayout {
  /** Those that the source does not declare are kept in `_extra`. No two share a character. */
  readonly columns: Readonly<Record<string, FixedColumn>>;
  /** Texts that mean null, as they are after trimming. */
  readonly nulls: readonly string[];
  /** Lines before the first record. */
  readonly skip: number;
}

/** `start` counts from 1. Both count characters: code points of Unicode, whatever bytes they take. */
export interface FixedColumn {
  readonly start: number;
  readonly width: number;
  /** Which padding, spaces (U+0020), is taken off. */
  readonly trim: 'both' | 'left' | 'right' | 'none';
}

export interface KinesisSource {
  readonly kind: 'kinesis';
  /** A stream's name or ARN. */
  readonly stream: string;
  readonly start: 'earliest' | { readonly at: string };
  readonly format: { readonly json: Readonly<Record<string, never>> };
  readonly columns: Columns;
  readonly commit: { readonly rows: number; readonly bytes: number; readonly everyMs: number };
}

/** Tables that a DMS task lands in S3. Each is a feed of its own. */
export interface DatabaseSource {
  readonly kind: 'database';
  /** Identifier or ARN of the task; where it lands and how is read from its S3 target endpoint. */
  readonly dms: { readonly task: string };
  /** `schema.table`, as the source database writes it. */
  readonly tables: Readonly<Record<string, TableSpec>>;
  /**
   * `continuous`: a full load, then changes for as long as it lives. `load`: each run loads every table anew.
   * `changes`: each run takes the changes up to its beginning.
   */
  readonly replicate: 'continuous' | 'load' | 'changes';
  /** How often landings are looked for. */
  readonly everyMs: number;
  readonly schedule?: { readonly everyMs: number };
}

export interface TableSpec {
  /** Id of its feed: `<source>.<schema>.<table>`, cleaned. */
  readonly feed: string;
  /** As declared, and `_change` beside them. */
  readonly columns: Columns;
}

/**
 * The column of every table feed that says where a change stands among all changes of its task: `AR_H_CHANGE_SEQ`, or
 * the moment its load began, in the same digits. Under `latest` it is the version of datasets that declare none.
 */
export const CHANGE_COLUMN = { name: '_change', type: 'decimal(38,0)' } as const;

export type MergeRule = 'append' | 'latest';
export type Role = 'batch' | 'speed';

export interface DatasetSpec {
  readonly merge: MergeRule;
  readonly key: readonly string[];
  /** Under `latest`: the column whose greatest value wins. Absent where one lane carries all of a key's changes. */
  readonly version?: string;
  readonly partition: Partitioning;
  readonly columns: Columns;
  /** The column of event time: declared, or the partition's; absent under `whole` and `bucket` without one. */
  readonly eventTime?: string;
  readonly feeds: Readonly<Record<string, FeedUse>>;
  readonly close: CloseRule;
  readonly rebuild: RebuildRule;
  readonly gate: GateRule;
}

export type Partitioning =
  | {
      readonly kind: 'time';
      readonly column: string;
      readonly unit: 'hour' | 'day' | 'month';
      /** The first partition: nothing earlier is expected, and rows before it are quarantined. */
      readonly from?: string;
      /** True where the column never changes for a key; needed unless it is part of the key. */
      readonly fixed: boolean;
    }
  | { readonly kind: 'bucket'; readonly buckets: number }
  | { readonly kind: 'whole' };

export interface FeedUse {
  readonly role: Role;
  /** `commit`: rows are live once committed. `publish`: rows reach readers only inside a published build. */
  readonly visible: 'commit' | 'publish';
  /** Dataset column → the feed's column. Columns not named map to their own name. */
  readonly map: Readonly<Record<string, string>>;
}

export interface CloseRule {
  /** How long after its time an event may still come: subtracted from the watermark. */
  readonly latenessMs: number;
  /** How much longer than a partition's end the speed feeds must have been seen. */
  readonly graceMs: number;
  /** Batch feeds whose windows must have passed the partition's end. */
  readonly needs: readonly string[];
  /** How long after its end a partition whose batch is missing is closed all the same. */
  readonly deadlineMs?: number;
  readonly then: 'provisional' | 'hold';
}

/** When late rows of feeds visible at commit are worth a rebuild: whichever comes first. */
export interface RebuildRule {
  /** Late rows over the build's rows, 0..1. */
  readonly lateRatio: number;
  readonly lateAfterMs: number;
}

/** Up to `count` keys, or up to `ratio` (0..1) of the compared keys. */
export type Tolerance = { readonly count: number } | { readonly ratio: number };

export interface GateRule {
  /** Dataset columns compared between batch and stream, beside the key. */
  readonly compare: readonly string[];
  readonly tolerance: {
    readonly missing: Tolerance;
    readonly differs: Tolerance;
    readonly moved: Tolerance;
    readonly conflicting: Tolerance;
  };
  /** How long `late` and `pending` are looked at again after publishing: 0, not at all, until that is built. */
  readonly settleAfterMs: number;
  readonly checks: readonly DeclaredCheck[];
}

export type DeclaredCheck =
  | { readonly kind: 'rows'; readonly min?: number; readonly max?: number }
  | { readonly kind: 'nulls'; readonly column: string; readonly max: number }
  | { readonly kind: 'range'; readonly column: string; readonly min?: string; readonly max?: string }
  | { readonly kind: 'nothing'; readonly name: string; readonly sql: string };

/** `spec/<n>.json`: one applied version of the lake. */
export interface SpecObject {
  readonly format: 1;
  readonly n: number;
  /** sha256 of the stored bytes of the version before; null for the first. */
  readonly prev: string | null;
  readonly lake: LakeSpec['lake'];
  readonly sources: LakeSpec['sources'];
  readonly datasets: LakeSpec['datasets'];
  /** Dataset → epoch, from 1: raised by changes that rebuild everything. */
  readonly epochs: Readonly<Record<string, number>>;
  readonly by: string;
  readonly reason: string;
  readonly at: string;
}

/** Both roles feed it, so that each row carries `_match` and the gate compares batch with stream. */
export function hasBothRoles(dataset: DatasetSpec): boolean {
  const roles = new Set(Object.values(dataset.feeds).map((feed) => feed.role));
  return roles.size === 2;
}

/** The dataset that a feed serves, with its name; a feed serves at most one. */
export function datasetOf(
  spec: Pick<LakeSpec, 'datasets'>,
  feed: string,
): { readonly name: string; readonly dataset: DatasetSpec; readonly use: FeedUse } | undefined {
  for (const [name, dataset] of Object.entries(spec.datasets)) {
    const use = dataset.feeds[feed];
    if (use) return { name, dataset, use };
  }
  return undefined;
}

/** One table-like flow of a source: the source itself, or a table of it. */
export interface FeedSpec {
  readonly source: string;
  readonly spec: SourceSpec;
  readonly columns: Columns;
  /** Of a database: `schema.table`. */
  readonly table?: string;
}

/** The feed of this id, or `undefined` where no source has it. */
export function feedOf(spec: Pick<LakeSpec, 'sources'>, feed: string): FeedSpec | undefined {
  const own = Object.hasOwn(spec.sources, feed) ? spec.sources[feed] : undefined;
  if (own && own.kind !== 'database') return { source: feed, spec: own, columns: own.columns };
  for (const [source, database] of Object.entries(spec.sources)) {
    if (database.kind !== 'database') continue;
    for (const [table, { feed: id, columns }] of Object.entries(database.tables)) {
      if (id === feed) return { source, spec: database, columns, table };
    }
  }
  return undefined;
}

/** Ids of the feeds of a source, in its order. */
export function feedsOf(name: string, source: SourceSpec): readonly string[] {
  return source.kind === 'database' ? Object.values(source.tables).map(({ feed }) => feed) : [name];
}

/** Columns of a feed; none where no source has it. */
export function feedColumns(spec: Pick<LakeSpec, 'sources'>, feed: string): Columns {
  return feedOf(spec, feed)?.columns ?? {};
}
