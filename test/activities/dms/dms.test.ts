import { once } from 'node:events';
import { type ServerResponse, createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { createDmsClient } from '../../../activities/dms/clients.ts';
import { DmsTasks } from '../../../activities/dms/dms.ts';

const { signal } = new AbortController();
const ARN = 'arn:aws:dms:eu-west-1:123456789012:task:SHOP';
const START = { arn: ARN, type: 'start-replication' } as const;

interface Asked {
  readonly operation: string;
  readonly body: unknown;
}

/** DMS as `answer` plays it, and what was asked of it. */
async function openWith(answer: (asked: Asked, response: ServerResponse) => void) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
      const one = { operation, body: JSON.parse(body) as unknown };
      asked.push(one);
      answer(one, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const where = { endpoint: `http://127.0.0.1:${port}`, region: 'eu-west-1' };
  const client = createDmsClient({ ...where, maxAttempts: 3 });
  const changes = createDmsClient({ ...where, maxAttempts: 1 });
  onTestFinished(async () => {
    client.destroy();
    changes.destroy();
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return { tasks: new DmsTasks({ client, once: changes }), asked };
}

function send(response: ServerResponse, body: object, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));
}

function refuse(response: ServerResponse, name: string, status = 400): void {
  send(response, { __type: name, message: `${name} was said` }, status);
}

test('a task is told in the words of the lake', async () => {
  const { tasks, asked } = await openWith((_, response) =>
    send(response, {
      ReplicationTasks: [
        {
          ReplicationTaskIdentifier: 'shop',
          ReplicationTaskArn: ARN,
          MigrationType: 'full-load-and-cdc',
          Status: 'stopped',
          StopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
          LastFailureMessage: '',
          RecoveryCheckpoint: 'checkpoint:V1#27',
          ReplicationTaskStartDate: 1_795_348_800,
          ReplicationTaskStats: {
            StartDate: 1_795_348_801.5,
            StopDate: 1_795_348_900,
            FullLoadProgressPercent: 100,
            TablesErrored: 1,
          },
        },
      ],
    }),
  );
  expect(await tasks.describe({ by: 'id', names: ['shop', 'other'] }, signal)).toEqual([
    {
      identifier: 'shop',
      arn: ARN,
      migrationType: 'full-load-and-cdc',
      status: 'stopped',
      stopReason: 'Stop Reason FULL_LOAD_ONLY_FINISHED',
      startedAt: '2026-11-22T12:00:01.500Z',
      stoppedAt: '2026-11-22T12:01:40.000Z',
      lastFailure: null,
      checkpoint: 'checkpoint:V1#27',
      progressPercent: 100,
      tablesErrored: 1,
    },
  ]);
  expect(asked).toEqual([
    {
      operation: 'DescribeReplicationTasks',
      body: {
        Filters: [{ Name: 'replication-task-id', Values: ['shop', 'other'] }],
        MaxRecords: 100,
        WithoutSettings: true,
      },
    },
  ]);
});

test('pages are followed, and an empty one is no end', async () => {
  const pages: object[] = [
    { ReplicationTasks: [], Marker: 'a' },
    { ReplicationTasks: [{ ReplicationTaskArn: ARN }], Marker: 'b' },
    { ReplicationTasks: [{ ReplicationTaskArn: 'other' }] },
  ];
  const { tasks } = await openWith((_, response) => send(response, pages.shift() ?? {}));
  const found = await tasks.describe({ by: 'arn', names: [ARN, 'other'] }, signal);
  expect(found.map(({ arn }) => arn)).toEqual([ARN, 'other']);
});

test('one name that is gone does not hide the others', async () => {
  const { tasks } = await openWith(({ body }, response) => {
    const names = (body as { Filters: { Values: string[] }[] }).Filters[0]?.Values ?? [];
    if (names.includes('gone')) refuse(response, 'ResourceNotFoundFault', 404);
    else send(response, { ReplicationTasks: names.map((name) => ({ ReplicationTaskArn: name })) });
  });
  const found = await tasks.describe({ by: 'arn', names: ['a', 'gone', 'b', 'c'] }, signal);
  expect(found.map(({ arn }) => arn)).toEqual(['a', 'b', 'c']);
});

test('tables are told by page', async () => {
  const { tasks, asked } = await openWith((_, response) =>
    send(response, {
      TableStatistics: [
        {
          SchemaName: 'public',
          TableName: 'bookings',
          TableState: 'Table error',
          ValidationState: 'Not enabled',
          FullLoadRows: 7,
          FullLoadStartTime: 1_795_348_700,
          Inserts: 1,
          Updates: 2,
          Deletes: 3,
          Ddls: 4,
          LastUpdateTime: 1_795_348_800,
        },
      ],
      Marker: 'next',
    }),
  );
  expect(await tasks.tables(ARN, 'here', signal)).toEqual({
    tables: [
      {
        schema: 'public',
        table: 'bookings',
        state: 'Table error',
        validation: 'Not enabled',
        rows: 7,
        refreshedAt: '2026-11-22T12:00:00.000Z',
        loadStartedAt: '2026-11-22T11:58:20.000Z',
        loadEndedAt: null,
        inserts: 1,
        updates: 2,
        deletes: 3,
        ddls: 4,
      },
    ],
    next: 'next',
  });
  expect(asked[0]?.body).toEqual({ ReplicationTaskArn: ARN, MaxRecords: 500, Marker: 'here' });
});

test('a task that never ran has no tables', async () => {
  const { tasks } = await openWith((_, response) => refuse(response, 'InvalidResourceStateFault'));
  expect(await tasks.tables(ARN, undefined, signal)).toEqual({ tables: [], next: undefined });
});

test('a start goes out once, whatever comes back', async () => {
  const { tasks, asked } = await openWith((_, response) => refuse(response, 'InternalFailure', 500));
  await expect(tasks.start(START, signal)).rejects.toMatchObject({ type: 'Unreachable' });
  expect(asked).toHaveLength(1);
});

test('a start whose connection breaks goes out once', async () => {
  const { tasks, asked } = await openWith((_, response) => response.destroy());
  await expect(tasks.start(START, signal)).rejects.toMatchObject({ type: 'Unreachable' });
  expect(asked).toHaveLength(1);
});

test('a start names its type and positions', async () => {
  const { tasks, asked } = await openWith((_, response) => send(response, { ReplicationTask: {} }));
  const positions = {
    cdcStartPosition: 'checkpoint:V1#27',
    cdcStopPosition: 'server_time:2026-11-22T12:00:00',
  };
  expect(await tasks.start({ ...START, ...positions }, signal)).toBe('accepted');
  expect(asked).toEqual([
    {
      operation: 'StartReplicationTask',
      body: {
        ReplicationTaskArn: ARN,
        StartReplicationTaskType: 'start-replication',
        CdcStartPosition: 'checkpoint:V1#27',
        CdcStopPosition: 'server_time:2026-11-22T12:00:00',
      },
    },
  ]);
});

test('a change that the state of a task forbids is an answer', async () => {
  const { tasks } = await openWith((_, response) => refuse(response, 'InvalidResourceStateFault'));
  expect(await tasks.start(START, signal)).toBe('wrongState');
  expect(await tasks.stop(ARN, signal)).toBe('wrongState');
  expect(await tasks.reload(ARN, [{ schema: 'public', table: 'bookings' }], signal)).toBe('wrongState');
});

test.each([
  ['AccessDeniedFault', 'AccessDenied'],
  ['AccessDeniedException', 'AccessDenied'],
  ['KMSThrottlingFault', 'Throttled'],
  ['ThrottlingException', 'Throttled'],
  ['ResourceNotFoundFault', 'DmsTaskMissing'],
  ['ResourceQuotaExceededFault', 'DmsRefused'],
  ['KMSKeyNotAccessibleFault', 'AccessDenied'],
])('%s means %s', async (said, type) => {
  const { tasks } = await openWith((_, response) => refuse(response, said));
  await expect(tasks.start(START, signal)).rejects.toMatchObject({ type });
});

test('a describe that is cut short rejects with the reason', async () => {
  const controller = new AbortController();
  const reason = new Error('paused');
  const { tasks } = await openWith(() => controller.abort(reason));
  await expect(tasks.describe({ by: 'arn', names: [ARN] }, controller.signal)).rejects.toBe(reason);
});
