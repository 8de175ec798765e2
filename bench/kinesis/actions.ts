import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { PACING } from '../../activities/streams/pacing.ts';
import type { Local } from '../../scripts/local/start.ts';
import { drainSignal } from '../../workflows/ingest-stream.ts';
import { COLUMNS, STREAM } from './records.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** A worker passes a heartbeat on every 0.8 heartbeat timeouts: 16 s of `COLLECT`'s 20 s. */
const HEARTBEAT_EVERY_MS = 0.8 * 20_000;
/** Of `ingestStream`, before it continues as new. */
const STRETCHES_PER_RUN = 200;

/** What Temporal bills, by the attributes of its event in a history. Heartbeats and retries leave none. */
const BILLED = {
  workflowExecutionStartedEventAttributes: 'starts',
  workflowExecutionSignaledEventAttributes: 'signals',
  activityTaskScheduledEventAttributes: 'activities',
  timerStartedEventAttributes: 'timers',
  upsertWorkflowSearchAttributesEventAttributes: 'upserts',
} as const;

/**
 * Temporal's actions for a lane that works at this speed: a stretch of 10 minutes is one activity and the heartbeats
 * that reach the server; what else a run bills, read from the history of one that collected the stream to its end,
 * is spread over the stretches after which it continues as new.
 */
export async function actionsOfStretches(local: Local, folder: string, perSecond: number): Promise<object> {
  const history = await drainedHistory(local, folder);
  const counted: Record<string, number> = { starts: 0, signals: 0, activities: 0, timers: 0, upserts: 0 };
  let stretches = 0;
  for (const event of history) {
    for (const [attributes, name] of Object.entries(BILLED)) {
      if (!event[attributes as keyof typeof BILLED]) continue;
      counted[name] = (counted[name] ?? 0) + 1;
    }
    if (event.activityTaskScheduledEventAttributes?.activityType?.name === 'collectLane') stretches += 1;
  }
  const all = Object.values(counted).reduce((sum, one) => sum + one, 0);
  const heartbeats = Math.ceil(PACING.stretchMs / HEARTBEAT_EVERY_MS);
  const perStretch = 1 + heartbeats + (all - stretches) / STRETCHES_PER_RUN;
  const recordsPerStretch = perSecond * (PACING.stretchMs / 1000);
  return {
    historyEvents: history.length,
    billedInHistory: { ...counted, ofThemStretches: stretches },
    heartbeatsPerStretch: heartbeats,
    actionsPerStretch: perStretch,
    recordsPerStretch,
    actionsPerMillionRecords: perStretch / (recordsPerStretch / 1e6),
  };
}

type Events = NonNullable<Awaited<ReturnType<WorkflowHandle['fetchHistory']>>['events']>;

/** Of a run that collected the whole stream into the lake and was then drained. */
async function drainedHistory(local: Local, folder: string): Promise<Events> {
  const file = join(folder, 'lake.yaml');
  await writeFile(file, LAKE);
  await local.startWorker();
  const env = { ...process.env, ...local.exports };
  await run(process.execPath, [join(ROOT, 'cli/tributary.mjs'), 'apply', file], { cwd: folder, env });
  const connection = await Connection.connect({ address: local.temporalAddress });
  try {
    const handle = new Client({ connection }).workflow.getHandle('ingest/events');
    await handle.signal(drainSignal);
    await handle.result();
    const { events } = await handle.fetchHistory();
    return events ?? [];
  } finally {
    await connection.close();
  }
}

const columns = Object.entries(COLUMNS)
  .map(([name, type]) => `${name}: '${type}'`)
  .join(', ');
const LAKE = `
lake: { name: bench, bucket: bench-lake }
sources:
  events: { kind: kinesis, stream: ${STREAM}, format: { json: {} } }
datasets:
  payments:
    merge: append
    key: [id]
    partition: { day: at, fixed: true }
    columns: { ${columns} }
    feeds: { events: { role: speed } }
`;
