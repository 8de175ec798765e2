import { ReloadTablesCommand, type TableStatistics } from '@aws-sdk/client-database-migration-service';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { eventually, until } from '../support/eventually.ts';
import {
  ALL_OF_PUBLIC,
  type Database,
  type DmsLab,
  changesOf,
  connect,
  keysOf,
  loadOf,
  makeDatabase,
  makeTask,
  openDmsLab,
  start,
  statistics,
} from './dms-lab.ts';

let lab: DmsLab;
beforeAll(async () => {
  lab = await openDmsLab();
});
afterAll(() => lab.close());

async function database(...sql: string[]): Promise<Database> {
  const made = await makeDatabase(lab);
  onTestFinished(() => made.end());
  for (const one of sql) await made.query(one);
  return made;
}

const SEQUENCE_RULE = {
  'rule-type': 'transformation',
  'rule-id': '2',
  'rule-name': '2',
  'rule-target': 'column',
  'rule-action': 'add-column',
  'object-locator': { 'schema-name': '%', 'table-name': '%' },
  value: 'seq',
  expression: '$AR_H_CHANGE_SEQ',
  'data-type': { type: 'string', length: 35 },
};

/** Inserts the rows 1, 2, 3 … one by one until `end`, which resolves with the last of them. */
async function writing(db: Database) {
  const client = await connect(lab.postgres, db.name);
  let last = 0;
  const over = new AbortController();
  const run = (async () => {
    while (!over.signal.aborted) {
      await client.query('INSERT INTO a VALUES ($1)', [last + 1]);
      last += 1;
    }
    await client.end();
  })();
  return {
    wrote: () => last,
    end: async (): Promise<number> => {
      over.abort();
      await run;
      return last;
    },
  };
}

async function landed(bucket: string) {
  const loaded = (await loadOf(lab, bucket, 'a')).split('\n').filter((line) => line !== '');
  const changes = (await changesOf(lab, bucket, 'a')).map((line) => line.split(','));
  const changed = changes.map(([op, time, id, seq]) => ({
    op,
    time: String(time),
    id: Number(id),
    seq: String(seq),
  }));
  return { loaded: loaded.map((line) => Number(line.split(',')[1])), changed };
}

async function tableA(arn: string): Promise<TableStatistics> {
  return (await statistics(lab, arn))['a'] ?? {};
}

/** The digits of a time that AR_H_CHANGE_SEQ begins with. */
function sequenceAt(time: Date | undefined): string {
  return (time?.toISOString() ?? '').replaceAll(/\D/g, '').slice(0, 16);
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, at) => at + 1);
}

async function running(db: Database) {
  const task = await makeTask(lab, db.name, {
    type: 'full-load-and-cdc',
    s3: { TimestampColumnName: 'at' },
    rules: [...ALL_OF_PUBLIC, SEQUENCE_RULE],
  });
  await start(lab, task.arn);
  await eventually(async () => (await tableA(task.arn)).TableState, 'Table completed');
  return task;
}

test('each row is in the load or in a change, and every change is younger than the start of the load', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const writer = await writing(db);
  await until(writer.wrote, (count) => count > 20);

  const { arn, bucket } = await running(db);
  const atOnce = writer.wrote();
  await until(writer.wrote, (count) => count > atOnce + 20);
  const last = await writer.end();

  const { loaded, changed } = await until(
    () => landed(bucket),
    (found) => found.loaded.length + found.changed.length >= last,
  );
  expect([...loaded, ...changed.map(({ id }) => id)]).toEqual(upTo(last));
  const { FullLoadStartTime, FullLoadEndTime, FullLoadRows, FullLoadReloaded } = await tableA(arn);
  expect([FullLoadRows, FullLoadReloaded]).toEqual([loaded.length, false]);
  expect(Number(FullLoadStartTime) <= Number(FullLoadEndTime)).toBe(true);
  const from = FullLoadStartTime?.toISOString().replace('T', ' ').replace('Z', '') ?? '';
  expect(changed.filter(({ time }) => time < from)).toEqual([]);
  expect(changed.filter(({ seq }) => !/^\d{35}$/.test(seq) || seq <= sequenceAt(FullLoadStartTime))).toEqual(
    [],
  );
});

test('no change from before the snapshot of a reload lands after it, and none from behind it is missing', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)');
  const { arn, bucket } = await running(db);
  const first = await tableA(arn);
  const writer = await writing(db);
  await until(writer.wrote, (count) => count > 50);
  const askedAt = Date.now();

  await lab.dms.send(
    new ReloadTablesCommand({
      ReplicationTaskArn: arn,
      TablesToReload: [{ SchemaName: 'public', TableName: 'a' }],
    }),
  );
  await eventually(async () => {
    const { TableState, FullLoadReloaded } = await tableA(arn);
    return [TableState, FullLoadReloaded];
  }, ['Table completed', true]);
  const atOnce = writer.wrote();
  await until(writer.wrote, (count) => count > atOnce + 20);
  const last = await writer.end();

  const { loaded, changed } = await until(
    () => landed(bucket),
    (found) => found.loaded.length + found.changed.length >= last,
  );
  expect([...loaded, ...changed.map(({ id }) => id)]).toEqual(upTo(last));
  const reloaded = await tableA(arn);
  expect(reloaded.FullLoadRows).toBe(loaded.length);
  expect(Number(reloaded.FullLoadStartTime) >= askedAt).toBe(true);
  expect(Number(first.FullLoadEndTime) <= Number(reloaded.FullLoadStartTime)).toBe(true);
  expect(Number(reloaded.FullLoadStartTime) <= Number(reloaded.FullLoadEndTime)).toBe(true);
  expect(changed.filter(({ seq }) => seq <= sequenceAt(reloaded.FullLoadStartTime))).toEqual([]);
});

test('a table that is empty when it is reloaded is complete with no row and no file', async () => {
  const db = await database('CREATE TABLE a (id int PRIMARY KEY)', 'INSERT INTO a VALUES (1)');
  const { arn, bucket } = await running(db);
  await db.query('DELETE FROM a');

  await lab.dms.send(
    new ReloadTablesCommand({
      ReplicationTaskArn: arn,
      TablesToReload: [{ SchemaName: 'public', TableName: 'a' }],
    }),
  );

  await eventually(async () => (await tableA(arn)).FullLoadReloaded, true);
  expect(await tableA(arn)).toMatchObject({ TableState: 'Table completed', FullLoadRows: 0 });
  expect(await keysOf(lab, bucket)).toEqual([]);
});
