import { z } from 'zod';
import { parseBytes, parseDuration, parsePercent } from './units.ts';

// What lake.yaml may hold, before its parts are held against each other (lake-rules.ts). Every object is strict:
// an unknown key is refused by name, and so is one that the design has but Tributary does not do yet.

const name = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be a name such as payment-events: a-z, 0-9, ".", "_", "-"');
const columnName = z
  .string()
  .regex(
    /^[a-z][a-z0-9_]{0,62}$/,
    'must be a column name such as paid_at: a-z, 0-9, "_", beginning with a letter',
  );

const LONGEST_MS = 3650 * 86_400_000;
const LARGEST_BYTES = 1_000_000_000_000;
// What a transform checks stands beside it as a pattern, for editors.
const durationText = z
  .string('must be a duration such as 30s, 10m, 6h or 1d')
  .meta({ description: 'A duration: 30s, 10m, 6h, 1d', pattern: String.raw`^\d+(\.\d+)?(ms|s|m|h|d)$` });
const duration = durationText.transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue('must be a duration such as 30s, 10m, 6h or 1d');
  else if (ms > LONGEST_MS) context.addIssue('must be at most 3650d');
  return ms ?? 0;
});
const interval = duration.refine((ms) => ms >= 1000, 'must be at least 1s');
const bytesText = z.string('must be a size such as 64MB').meta({
  description: 'A size: 64MB, 5GiB',
  pattern: String.raw`^\d+(\.\d+)?(B|KB|MB|GB|KiB|MiB|GiB)$`,
});
const bytes = bytesText.transform((text, context) => {
  const size = parseBytes(text);
  if (size === undefined) context.addIssue('must be a size such as 64MB');
  else if (size < 1 || size > LARGEST_BYTES) context.addIssue('must be 1B to 1000GB');
  return size ?? 0;
});
const tolerance = z
  .union([z.int().min(0), z.string()], 'must be a number of keys such as 5, or a share such as 0.1%')
  .transform((value, context) => {
    if (typeof value === 'number') return { count: value };
    const ratio = parsePercent(value);
    if (ratio === undefined) context.addIssue('must be a number of keys such as 5, or a share such as 0.1%');
    return { ratio: ratio ?? 0 };
  });

const TYPES = 'string, boolean, integer, bigint, double, date, timestamp, decimal(18,2)';
const columnTypeText = z.string(`must be one of ${TYPES}`).meta({
  description: TYPES,
  pattern: String.raw`^(string|boolean|integer|bigint|double|date|timestamp|decimal\( *\d{1,2} *, *\d{1,2} *\))$`,
});
const columnType = columnTypeText.transform((text, context) => {
  const compact = text.replaceAll(' ', '');
  const [, precision, scale] = /^decimal\((\d{1,2}),(\d{1,2})\)$/.exec(compact) ?? [];
  const decimal =
    precision !== undefined &&
    Number(precision) >= 1 &&
    Number(precision) <= 38 &&
    Number(scale) <= Number(precision);
  if (
    !decimal &&
    !['string', 'boolean', 'integer', 'bigint', 'double', 'date', 'timestamp'].includes(compact)
  ) {
    context.addIssue(`must be one of ${TYPES}`);
  }
  return compact;
});
const columns = z.record(columnName, columnType);

/** A key of the design that is not built: refused by name, so that nobody thinks it has an effect. */
const notBuilt = z
  .never({ error: 'is not built yet (docs/status.md lists what is)' })
  .optional()
  .meta({ description: 'Not built yet' });

const singleCharacter = z.string().length(1, 'must be one character');
const csv = z.strictObject({
  header: z.literal(true, 'must be true: files without a header line are not built yet').default(true),
  delimiter: singleCharacter.default(','),
  quote: singleCharacter.default('"'),
  nulls: z.array(z.string()).default(['']),
});

const character = z.int().min(1, 'must be at least 1').max(1_000_000);
const trim = z.enum(['both', 'left', 'right', 'none'], 'must be both, left, right or none');
const fixed = z.strictObject({
  columns: z
    .record(columnName, z.strictObject({ start: character, width: character, trim: trim.optional() }))
    .refine((places) => Object.keys(places).length > 0, 'must place at least one column'),
  trim: trim.default('both'),
  nulls: z.array(z.string()).default(['']),
  skip: z.int().min(0, 'must be at least 0').max(1000).default(0),
});

const files = z.strictObject({
  kind: z.literal('files'),
  from: z
    .string()
    .regex(
      /^(file:|s3:\/\/[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](\/|$))/,
      'must be a folder such as file:./sample-data/flights, or a prefix such as s3://bucket/flights',
    ),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must be a region such as eu-west-1')
    .optional(),
  include: z
    .array(z.string().min(1, 'must be a pattern such as *.csv'))
    .min(1, 'must name at least one pattern')
    .default(['**']),
  exclude: z.array(z.string().min(1, 'must be a pattern such as *.tmp')).default([]),
  quiet: duration.default(30_000),
  restated: z.enum(['park', 'retract', 'skip'], 'must be park, retract or skip').default('park'),
  format: z
    .strictObject({
      csv: csv.optional(),
      json: z.strictObject({}).optional(),
      raw: z.strictObject({}).optional(),
      parquet: z.strictObject({}).optional(),
      fixed: fixed.optional(),
    })
    .superRefine((format, context) => {
      const named = Object.keys(format);
      if (named.length !== 1)
        context.addIssue(
          `format names ${named.join(' and ') || 'nothing'}: it must name one of csv, fixed, json, parquet, raw`,
        );
    }),
  columns: columns.optional(),
  window: z
    .strictObject({
      fromName: z.string().regex(/\{day\}/, 'must hold {day}, as in settled-{day}'),
      covers: duration.default(86_400_000),
    })
    .optional(),
  schedule: z.strictObject({ every: interval, cron: notBuilt }).optional(),
});

const kinesis = z.strictObject({
  kind: z.literal('kinesis'),
  stream: z.string().min(1, 'must be the name or ARN of a stream'),
  start: z
    .union(
      [z.literal('earliest'), z.strictObject({ at: z.iso.datetime() })],
      'must be earliest or {at: 2026-11-21T00:00:00Z}; "latest" would skip what arrives over a restart',
    )
    .default('earliest'),
  format: z.strictObject({ json: z.strictObject({}) }),
  columns: columns.optional(),
  commit: z
    .strictObject({
      rows: z.int().min(1, 'must be at least 1').default(250_000),
      bytes: bytes.default(64_000_000),
      every: duration.default(10_000),
    })
    .default({ rows: 250_000, bytes: 64_000_000, every: 10_000 }),
  schedule: notBuilt,
});

const tableName = z
  .string()
  .regex(/^[^.]+\..+$/, 'must be a table such as public.customers: its schema, ".", its name')
  .max(260, 'must be a table such as public.customers, of at most 260 characters');

const database = z.strictObject({
  kind: z.literal('database'),
  dms: z.strictObject({ task: z.string().min(1, 'must be the identifier or ARN of a replication task') }),
  tables: z.union(
    [
      z.array(tableName).min(1, 'must name at least one table'),
      z
        .record(tableName, z.strictObject({ columns: columns.optional() }))
        .refine((tables) => Object.keys(tables).length > 0, 'must name at least one table'),
    ],
    'must be a list such as [public.customers], or a map such as {public.customers: {columns: {…}}}',
  ),
  replicate: z
    .enum(['continuous', 'load', 'changes'], 'must be continuous, load or changes')
    .default('continuous'),
  every: interval.default(10_000),
  schedule: z.strictObject({ every: interval, cron: notBuilt }).optional(),
});

const KINDS_TO_COME = ['kafka', 'firehose'];
const source = z.discriminatedUnion('kind', [files, kinesis, database], {
  error: ({ input }) => {
    const kind =
      typeof input === 'object' && input !== null && 'kind' in input ? String(input.kind) : 'missing';
    if (KINDS_TO_COME.includes(kind)) return `kind ${kind} is not built yet (docs/status.md lists what is)`;
    return `kind is ${kind}: it must be files, kinesis or database`;
  },
});

const partition = z.union(
  [
    z.literal('whole'),
    z.strictObject({ day: columnName, fixed: z.boolean().default(false), from: z.string().optional() }),
    z.strictObject({ hour: columnName, fixed: z.boolean().default(false), from: z.string().optional() }),
    z.strictObject({ month: columnName, fixed: z.boolean().default(false), from: z.string().optional() }),
    z.strictObject({
      buckets: z.int('must be 1 to 9999').min(1, 'must be 1 to 9999').max(9999, 'must be 1 to 9999'),
    }),
  ],
  'must be whole, {day: <column>}, {hour: …}, {month: …} (with fixed, from) or {buckets: 16}',
);

const feed = z.strictObject({
  role: z.enum(['batch', 'speed'], 'must be batch or speed'),
  visible: z.enum(['commit', 'publish'], 'must be commit or publish').optional(),
  map: z.record(columnName, columnName).default({}),
});

/** Of a source, or of a table: `shop.public.Customers`. */
const feedName = z.string().min(1, 'must be a source, or a table such as shop.public.customers');

const check = z.union(
  [
    z.strictObject({ rows: z.strictObject({ min: z.int().optional(), max: z.int().optional() }) }),
    z.strictObject({ nulls: z.strictObject({ column: columnName, max: tolerance }) }),
    z.strictObject({
      range: z.strictObject({ column: columnName, min: z.string().optional(), max: z.string().optional() }),
    }),
    z.strictObject({ nothing: z.strictObject({ name, sql: z.string().min(1) }) }),
  ],
  'must be {rows: {min, max}}, {nulls: {column, max}}, {range: {column, min, max}} or {nothing: {name, sql}}',
);

const NO_TOLERANCE = { count: 0 };
const dataset = z.strictObject({
  merge: z.enum(['append', 'latest'], 'must be append or latest'),
  key: z.array(columnName).min(1, 'must name at least one column'),
  version: columnName.optional(),
  partition,
  columns,
  eventTime: columnName.optional(),
  feeds: z
    .record(feedName, feed)
    .refine((feeds) => Object.keys(feeds).length > 0, 'must name at least one feed'),
  close: z
    .strictObject({
      lateness: duration.default(0),
      grace: duration.default(0),
      needs: z.array(name).optional(),
      deadline: duration.optional(),
      // The design's word.
      // oxlint-disable-next-line unicorn/no-thenable
      then: z.enum(['provisional', 'hold'], 'must be provisional or hold').default('hold'),
    })
    .optional(),
  rebuild: z.strictObject({ late: z.string().optional(), after: duration.optional() }).optional(),
  gate: z
    .strictObject({
      compare: z.array(columnName).default([]),
      tolerance: z
        .strictObject({
          missing: tolerance.default(NO_TOLERANCE),
          differs: tolerance.default(NO_TOLERANCE),
          moved: tolerance.default(NO_TOLERANCE),
          conflicting: tolerance.default(NO_TOLERANCE),
        })
        .optional(),
      settleAfter: notBuilt,
      checks: z.array(check).default([]),
    })
    .optional(),
  sql: notBuilt,
});

/** The shape of lake.yaml. */
export const LAKE_FILE = z.strictObject({
  lake: z.strictObject({
    name,
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be an S3 bucket name'),
  }),
  sources: z.record(name, source),
  datasets: z.record(name, dataset).default({}),
  metrics: notBuilt,
  detectors: notBuilt,
  retention: notBuilt,
  schedules: notBuilt,
});

export type LakeFile = z.output<typeof LAKE_FILE>;
