import type { S3Settings } from '@aws-sdk/client-database-migration-service';
import { invalid, refuseOthers } from './identifier.ts';
import type { Endpoint } from './model.ts';
import { parseAttributes } from './source-settings.ts';

/** What lands in S3, and how. */
export interface S3Target {
  readonly bucket: string;
  /** Ends in a slash, unless it is empty. */
  readonly folder: string;
  readonly format: 'csv' | 'parquet';
  readonly gzip: boolean;
  readonly delimiter: string;
  readonly rowDelimiter: string;
  readonly nullValue: string;
  readonly header: boolean;
  readonly opInLoad: boolean;
  /** Which changes are written, and whether they say what they are. */
  readonly changes: 'all' | 'inserts-and-updates' | 'inserts';
  readonly opInChanges: boolean;
  readonly timestampColumn: string | undefined;
  readonly loadTimestampIsStart: boolean;
  readonly partition:
    { readonly parts: readonly string[]; readonly delimiter: string; readonly zone: string } | undefined;
  readonly batchMs: number;
  readonly batchBytes: number;
  readonly loadFileBytes: number;
  /** Below the folder; transactions are then kept whole, in one file for all tables. */
  readonly transactionsPath: string | undefined;
  readonly millisecondTimestamps: boolean;
  readonly owner: string | undefined;
}

const KNOWN = [
  'ServiceAccessRoleArn',
  'BucketName',
  'BucketFolder',
  'DataFormat',
  'CompressionType',
  'CsvDelimiter',
  'CsvRowDelimiter',
  'CsvNullValue',
  'AddColumnName',
  'IncludeOpForFullLoad',
  'CdcInsertsOnly',
  'CdcInsertsAndUpdates',
  'TimestampColumnName',
  'UseTaskStartTimeForFullLoadTimestamp',
  'DatePartitionEnabled',
  'DatePartitionSequence',
  'DatePartitionDelimiter',
  'DatePartitionTimezone',
  'CdcMaxBatchInterval',
  'CdcMinFileSize',
  'MaxFileSize',
  'CdcPath',
  'PreserveTransactions',
  'ParquetTimestampInMillisecond',
  'ParquetVersion',
  'EnableStatistics',
  'EncodingType',
  'DictPageSizeLimit',
  'RowGroupLength',
  'DataPageSize',
  'EncryptionMode',
  'ExpectedBucketOwner',
  'Rfc4180',
  'CannedAclForObjects',
];

const SEQUENCES: Readonly<Record<string, readonly string[]>> = {
  YYYYMMDD: ['YYYY', 'MM', 'DD'],
  YYYYMMDDHH: ['YYYY', 'MM', 'DD', 'HH'],
  YYYYMM: ['YYYY', 'MM'],
  MMYYYYDD: ['MM', 'YYYY', 'DD'],
  DDMMYYYY: ['DD', 'MM', 'YYYY'],
};
const DELIMITERS: Readonly<Record<string, string>> = { SLASH: '/', UNDERSCORE: '_', DASH: '-', NONE: '' };

/** S3Settings, where ExtraConnectionAttributes add what the settings leave out. Refuses what is not built. */
export function parseS3Target({ given, s3 }: Pick<Endpoint, 'given' | 's3'>): S3Target {
  const all: S3Settings & { Rfc4180?: boolean | undefined } = {
    ...fromAttributes(given.ExtraConnectionAttributes),
    ...s3,
  };
  refuseOthers('S3Settings', all, KNOWN);
  if (!all.BucketName) throw invalid('BucketName of the target must be given');
  if (all.Rfc4180 === false) throw invalid('Rfc4180=false is not built here');
  if (all.EncryptionMode === 'sse-kms') throw invalid('EncryptionMode sse-kms is not built here');
  if (all.CdcInsertsOnly === true && all.CdcInsertsAndUpdates === true) {
    throw invalid('CdcInsertsOnly and CdcInsertsAndUpdates exclude each other');
  }
  if (all.PreserveTransactions === true) checkTransactions(all);
  const folder = (all.BucketFolder ?? '').replace(/^\/+|\/+$/g, '');
  const opInLoad = all.IncludeOpForFullLoad ?? false;
  return {
    bucket: all.BucketName,
    folder: folder === '' ? '' : `${folder}/`,
    format: all.PreserveTransactions === true ? 'csv' : (all.DataFormat ?? 'csv'),
    gzip: all.CompressionType === 'gzip',
    delimiter: unescaped(all.CsvDelimiter ?? ','),
    rowDelimiter: unescaped(all.CsvRowDelimiter ?? '\n'),
    nullValue: all.CsvNullValue ?? 'NULL',
    header: all.AddColumnName ?? false,
    opInLoad,
    changes: all.CdcInsertsOnly ? 'inserts' : all.CdcInsertsAndUpdates ? 'inserts-and-updates' : 'all',
    opInChanges: all.CdcInsertsOnly !== true || opInLoad,
    timestampColumn: all.TimestampColumnName === '' ? undefined : all.TimestampColumnName,
    loadTimestampIsStart: all.UseTaskStartTimeForFullLoadTimestamp ?? false,
    partition: partitionOf(all),
    batchMs: (all.CdcMaxBatchInterval ?? 60) * 1_000,
    batchBytes: (all.CdcMinFileSize ?? 32_000) * 1_024,
    loadFileBytes: (all.MaxFileSize ?? 1_048_576) * 1_024,
    transactionsPath:
      all.PreserveTransactions === true ? (all.CdcPath ?? '').replace(/^\/+|\/+$/g, '') : undefined,
    millisecondTimestamps: all.ParquetTimestampInMillisecond ?? false,
    owner: all.ExpectedBucketOwner,
  };
}

function checkTransactions(all: S3Settings): void {
  if (!all.CdcPath) throw invalid('PreserveTransactions needs a CdcPath');
  if (all.DatePartitionEnabled === true)
    throw invalid('PreserveTransactions and DatePartitionEnabled exclude each other');
  if (all.AddColumnName === true) throw invalid('PreserveTransactions and AddColumnName exclude each other');
}

function partitionOf(all: S3Settings): S3Target['partition'] {
  if (all.DatePartitionEnabled !== true) return undefined;
  const parts = SEQUENCES[(all.DatePartitionSequence ?? 'YYYYMMDD').toUpperCase()];
  const delimiter = DELIMITERS[(all.DatePartitionDelimiter ?? 'SLASH').toUpperCase()];
  if (!parts || delimiter === undefined) {
    throw invalid(
      `DatePartitionSequence ${all.DatePartitionSequence}, DatePartitionDelimiter ${all.DatePartitionDelimiter}: no such value`,
    );
  }
  const zone = all.DatePartitionTimezone ?? 'UTC';
  try {
    return {
      parts,
      delimiter,
      zone: new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone,
    };
  } catch {
    throw invalid(`DatePartitionTimezone ${zone} is no time zone`);
  }
}

/** `dataFormat=parquet;cdcMaxBatchInterval=5`: the names of the settings, with a small first letter. */
function fromAttributes(text: string | undefined): Record<string, string | number | boolean> {
  const read = (value: string) =>
    /^\d+$/.test(value)
      ? Number(value)
      : /^(true|false)$/i.test(value)
        ? value.toLowerCase() === 'true'
        : value;
  return Object.fromEntries(
    Object.entries(parseAttributes(text)).map(([name, value]) => [
      name.charAt(0).toUpperCase() + name.slice(1),
      read(value),
    ]),
  );
}

function unescaped(text: string): string {
  return text.replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\t', '\t');
}
