import type { ActivityOptions } from '@temporalio/workflow';

/**
 * Attempts are unbounded and no schedule-to-close timeout is set anywhere: what keeps failing stays pending, where an
 * operator can pause it, change its options or retry it at once. What only a person can end makes itself
 * non-retryable (`activities/failure.ts`).
 */
const PATIENT = { initialInterval: '1 second', maximumInterval: '1 minute' } as const;

/** A few small objects read and written. */
export const LOOK = { startToCloseTimeout: '2 minutes', retry: PATIENT } as const satisfies ActivityOptions;

/** A folder of up to a million names, or the statistics of many entries. The heartbeat notices a dead worker. */
export const SURVEY = {
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '1 minute',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** Up to 1,000 files or 16 GiB, read, kept, refined and committed. */
export const LAND = {
  startToCloseTimeout: '3 hours',
  heartbeatTimeout: '1 minute',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** One stretch of a lane's collector: it returns by itself after 10 minutes. A dead worker is noticed soon, for rows must stay fresh. */
export const COLLECT = {
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '20 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
} as const satisfies ActivityOptions;

/**
 * One stretch over the tables of a database: it returns by itself after 10 minutes and the landing that it is at, which
 * may be gigabytes.
 */
export const COLLECT_TABLES = {
  startToCloseTimeout: '3 hours',
  heartbeatTimeout: '20 seconds',
  // No two stretches at once, and what a stretch that is cut short has collected is told.
  cancellationType: 'WAIT_CANCELLATION_COMPLETED',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
} as const satisfies ActivityOptions;

/** A table compared with its database, until nothing of what differs is under way. */
export const REPAIR = {
  startToCloseTimeout: '3 hours',
  heartbeatTimeout: '1 minute',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** What is decided about tables: a landing that is skipped is kept as it came, and may be gigabytes. */
export const DECIDE_TABLES = {
  startToCloseTimeout: '1 hour',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** Some hundred partitions built by DuckDB. */
export const BUILD = {
  startToCloseTimeout: '6 hours',
  heartbeatTimeout: '1 minute',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** One describe of a DMS task and its tables: thousands of tables are many small pages. Left where it is when cut short. */
export const DMS_LOOK = {
  startToCloseTimeout: '10 minutes',
  heartbeatTimeout: '1 minute',
  cancellationType: 'TRY_CANCEL',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** The test of two connections: each takes DMS some seconds, or minutes where nobody answers. */
export const DMS_CONNECT = {
  startToCloseTimeout: '30 minutes',
  heartbeatTimeout: '2 minutes',
  cancellationType: 'TRY_CANCEL',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** One change asked of DMS. It is not cut short: whoever cancels must know whether it was carried out. */
export const DMS_CHANGE = {
  startToCloseTimeout: '5 minutes',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** One watch of a DMS task: it returns by itself after some 10 minutes. A decision does not wait for its heartbeat. */
export const DMS_WATCH = {
  startToCloseTimeout: '20 minutes',
  heartbeatTimeout: '2 minutes',
  cancellationType: 'TRY_CANCEL',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** Stopping a DMS task: it writes out what it holds first, and is asked again after some 10 minutes. */
export const DMS_STOP = {
  startToCloseTimeout: '20 minutes',
  heartbeatTimeout: '2 minutes',
  retry: PATIENT,
} as const satisfies ActivityOptions;

/** Files that one `landFiles` takes: 1 action per 1,000 files. */
export const FILES_PER_BATCH = 1000;

/** Partitions that one `buildPartitionsBatch` takes: they share the rows objects it downloads. */
export const PARTITIONS_PER_BATCH = 400;

/** How long a run waits for the outcome of what it handed over before it asks again. */
export const ASK_AGAIN = '1 hour';

/** How long a reconciliation sleeps at most, and at least: a look costs one action. */
export const LONGEST_LOOK_MS = 5 * 60_000;
export const SHORTEST_LOOK_MS = 500;

/** Stretches of tables before their run continues as new, so that its history stays small: a day and more. */
export const STRETCHES_PER_REPLICATION = 200;

/** While tables load anew a stretch is cut short after so long, and for so long: what a table waited for may be gone. */
export const RELOAD_LOOK = '30 seconds';
export const RELOAD_PATIENCE_MS = 10 * 60_000;
