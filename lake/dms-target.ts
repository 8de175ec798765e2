import type { DmsTaskSettings, Settings } from './dms-settings.ts';

/** Where a task lands its tables, and how its files are written. */
export interface DmsTarget {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly folder: string;
  readonly format: 'csv' | 'parquet';
  /** Of CSV. */
  readonly delimiter: string;
  readonly nullText: string;
  readonly hasHeader: boolean;
  /** Do files of the load, and of changes, begin with a column `Op`? */
  readonly opInLoad: boolean;
  readonly opInChanges: boolean;
  readonly timestampColumn: string | undefined;
  /** How folders of dates are named; `undefined` without them. */
  readonly dates: DateFolders | undefined;
  /** How long DMS may keep changes before it writes them. */
  readonly batchMs: number;
}

export interface DateFolders {
  /** `YYYYMMDD`, `YYYYMMDDHH`, `YYYYMM`, `MMYYYYDD`, `DDMMYYYY`. */
  readonly sequence: string;
  readonly delimiter: string;
}

/** What the rules of a task make of one table. */
export interface LandedTable {
  readonly schema: string;
  readonly table: string;
  /** The column that holds `AR_H_CHANGE_SEQ`; `undefined` where no rule adds it. */
  readonly changeColumn: string | undefined;
  /** Other columns that DMS adds: none of the table's own. */
  readonly addedColumns: readonly string[];
  /** How columns that hold what was there before a change are named. */
  readonly before: { readonly prefix: string; readonly suffix: string } | undefined;
}

const DELIMITERS: Readonly<Record<string, string>> = { SLASH: '/', UNDERSCORE: '_', DASH: '-', NONE: '' };
const DEFAULT_BATCH_S = 60;

/** From the `S3Settings` of an endpoint; DMS's own defaults where nothing is said. */
export function targetOf(s3: Settings): DmsTarget {
  const text = (name: string, unset: string) => {
    const value = s3[name];
    return typeof value === 'string' ? value : unset;
  };
  const is = (name: string) => s3[name] === true;
  const timestamp = text('TimestampColumnName', '');
  const batch = s3['CdcMaxBatchInterval'];
  return {
    bucket: text('BucketName', ''),
    folder: text('BucketFolder', '').replaceAll(/^\/+|\/+$/g, ''),
    format: text('DataFormat', 'csv') === 'parquet' ? 'parquet' : 'csv',
    delimiter: text('CsvDelimiter', ',').replaceAll(String.raw`\t`, '\t'),
    nullText: text('CsvNullValue', 'NULL'),
    hasHeader: is('AddColumnName'),
    opInLoad: is('IncludeOpForFullLoad'),
    opInChanges: !is('CdcInsertsOnly') || is('IncludeOpForFullLoad'),
    timestampColumn: timestamp === '' ? undefined : timestamp,
    dates: is('DatePartitionEnabled')
      ? {
          sequence: text('DatePartitionSequence', 'YYYYMMDD').toUpperCase(),
          delimiter: DELIMITERS[text('DatePartitionDelimiter', 'SLASH').toUpperCase()] ?? '/',
        }
      : undefined,
    batchMs: (typeof batch === 'number' ? batch : DEFAULT_BATCH_S) * 1000,
  };
}

/** A table of the source as it lands. Rules apply in their order; their patterns are those of SQL's LIKE. */
export function landedTable(
  { mappings }: Pick<DmsTaskSettings, 'mappings'>,
  schema: string,
  table: string,
): LandedTable {
  const rules = rulesOf(mappings).filter(
    (rule) => rule['rule-type'] === 'transformation' && fits(rule, schema, table),
  );
  const renamed = (target: string, name: string) =>
    rules.filter((rule) => rule['rule-target'] === target).reduce(transformed, name);
  const added = rules.filter((rule) => rule['rule-action'] === 'add-column');
  const change = added.find(({ expression }) => String(expression).includes('AR_H_CHANGE_SEQ'));
  const image = rules.find((rule) => rule['rule-action'] === 'add-before-image-columns');
  const nameOf = ({ value }: Settings) => (typeof value === 'string' ? value : '');
  return {
    schema: renamed('schema', schema),
    table: renamed('table', table),
    changeColumn: change && nameOf(change),
    addedColumns: added.filter(({ expression }) => String(expression).includes('$AR_H_')).map(nameOf),
    before: image && beforeOf(image['before-image-def']),
  };
}

function beforeOf(definition: unknown): { readonly prefix: string; readonly suffix: string } {
  const { 'column-prefix': prefix, 'column-suffix': suffix } = isSettings(definition) ? definition : {};
  const given = { prefix: textOf(prefix), suffix: textOf(suffix) };
  return given.prefix === undefined && given.suffix === undefined
    ? { prefix: 'BI_', suffix: '' }
    : { prefix: given.prefix ?? '', suffix: given.suffix ?? '' };
}

function transformed(name: string, rule: Settings): string {
  const [value, old] = [textOf(rule['value']) ?? '', textOf(rule['old-value']) ?? ''];
  switch (rule['rule-action']) {
    case 'rename':
      return value;
    case 'convert-lowercase':
      return name.toLowerCase();
    case 'convert-uppercase':
      return name.toUpperCase();
    case 'add-prefix':
      return value + name;
    case 'add-suffix':
      return name + value;
    case 'remove-prefix':
      return name.startsWith(value) ? name.slice(value.length) : name;
    case 'remove-suffix':
      return name.endsWith(value) ? name.slice(0, name.length - value.length) : name;
    case 'replace-prefix':
      return name.startsWith(old) ? value + name.slice(old.length) : name;
    case 'replace-suffix':
      return name.endsWith(old) ? name.slice(0, name.length - old.length) + value : name;
    default:
      return name;
  }
}

function fits(rule: Settings, schema: string, table: string): boolean {
  const where = rule['object-locator'];
  if (!isSettings(where)) return false;
  return like(where['schema-name'], schema) && like(where['table-name'], table);
}

/** `%` is anything, `[_]` an underscore, `_` any one character. */
function like(pattern: unknown, name: string): boolean {
  if (typeof pattern !== 'string') return true;
  const body = pattern.replaceAll(/\[_\]|[%_]|[$()*+.?[\\\]^{|}]/g, (token) => {
    if (token === '[_]') return '_';
    if (token === '%') return '.*';
    return token === '_' ? '.' : `\\${token}`;
  });
  return new RegExp(`^${body}$`, 'su').test(name);
}

function rulesOf({ rules }: Settings): readonly Settings[] {
  return Array.isArray(rules) ? rules.filter(isSettings) : [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
