import { setImmediate as turn } from 'node:timers/promises';
import type { Client } from 'pg';
import { Applier } from './applier.ts';
import { ChangeStream } from './change-stream.ts';
import type { Context, TableName } from './context.ts';
import { Crash, Ended, Fatal, stopWhenTold } from './endings.ts';
import { struck } from './faults-at.ts';
import { type Lsn, checkStop, formatCheckpoint, parseLsn } from './positions.ts';
import { Reloads } from './reloads.ts';
import { dropSlot, objectName } from './slot.ts';
import { TableWatch } from './table-watch.ts';

const TICK_MS = 200;
const MESSAGES_A_TURN = 2_000;

/** Replicates from the slot until something ends it: resolves when it was told to stop, and rejects with `Ended` else. */
export async function replicate(
  context: Context,
  client: Client,
  options: {
    readonly slot: string;
    /** Where the changes end that were cached during the load, if the task stops there. */
    readonly stopAt: Lsn | undefined;
    /** Tables to reload are taken out of it. */
    readonly asked: TableName[];
  },
): Promise<void> {
  const { catalogue, arn, source, signal } = context;
  const from = catalogue.task(arn).written ?? START;
  await checkSlot(client, options.slot, catalogue.task(arn).startPosition === undefined ? undefined : from);
  const stream = await ChangeStream.open(source, options.slot, objectName(arn), from);
  const applier = new Applier(context, client, from);
  const reloads = new Reloads(context, applier);
  const watch = new TableWatch(context, applier, reloads);
  const flush = async (): Promise<void> => {
    await applier.buffers.flush();
    const crash = struck(context.strike, 'AfterPut', context.id);
    if (crash) throw new Crash(crash.message);
    // A table that is being loaded holds its changes back, and the source has to keep them.
    if (!applier.buffers.isEmpty) return;
    stream.acknowledge(applier.taken);
    const checkpoint = formatCheckpoint(applier.taken);
    catalogue.changeTask(arn, { written: applier.taken, sequence: applier.sequence, checkpoint });
  };
  try {
    while (!signal.aborted) {
      await step(context, { client, stream, applier, reloads, watch, flush, ...options });
    }
    if (signal.reason === 'shutdown') return;
    await reloads.settled();
    await flush();
  } catch (error) {
    if (error instanceof Ended) await flush();
    throw error;
  } finally {
    await reloads.settled();
    await stream.close();
  }
}

interface Running {
  readonly client: Client;
  readonly stream: ChangeStream;
  readonly applier: Applier;
  readonly reloads: Reloads;
  readonly watch: TableWatch;
  readonly slot: string;
  readonly stopAt: Lsn | undefined;
  readonly asked: TableName[];
  readonly flush: () => Promise<void>;
}

async function step(context: Context, running: Running): Promise<void> {
  const { client, stream, applier, reloads, flush } = running;
  stopWhenTold(context);
  if (struck(context.strike, 'LoseSlot', context.id)) {
    await dropSlot(client, running.slot);
    throw new Fatal(`the replication slot ${running.slot} is gone: changes may be lost`);
  }
  reloads.check();
  for (const table of running.asked.splice(0)) {
    const { catalogue, arn } = context;
    // Another may have begun since, for the same table.
    if (catalogue.table(arn, table.schema, table.name)?.isReloadOwed) await reloads.begin(table);
  }
  await running.watch.look(client);

  const stop = checkStop(context.catalogue.task(context.arn).stopPosition);
  if (stop?.by === 'server_time' && context.now() >= stop.ms) throw new Ended('STOPPED_AT_SERVER_TIME');
  const stopAfterMs = stop?.by === 'commit_time' ? stop.ms : Number.POSITIVE_INFINITY;

  let alive: Lsn = START;
  let count = 0;
  for (const received of await stream.take(Math.min(TICK_MS, applier.buffers.dueInMs()), context.signal)) {
    if (received.kind === 'alive') alive = applier.isBetweenTransactions ? received.at : alive;
    else await applier.take(received.message, stopAfterMs);
    // Much may have come at once, and others want the event loop too.
    if (++count % MESSAGES_A_TURN === 0) await turn();
  }
  if (alive > applier.taken && applier.isBetweenTransactions) applier.taken = alive;
  const isCut = applier.isBetweenTransactions || context.target.transactionsPath === undefined;
  if (running.stopAt !== undefined && applier.taken >= running.stopAt)
    throw new Ended('STOPPED_AFTER_CACHED_EVENTS');
  if (applier.buffers.isEmpty) stream.acknowledge(applier.taken);
  else if (isCut && applier.buffers.dueInMs() === 0) await flush();
}

/** The slot has to be there, with nobody reading it, and to hold what lies after `from`. */
async function checkSlot(client: Client, slot: string, from: Lsn | undefined): Promise<void> {
  const { rows } = await client.query<{ confirmed: string; status: string; active: string | null }>(
    `SELECT confirmed_flush_lsn::text AS confirmed, wal_status AS status, active_pid::text AS active
     FROM pg_replication_slots WHERE slot_name = $1`,
    [slot],
  );
  const [found] = rows;
  if (!found || found.status === 'lost') {
    throw new Fatal(
      `the replication slot ${slot} ${found ? 'lost its log' : 'does not exist'}: changes may be lost`,
    );
  }
  if (from !== undefined && parseLsn(found.confirmed) > from) {
    throw new Fatal(`the replication slot ${slot} is at ${found.confirmed}, past the start position`);
  }
  // A reader that died with the stack may still be seen.
  if (found.active !== null) await client.query('SELECT pg_terminate_backend($1::int, 5000)', [found.active]);
}

const START: Lsn = '0000000000000000';
