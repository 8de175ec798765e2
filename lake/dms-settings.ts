/** A DMS task that writes to S3, as its describes tell it; settings are parsed JSON, names as DMS spells them. */
export interface DmsTaskSettings {
  readonly migrationType: string;
  /** `ReplicationTaskSettings`. */
  readonly task: Settings;
  /** `TableMappings`. */
  readonly mappings: Settings;
  /** `S3Settings` of the target endpoint. */
  readonly s3: Settings;
}

export interface Settings {
  readonly [name: string]: unknown;
}

/** What a setting does to the lake, the worst first. */
export type Harm = 'loses data' | 'breaks order' | 'hides errors';

export interface SettingFinding {
  readonly harm: Harm;
  readonly of: 'task' | 'mappings' | 's3';
  /** Path of the setting: `ErrorBehavior.DataErrorPolicy`. */
  readonly setting: string;
  /** Its value as JSON; `absent` where DMS's default holds, which is what is judged. */
  readonly found: string;
  readonly right: unknown;
  readonly because: string;
}

/** The JSON to give to `aws dms modify-…`: what is there with the findings mended. Absent: nothing to change. */
export interface SettingChanges {
  readonly task?: Settings;
  readonly mappings?: Settings;
  /** What changes alone: DMS keeps the rest of an endpoint's settings. */
  readonly s3?: Settings;
}

interface Rule {
  readonly harm: Harm;
  readonly of: 'task' | 's3';
  readonly setting: string;
  /** DMS's own, where nothing is said. */
  readonly unset: unknown;
  readonly isWrong: (value: unknown, settings: DmsTaskSettings) => boolean;
  readonly right: unknown;
  readonly because: string;
}

const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown): boolean =>
    values.includes(value);
const isTrue = oneOf(true);
const isFalse = oneOf(false);
const isCsv = ({ s3 }: DmsTaskSettings): boolean => (s3['DataFormat'] ?? 'csv') === 'csv';
const hasChanges = ({ migrationType }: DmsTaskSettings): boolean => migrationType !== 'full-load';

/**
 * From the DMS user guide: "Using Amazon S3 as a target" (endpoint settings and limitations) and "Specifying task
 * settings" (error handling, LOBs, DDL, full load).
 */
const RULES: readonly Rule[] = [
  {
    harm: 'loses data',
    of: 's3',
    setting: 'CdcInsertsOnly',
    unset: false,
    isWrong: isTrue,
    right: false,
    because: 'updates and deletes are left out, and nothing says so',
  },
  {
    harm: 'loses data',
    of: 's3',
    setting: 'CdcInsertsAndUpdates',
    unset: false,
    isWrong: isTrue,
    right: false,
    because: 'deletes are left out, and nothing says so',
  },
  {
    harm: 'loses data',
    of: 's3',
    setting: 'ParquetTimestampInMillisecond',
    unset: false,
    isWrong: (value, settings) => value === true && !isCsv(settings),
    right: false,
    because: 'the microseconds of every time are cut off',
  },
  {
    harm: 'loses data',
    of: 's3',
    setting: 'AddColumnName',
    unset: false,
    isWrong: (value, settings) => value === false && isCsv(settings),
    right: true,
    because: 'without a header, values change their columns after ALTER TABLE',
  },
  {
    harm: 'loses data',
    of: 's3',
    setting: 'Rfc4180',
    unset: true,
    isWrong: (value, settings) => value === false && isCsv(settings),
    right: true,
    because: 'texts with quotes, delimiters or line ends cannot be read back',
  },
  {
    harm: 'breaks order',
    of: 's3',
    setting: 'PreserveTransactions',
    unset: false,
    isWrong: isTrue,
    right: false,
    because: 'the rows of all tables come in one folder, each line with columns of its own',
  },
  {
    harm: 'breaks order',
    of: 's3',
    setting: 'IncludeOpForFullLoad',
    unset: false,
    isWrong: isFalse,
    right: true,
    because: 'files of the load lack the column Op that files of changes have',
  },
  {
    harm: 'breaks order',
    of: 's3',
    setting: 'TimestampColumnName',
    unset: '',
    isWrong: oneOf('', null),
    right: 'ar_h_commit_time',
    because: 'no row says when it was committed',
  },
  {
    harm: 'breaks order',
    of: 's3',
    setting: 'UseTaskStartTimeForFullLoadTimestamp',
    unset: false,
    isWrong: (value, settings) => value === false && settings.migrationType !== 'cdc',
    right: true,
    because: 'a row of the load is stamped when it was copied, later than changes that it does not hold',
  },
  {
    harm: 'breaks order',
    of: 's3',
    setting: 'DatePartitionTimezone',
    unset: 'UTC',
    isWrong: (value) => !['', 'UTC', 'Etc/UTC'].includes(String(value)),
    right: 'UTC',
    because: 'names of files follow it, and repeat when clocks go back',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'ErrorBehavior.DataErrorPolicy',
    unset: 'LOG_ERROR',
    isWrong: oneOf('LOG_ERROR', 'IGNORE_RECORD'),
    right: 'SUSPEND_TABLE',
    because: 'a row that cannot be converted is left out, and the task runs on',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'ErrorBehavior.DataTruncationErrorPolicy',
    unset: 'LOG_ERROR',
    isWrong: oneOf('LOG_ERROR', 'IGNORE_RECORD'),
    right: 'SUSPEND_TABLE',
    because: 'a value that does not fit is cut, or its row left out',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'TargetMetadata.SupportLobs',
    unset: true,
    isWrong: isFalse,
    right: true,
    because: 'columns of large objects (text, bytea, json) are left out',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'TargetMetadata.BatchApplyEnabled',
    unset: false,
    isWrong: isTrue,
    right: false,
    because: 'DMS itself warns of loss with S3 as the target',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'FullLoadSettings.TargetTablePrepMode',
    unset: 'DROP_AND_CREATE',
    isWrong: oneOf('DROP_AND_CREATE', 'TRUNCATE_BEFORE_LOAD'),
    right: 'DO_NOTHING',
    because: 'a reload removes landed files that may not have been copied yet',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'ChangeProcessingDdlHandlingPolicy.HandleSourceTableTruncated',
    unset: true,
    isWrong: (value, settings) => value === true && hasChanges(settings),
    right: false,
    because: 'TRUNCATE at the source removes every landed file of the table',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped',
    unset: true,
    isWrong: (value, settings) => value === true && hasChanges(settings),
    right: false,
    because: 'DROP TABLE at the source removes every landed file of the table',
  },
  {
    harm: 'loses data',
    of: 'task',
    setting: 'ChangeProcessingDdlHandlingPolicy.HandleSourceTableAltered',
    unset: true,
    isWrong: (value, settings) => value === false && hasChanges(settings),
    right: true,
    because:
      'files keep the columns of before: what is renamed is null in them, and what is added is missing',
  },
  {
    harm: 'hides errors',
    of: 'task',
    setting: 'ErrorBehavior.FailOnNoTablesCaptured',
    unset: false,
    isWrong: isFalse,
    right: true,
    because: 'a task whose rules match no table ends as if all were well',
  },
];

const CHANGE_SEQ = 'AR_H_CHANGE_SEQ';

/** Settings of a task that somebody else made that lose data, break the order of changes, or hide errors. */
export function reviewSettings(settings: DmsTaskSettings): readonly SettingFinding[] {
  const found = RULES.flatMap((rule): SettingFinding[] => {
    const value = at(settings[rule.of], rule.setting);
    if (!rule.isWrong(value ?? rule.unset, settings)) return [];
    const { harm, of, setting, right, because } = rule;
    return [
      { harm, of, setting, found: value === undefined ? 'absent' : JSON.stringify(value), right, because },
    ];
  });
  if (hasChanges(settings) && !hasChangeSequence(settings.mappings)) {
    found.push({
      harm: 'breaks order',
      of: 'mappings',
      setting: 'rules',
      found: `no rule that adds ${CHANGE_SEQ}`,
      right: changeSequenceRule(settings.mappings),
      because: 'the rows of one transaction have one time: only the change sequence orders them',
    });
  }
  if (hasChanges(settings) && !hasBeforeImages(settings.mappings)) {
    const after = found.filter(({ of }) => of === 'mappings').length;
    found.push({
      harm: 'hides errors',
      of: 'mappings',
      setting: 'rules',
      found: 'no rule that adds before-images',
      right: beforeImageRule(settings.mappings, after),
      because: 'an update that changes a key brings the new key alone: the row of the old one stays',
    });
  }
  const worst: readonly Harm[] = ['loses data', 'breaks order', 'hides errors'];
  return found.toSorted((a, b) => worst.indexOf(a.harm) - worst.indexOf(b.harm));
}

/** What to give to DMS so that a review of the result finds nothing. */
export function mendedSettings(
  settings: DmsTaskSettings,
  findings: readonly SettingFinding[],
): SettingChanges {
  const of = (what: SettingFinding['of']) => findings.filter((finding) => finding.of === what);
  const mended = (from: Settings, what: 'task' | 's3'): Settings =>
    of(what).reduce((into, { setting, right }) => withSetting(into, setting.split('.'), right), from);
  const added = of('mappings').map(({ right }) => right);
  return {
    ...(of('task').length > 0 && { task: mended(settings.task, 'task') }),
    ...(added.length > 0 && {
      mappings: { ...settings.mappings, rules: [...rulesOf(settings.mappings), ...added] },
    }),
    ...(of('s3').length > 0 && { s3: mended({}, 's3') }),
  };
}

function hasChangeSequence(mappings: Settings): boolean {
  return rulesOf(mappings).some(
    (rule) =>
      rule['rule-type'] === 'transformation' &&
      rule['rule-action'] === 'add-column' &&
      String(rule['expression']).includes(CHANGE_SEQ),
  );
}

function hasBeforeImages(mappings: Settings): boolean {
  return rulesOf(mappings).some((rule) => rule['rule-action'] === 'add-before-image-columns');
}

function beforeImageRule(mappings: Settings, after: number): Settings {
  const id = freeId(mappings, after);
  return {
    'rule-type': 'transformation',
    'rule-id': id,
    'rule-name': `before-images-${id}`,
    'rule-target': 'column',
    'object-locator': { 'schema-name': '%', 'table-name': '%' },
    'rule-action': 'add-before-image-columns',
    'before-image-def': { 'column-prefix': 'BI_', 'column-suffix': '', 'column-filter': 'pk-only' },
  };
}

/** Greater than all there are. `after`: so many others are added before. */
function freeId(mappings: Settings, after = 0): string {
  const ids = rulesOf(mappings).map((rule) => Number(rule['rule-id']));
  return String(1 + after + Math.max(0, ...ids.filter((one) => Number.isSafeInteger(one))));
}

function changeSequenceRule(mappings: Settings): Settings {
  const id = freeId(mappings);
  return {
    'rule-type': 'transformation',
    'rule-id': id,
    'rule-name': `change-seq-${id}`,
    'rule-target': 'column',
    'object-locator': { 'schema-name': '%', 'table-name': '%' },
    'rule-action': 'add-column',
    value: 'ar_h_change_seq',
    expression: `$${CHANGE_SEQ}`,
    'data-type': { type: 'string', length: 35 },
  };
}

function rulesOf({ rules }: Settings): readonly Settings[] {
  return Array.isArray(rules) ? rules.filter(isSettings) : [];
}

function at(settings: Settings, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>((within, name) => (isSettings(within) ? within[name] : undefined), settings);
}

function withSetting(settings: Settings, [name = '', ...rest]: readonly string[], value: unknown): Settings {
  const within = settings[name];
  return {
    ...settings,
    [name]: rest.length === 0 ? value : withSetting(isSettings(within) ? within : {}, rest, value),
  };
}

function isSettings(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
