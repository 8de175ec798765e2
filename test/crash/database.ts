import { CreateBucketCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ReplicationTasks, TaskDetails } from '../../activities/dms/port.ts';
import { failure } from '../../activities/failure.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';
import type { DmsTask } from '../../lake/dms.ts';

/** Where its tasks land, whatever lake collects them. */
const BUCKET = 'crash-landing';

/** One task at a time lands a table of a shop; each loads it anew. They stand: what they did is done. */
const TASKS = {
  'crash-1': { loadStartedAt: '2024-01-01T00:00:00.000Z', rows: 3, changes: 3 },
  'crash-2': { loadStartedAt: '2024-01-02T00:00:00.000Z', rows: 2, changes: 1 },
  // Where its load is that of the second, and a file of its changes is broken.
  'crash-3': { loadStartedAt: '2024-01-02T00:00:00.000Z', rows: 2, changes: 0 },
} as const;
type Task = keyof typeof TASKS;

const sequence = (n: number) => `2024010300000000${String(n).padStart(19, '0')}`;
const HEAD = 'Op,id,name,seq';

const LANDINGS: Readonly<Record<Task, Readonly<Record<string, readonly string[]>>>> = {
  'crash-1': {
    'LOAD00000001.csv': [HEAD, 'I,1,one,', 'I,2,two,'],
    'LOAD00000002.csv': [HEAD, 'I,three,three,'],
    '20240103-000000001.csv': [
      HEAD,
      `U,1,ONE,${sequence(1)}`,
      `D,2,NULL,${sequence(2)}`,
      `I,4,four,${sequence(3)}`,
    ],
  },
  'crash-2': {
    'LOAD00000001.csv': [HEAD, 'I,1,again,'],
    'LOAD00000002.csv': [HEAD, 'I,5,five,'],
    '20240103-000000002.csv': [HEAD, `U,5,FIVE,${sequence(4)}`],
  },
  'crash-3': { '20240103-000000003.csv': [HEAD, `U,5,"broken,${sequence(5)}`] },
};

/** What the tasks landed, made once for all lakes. */
export async function landAll(s3: S3Client): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: BUCKET }));
  for (const [task, landings] of Object.entries(LANDINGS)) {
    for (const [landing, lines] of Object.entries(landings)) {
      const Key = `${task}/public/customers/${landing}`;
      await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key, Body: `${lines.join('\n')}\n` }));
    }
  }
}

/** The tasks as DMS tells of them. */
export class StandingTasks implements ReplicationTasks {
  async describe({ names }: { readonly names: readonly string[] }): Promise<readonly DmsTask[]> {
    return names.map((arn) => ({
      identifier: arn,
      arn,
      migrationType: 'full-load-and-cdc',
      status: 'stopped',
      stopReason: 'Stop Reason NORMAL',
      startedAt: null,
      stoppedAt: null,
      lastFailure: null,
      checkpoint: null,
      progressPercent: 100,
      tablesErrored: 0,
    }));
  }

  async tables(arn: string): Promise<{ readonly tables: readonly DmsTable[]; readonly next: undefined }> {
    const { loadStartedAt, rows, changes } = TASKS[arn as Task];
    const table = { schema: 'public', table: 'customers', state: 'Table completed', validation: null };
    const counts = { rows, inserts: changes, updates: 0, deletes: 0, ddls: 0 };
    const times = { loadStartedAt, loadEndedAt: loadStartedAt, refreshedAt: null };
    return { tables: [{ ...table, ...counts, ...times }], next: undefined };
  }

  async settings(name: string): Promise<TaskDetails> {
    const rule = {
      'rule-type': 'transformation',
      'object-locator': { 'schema-name': '%', 'table-name': '%' },
      'rule-action': 'add-column',
      value: 'seq',
      expression: '$AR_H_CHANGE_SEQ',
    };
    return {
      identifier: name,
      arn: name,
      status: 'stopped',
      migrationType: 'full-load-and-cdc',
      sourceArn: 'source',
      targetArn: 'target',
      instanceArn: 'instance',
      task: {},
      mappings: { rules: [rule] },
      s3: { BucketName: BUCKET, BucketFolder: name, AddColumnName: true, IncludeOpForFullLoad: true },
    };
  }

  async writers(): Promise<readonly string[]> {
    return [];
  }

  start = notHere;
  stop = notHere;
  reload = notHere;
}

function notHere(): Promise<never> {
  return Promise.reject(failure('DmsRefused', 'these tasks have done their work'));
}
