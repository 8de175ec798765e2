/** The DMS task of the shop, as its documents are given to DMS. `npx tributary adopt shop-cdc` finds nothing to mend. */
export const SHOP_TASK = 'shop-cdc';
/** Of its landings alone: without versions, which DMS does not need, and the lake keeps what it takes. */
export const SHOP_BUCKET = 'shop-landing';

/** `S3Settings` of the target endpoint. */
export const SHOP_LANDING = {
  BucketName: SHOP_BUCKET,
  BucketFolder: 'shop',
  ServiceAccessRoleArn: 'arn:aws:iam::123456789012:role/shop-landing',
  DataFormat: 'parquet',
  CompressionType: 'gzip',
  IncludeOpForFullLoad: true,
  AddColumnName: true,
  TimestampColumnName: 'ar_h_commit_time',
  UseTaskStartTimeForFullLoadTimestamp: true,
  // Seconds. AWS's own is 60, which is cheaper where nobody waits for a row.
  CdcMaxBatchInterval: 1,
} as const;

/** `TableMappings`: all tables; each change numbered, and each row with the key that it had before. */
export const SHOP_MAPPINGS = {
  rules: [
    {
      'rule-type': 'selection',
      'rule-id': '1',
      'rule-name': 'all-tables',
      'object-locator': { 'schema-name': 'public', 'table-name': '%' },
      'rule-action': 'include',
    },
    {
      'rule-type': 'transformation',
      'rule-id': '2',
      'rule-name': 'change-sequence',
      'rule-target': 'column',
      'object-locator': { 'schema-name': '%', 'table-name': '%' },
      'rule-action': 'add-column',
      value: 'ar_h_change_seq',
      expression: '$AR_H_CHANGE_SEQ',
      'data-type': { type: 'string', length: 35 },
    },
    {
      'rule-type': 'transformation',
      'rule-id': '3',
      'rule-name': 'key-before',
      'rule-target': 'column',
      'object-locator': { 'schema-name': '%', 'table-name': '%' },
      'rule-action': 'add-before-image-columns',
      'before-image-def': { 'column-prefix': 'BI_', 'column-suffix': '', 'column-filter': 'pk-only' },
    },
  ],
} as const;

/** `ReplicationTaskSettings`: a reload, TRUNCATE and DROP leave what landed; a row that cannot be written suspends its table. */
export const SHOP_SETTINGS = {
  FullLoadSettings: { TargetTablePrepMode: 'DO_NOTHING' },
  ErrorBehavior: {
    DataErrorPolicy: 'SUSPEND_TABLE',
    DataTruncationErrorPolicy: 'SUSPEND_TABLE',
    TableErrorPolicy: 'SUSPEND_TABLE',
    FailOnNoTablesCaptured: true,
  },
  ChangeProcessingDdlHandlingPolicy: {
    HandleSourceTableTruncated: false,
    HandleSourceTableDropped: false,
  },
} as const;
