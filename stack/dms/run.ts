import type { Client } from 'pg';
import { replicate } from './changes.ts';
import type { Context, TableName } from './context.ts';
import { Fatal } from './endings.ts';
import { struck } from './faults-at.ts';
import { loadAll, momentOf, pendingTables, registerTables } from './full-load.ts';
import { type Moment, createSlot, dropPublications, dropSlot, objectName, publish } from './slot.ts';
import { sourceTables, withClient } from './source.ts';

/**
 * Does what the task still owes: the loads, then the changes. Resolves with the reason of its end, and rejects with
 * what went wrong; done again, it goes on where it was.
 */
export async function runTask(context: Context, asked: TableName[]): Promise<string> {
  return withClient(context.source, (client) => run(context, client, asked));
}

async function run(context: Context, client: Client, asked: TableName[]): Promise<string> {
  const { catalogue, arn, type, settings } = context;
  const fault = struck(context.strike, 'StartTask', context.id);
  if (fault) throw new Fatal(fault.message);
  const existing = await sourceTables(client, context.mappings);
  if (existing.length === 0 && settings.ErrorBehavior.FailOnNoTablesCaptured) {
    throw new Fatal(
      'No tables were found at task initialization. Either the selected table(s) or schemas(s) no longer exist or ' +
        'no match was found for the table selection pattern(s).',
    );
  }
  registerTables(context, existing);
  let moment: Moment | undefined;
  let slot = '';
  if (type !== 'full-load') {
    await publish(client, objectName(arn), existing);
    ({ slot, moment } = await slotOf(context, client));
  }
  const { status } = catalogue.task(arn);
  if (status === 'starting') catalogue.changeTask(arn, { status: 'running' });
  const loads = type === 'cdc' ? [] : pendingTables(context, existing);
  const isLoading = type !== 'cdc' && (loads.length > 0 || catalogue.task(arn).loadFinishedAt === undefined);
  try {
    if (isLoading) {
      moment ??= await momentOf(context);
      await loadAll(context, client, loads, moment);
    }
  } finally {
    await moment?.release();
  }
  if (type === 'full-load') return 'FULL_LOAD_ONLY_FINISHED';
  const { StopTaskCachedChangesApplied: after, StopTaskCachedChangesNotApplied: before } =
    settings.FullLoadSettings;
  if (isLoading && before) return 'STOPPED_AFTER_FULL_LOAD';
  const stopAt = isLoading && after ? catalogue.task(arn).loadEnd : undefined;
  await replicate(context, client, { slot, stopAt, asked });
  return 'NORMAL';
}

/** The slot that the task reads; it is made when the task begins, at the moment of its load. */
async function slotOf(context: Context, client: Client): Promise<{ slot: string; moment?: Moment }> {
  const { catalogue, arn, source } = context;
  const task = catalogue.task(arn);
  if (task.slot !== undefined) return { slot: task.slot };
  if (source.slot !== undefined) {
    catalogue.changeTask(arn, { slot: source.slot, ownsSlot: false });
    return { slot: source.slot };
  }
  if (task.written !== undefined) {
    throw new Fatal('a CdcStartPosition of a Postgres source needs a slot that exists: name it by SlotName');
  }
  const slot = objectName(arn);
  await dropSlot(client, slot);
  const moment = await createSlot(context, slot, false);
  catalogue.changeTask(arn, { slot, ownsSlot: true, written: moment.at });
  return { slot, moment };
}

/** Removes what the task made at its source. */
export async function cleanSource(client: Client, taskArn: string, slot: string | undefined): Promise<void> {
  if (slot !== undefined) await dropSlot(client, slot);
  await dropPublications(client, objectName(taskArn));
}
