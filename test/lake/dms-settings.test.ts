import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  type DmsTaskSettings,
  type Settings,
  mendedSettings,
  reviewSettings,
} from '../../lake/dms-settings.ts';

/** What `aws dms create-…` makes of the fewest arguments: DMS's own defaults. */
const BARE: DmsTaskSettings = {
  migrationType: 'full-load-and-cdc',
  task: {},
  mappings: { rules: [] },
  s3: {},
};

test('a task with the defaults of DMS loses data in six ways, and is told each', () => {
  const told = reviewSettings(BARE).map(({ harm, setting }) => `${harm}: ${setting}`);
  expect(told).toEqual([
    'loses data: AddColumnName',
    'loses data: ErrorBehavior.DataErrorPolicy',
    'loses data: ErrorBehavior.DataTruncationErrorPolicy',
    'loses data: FullLoadSettings.TargetTablePrepMode',
    'loses data: ChangeProcessingDdlHandlingPolicy.HandleSourceTableTruncated',
    'loses data: ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped',
    'breaks order: IncludeOpForFullLoad',
    'breaks order: TimestampColumnName',
    'breaks order: UseTaskStartTimeForFullLoadTimestamp',
    'breaks order: rules',
    'hides errors: ErrorBehavior.FailOnNoTablesCaptured',
    'hides errors: rules',
  ]);
});

test('a task that keeps the columns of before loses what is renamed or added', () => {
  const task = { ChangeProcessingDdlHandlingPolicy: { HandleSourceTableAltered: false } };
  const setting = 'ChangeProcessingDdlHandlingPolicy.HandleSourceTableAltered';
  const harms = reviewSettings({ ...BARE, task }).flatMap((one) =>
    one.setting === setting ? [one.harm] : [],
  );
  expect(harms).toEqual(['loses data']);
});

test.each([
  ['CdcInsertsOnly', true],
  ['CdcInsertsAndUpdates', true],
  ['Rfc4180', false],
  ['PreserveTransactions', true],
  ['DatePartitionTimezone', 'Europe/Berlin'],
])('%s = %j is a finding, with what was found', (setting, value) => {
  const findings = reviewSettings({ ...BARE, s3: { [setting]: value } });
  expect(findings.find((one) => one.setting === setting)?.found).toBe(JSON.stringify(value));
});

test('Parquet has names and no quotes; its times may lose their microseconds', () => {
  const s3 = { DataFormat: 'parquet', Rfc4180: false, ParquetTimestampInMillisecond: true };
  const names = reviewSettings({ ...BARE, s3 }).map(({ setting }) => setting);
  expect(names).toContain('ParquetTimestampInMillisecond');
  expect(names).not.toContain('AddColumnName');
  expect(names).not.toContain('Rfc4180');
});

test('without before-images a key that changes leaves a row behind, which is told', () => {
  const found = reviewSettings(BARE).find(({ found: what }) => what.includes('before-images'));
  expect(found?.because).toContain('the row of the old one stays');
});

test('a full load alone needs no order of changes', () => {
  const names = reviewSettings({ ...BARE, migrationType: 'full-load' }).map(({ setting }) => setting);
  expect(names).not.toContain('rules');
  expect(names).not.toContain('ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped');
});

test('what changes is said as DMS takes it: whole task settings and rules, of S3 what differs alone', () => {
  const given: DmsTaskSettings = {
    ...BARE,
    task: { Logging: { EnableLogging: true }, ErrorBehavior: { RecoverableErrorCount: -1 } },
    mappings: { rules: [{ 'rule-id': '7', 'rule-type': 'selection' }] },
    s3: { BucketName: 'landing', CompressionType: 'gzip' },
  };
  expect(mendedSettings(given, reviewSettings(given))).toEqual({
    task: {
      Logging: { EnableLogging: true },
      ErrorBehavior: {
        RecoverableErrorCount: -1,
        DataErrorPolicy: 'SUSPEND_TABLE',
        DataTruncationErrorPolicy: 'SUSPEND_TABLE',
        FailOnNoTablesCaptured: true,
      },
      FullLoadSettings: { TargetTablePrepMode: 'DO_NOTHING' },
      ChangeProcessingDdlHandlingPolicy: {
        HandleSourceTableTruncated: false,
        HandleSourceTableDropped: false,
      },
    },
    mappings: {
      rules: [
        { 'rule-id': '7', 'rule-type': 'selection' },
        {
          'rule-type': 'transformation',
          'rule-id': '8',
          'rule-name': 'change-seq-8',
          'rule-target': 'column',
          'object-locator': { 'schema-name': '%', 'table-name': '%' },
          'rule-action': 'add-column',
          value: 'ar_h_change_seq',
          expression: '$AR_H_CHANGE_SEQ',
          'data-type': { type: 'string', length: 35 },
        },
        {
          'rule-type': 'transformation',
          'rule-id': '9',
          'rule-name': 'before-images-9',
          'rule-target': 'column',
          'object-locator': { 'schema-name': '%', 'table-name': '%' },
          'rule-action': 'add-before-image-columns',
          'before-image-def': { 'column-prefix': 'BI_', 'column-suffix': '', 'column-filter': 'pk-only' },
        },
      ],
    },
    s3: {
      AddColumnName: true,
      IncludeOpForFullLoad: true,
      TimestampColumnName: 'ar_h_commit_time',
      UseTaskStartTimeForFullLoadTimestamp: true,
    },
  });
});

const junk = fc.dictionary(
  fc.constantFrom('ErrorBehavior', 'TargetMetadata', 'x'),
  fc.jsonValue(),
) as fc.Arbitrary<Settings>;
const s3 = fc.record(
  {
    DataFormat: fc.constantFrom('csv', 'parquet'),
    CdcInsertsOnly: fc.boolean(),
    Rfc4180: fc.boolean(),
    AddColumnName: fc.boolean(),
    PreserveTransactions: fc.boolean(),
    TimestampColumnName: fc.constantFrom('', 'ts'),
    DatePartitionTimezone: fc.constantFrom('UTC', 'Asia/Tokyo'),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Settings>;

test('mended settings have no findings, whatever they were', () => {
  const migrationType = fc.constantFrom('full-load', 'cdc', 'full-load-and-cdc');
  const mappings = fc.constantFrom<Settings>(
    {},
    { rules: [] },
    { rules: [{ 'rule-id': '3' }] },
    { rules: 'none' },
  );
  fc.assert(
    fc.property(fc.record({ migrationType, task: junk, mappings, s3 }), (settings) => {
      const changes = mendedSettings(settings, reviewSettings(settings));
      const mended = { ...settings, ...changes, s3: { ...settings.s3, ...changes.s3 } };
      expect(reviewSettings(mended)).toEqual([]);
    }),
  );
});
