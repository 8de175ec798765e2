import { cancelled, heartbeat } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { BuildActivities } from '../../activities/builds/activities.ts';
import type { DmsActivities } from '../../activities/dms/activities.ts';
import type { ConnectionActivities } from '../../activities/dms/connections.ts';
import type { FileActivities } from '../../activities/files/activities.ts';
import { createRunActivities } from '../../activities/runs/activities.ts';
import { TemporalRuns } from '../../activities/runs/temporal.ts';
import type { SpecActivities } from '../../activities/spec/activities.ts';
import type { StreamActivities } from '../../activities/streams/activities.ts';
import type { TableActivities } from '../../activities/tables/activities.ts';
import type { TableSeen } from '../../activities/tables/collector.ts';
import type { RepairActivities } from '../../activities/tables/repairs.ts';
import type { ViewActivities } from '../../activities/views/activities.ts';
import type { Parked } from '../../lake/decisions.ts';
import type { DmsLook } from '../../lake/dms.ts';

type LakeActivities = FileActivities &
  SpecActivities &
  StreamActivities &
  ViewActivities &
  BuildActivities &
  DmsActivities &
  ConnectionActivities &
  TableActivities &
  RepairActivities;

const NOTHING = {
  collected: 0,
  skipped: 0,
  rows: 0,
  rejected: 0,
  bytes: 0,
  entries: 0,
  parked: [],
  changed: 0,
};
const BROKEN: Parked = {
  item: 'broken.csv',
  failure: 'BadFile',
  message: 'the quote that opens in line 2 never closes',
  allowed: ['retry', 'skip'],
};
const LOST: Parked = {
  item: '1795348800-shardId-000000000000',
  failure: 'PositionLost',
  message: 'what followed was lost',
  allowed: ['skip', 'abort'],
};
const ALTERED: Parked = {
  item: 'public.bookings',
  failure: 'ColumnsChanged',
  message: 'it has no column seats',
  allowed: ['retry', 'approve', 'reload'],
};
const CUSTOMERS: TableSeen = {
  table: 'public.customers',
  feed: 'shop.public.customers',
  generation: 1,
  ready: true,
  phase: 'cdc',
  ordinal: 3,
  landing: '20261124-120002000.csv',
  rows: 2,
  state: 'Table completed',
  notes: [],
};
const HELD = { partition: '2026-11-21', findings: ['rows: 1, at least 2 are declared'] };

const READY: DmsLook = {
  identifier: 'shop-cdc',
  arn: 'arn:aws:dms:eu-west-1:123456789012:task:SHOP',
  migrationType: 'full-load-and-cdc',
  status: 'ready',
  stopReason: null,
  startedAt: null,
  stoppedAt: null,
  lastFailure: null,
  checkpoint: null,
  progressPercent: 0,
  tablesErrored: 0,
  tables: { total: 0, completed: 0, troubled: 0, rows: 0, leftOver: [] },
  lookedAt: '2026-11-24T12:00:00.000Z',
};
const WRONG = { schema: 'public', table: 'bookings', state: 'Table error', validation: null };
const ERRED: DmsLook = {
  ...READY,
  status: 'running',
  startedAt: '2026-11-24T12:00:01.000Z',
  tablesErrored: 1,
  tables: {
    ...READY.tables,
    total: 2,
    completed: 1,
    troubled: 1,
    leftOver: [{ ...WRONG, isCaptured: true, refreshedAt: '2026-11-24T12:00:02.000Z' }],
  },
};
const LOADED = { ...ERRED, tablesErrored: 0, tables: { ...READY.tables, total: 2, completed: 2, rows: 9 } };
const FAILED = { ...LOADED, status: 'failed', stoppedAt: '2026-11-24T12:00:03.000Z', lastFailure: 'no disk' };
/** What is seen of the task after each start and each wait. */
const SEEN: readonly DmsLook[] = [
  ERRED,
  LOADED,
  FAILED,
  { ...LOADED, startedAt: '2026-11-24T12:00:04.000Z' },
];

/**
 * A lake of counters: one file that is good and one that is not, one lane with a lost shard, one plan with a held
 * partition, one task with a table in error that fails in the end, one database with a table that lost a column. Enough
 * for every workflow to take each of its turns, as a history knows only what activities answered.
 */
export function recordedActivities(client: Client, taskQueue: string): object {
  let isListed = false;
  let stretches = 0;
  let looksAtTables = 0;
  let isBuilt = false;
  let decisions = 0;
  let version = 0;
  let looks = 0;
  let isDecided = false;
  const look = () => SEEN[Math.min(looks, SEEN.length) - 1] ?? READY;
  const lake: LakeActivities = {
    describeSource: async ({ kind }) => ({
      kind: kind === 'files' ? 'files' : 'kinesis',
      dataset: 'flights',
    }),
    describeDatabase: async () => ({ replicate: 'continuous', tables: 2 }),
    describeDataset: async () => ({ feeds: ['flights'] }),
    nudgeDatasets: async () => undefined,
    writeSpec: async () => ({ n: 1, written: true, changes: [] }),
    measureEntries: async () => ({ coverage: {}, entries: 0, rows: 0 }),
    setUpLake: async () => ({ started: [], schedules: [], left: [] }),

    listFiles: async () => {
      const files = isListed ? 0 : 1001;
      isListed = true;
      const manifest = files === 0 ? null : 'manifest/flights/1.json';
      return { manifest, files, bytes: files, notYet: 0, parked: [], ignored: [], more: false };
    },
    landFiles: async ({ from, to }) => ({
      ...NOTHING,
      collected: to - from,
      rows: to - from,
      entries: 1,
      parked: from === 0 ? [BROKEN] : [],
    }),
    decideFiles: async () => ({ ...NOTHING, skipped: 1, entries: 1 }),

    openLanes: async () => ({ lanes: [0], parked: [] }),
    collectLane: async ({ drain }) => {
      stretches += 1;
      const worked = { records: 2, rows: 2, rejected: 0, entries: 1 };
      if (stretches === 1) return { outcome: 'worked', ...worked, parked: [LOST] };
      if (drain) return { outcome: 'drained', ...worked, parked: [] };
      return untilCancelled();
    },
    decideChannels: async () => ({ entries: 1 }),

    assessDataset: async () => {
      const plan = isBuilt ? null : 'p1';
      isBuilt = true;
      const seen = { waiting: [], holds: [], watermarks: [], version, late: 0, stale: 0 };
      return { plan, partitions: 2, ...seen, nextLookMs: 60_000 };
    },
    describePlan: async () => ({ partitions: 2, parent: 0, reason: 'new: 2' }),
    buildPartitionsBatch: async () => ({ built: 2, cached: 0, rows: 3, bytes: 3 }),
    gatePlan: async () => ({ report: 'gate/flights/p1.json', publish: 1, flagged: 0, hold: [HELD] }),
    openHolds: async () => ({ holds: [HELD] }),
    publishPlan: async () => {
      version += 1;
      return { kind: 'published', version, partitions: [HELD.partition], flagged: [] };
    },
    closeHolds: async () => ({ closed: [{ partition: HELD.partition, action: 'approve' }], planEnded: true }),
    abandonPlan: async () => ({ ended: true }),
    rollbackDataset: async () => ({ version: (version += 1) }),
    releasePins: async () => ({ version: (version += 1) }),

    describeDmsTask: async () => look(),
    startDmsTask: async () => {
      isDecided = true;
      return { outcome: 'started' };
    },
    watchDmsTask: async () => {
      // What waits for a person stays as it is until it is decided, and what runs at last until it is stopped.
      if ((look() === ERRED || look() === FAILED) && !isDecided) return untilCancelled();
      if (looks === SEEN.length) return untilCancelled();
      isDecided = false;
      looks += 1;
      return look();
    },
    reloadDmsTables: async () => {
      isDecided = true;
      return { askedAt: '2026-11-24T12:00:05.000Z', isAccepted: true };
    },
    stopDmsTask: async () => ({ stands: true, status: 'stopped', checkpoint: 'checkpoint:V1#27' }),
    testConnections: async () => ({ endpoints: ['shop', 'lake'] }),

    checkDatabase: async () => ({
      task: 'shop-cdc',
      migrationType: 'full-load-and-cdc',
      tables: [CUSTOMERS.table, ALTERED.item],
      findings: [],
    }),
    collectTables: async ({ drain }) => {
      looksAtTables += 1;
      const collected = { landings: 1, rows: 2, rejected: 0, entries: 1, tables: [CUSTOMERS], total: 2 };
      if (looksAtTables === 1) return { outcome: 'time', ...collected, parked: [ALTERED] };
      if (drain) return { outcome: 'drained', ...collected, parked: [] };
      return untilCancelled();
    },
    decideTables: async () => ({ entries: 1 }),
    repairDatabaseTable: async ({ table }) => ({
      table,
      outcome: 'repaired',
      rows: 1,
      removed: 0,
      message: '',
    }),
    recordDecision: async () => ({ key: `audit/2026-11-24/${(decisions += 1)}.json` }),
  };
  return { ...lake, ...createRunActivities({ runs: new TemporalRuns(() => client, taskQueue) }) };
}

/** As a collector does: it says that it lives, and ends when it is told to. */
async function untilCancelled(): Promise<never> {
  const beat = setInterval(heartbeat, 100);
  try {
    return await cancelled();
  } finally {
    clearInterval(beat);
  }
}
