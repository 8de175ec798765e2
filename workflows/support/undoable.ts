import { defineUpdate, proxyActivities, setHandler, uuid4 } from '@temporalio/workflow';
import type { ViewActivities } from '../../activities/views/activities.ts';
import type { EntryRef } from '../../lake/view.ts';
import { LOOK } from '../policies.ts';
import { failure, plainly } from './failure.ts';
import { listed, signed } from './signed.ts';

/** {"to": 7, "reason": "…", "by": "…"}: bad code pins the partitions; bad data names the entries to leave out. */
export interface RollbackRequest {
  readonly to: number;
  readonly partitions?: readonly string[];
  readonly exclude?: readonly EntryRef[];
  /** Default: true without `exclude`, false with it. */
  readonly pin?: boolean;
  readonly reason: string;
  readonly by: string;
}

export interface ReleaseRequest {
  readonly partitions: readonly string[];
  readonly reason: string;
  readonly by: string;
}

export const rollbackUpdate = defineUpdate<{ readonly version: number }, [RollbackRequest]>('rollback');
export const releaseUpdate = defineUpdate<{ readonly version: number }, [ReleaseRequest]>('release');

const { rollbackDataset, releasePins } = proxyActivities<ViewActivities>(LOOK);

/**
 * Let an operator serve earlier versions again, and end that: `changed` is called after each change. Call it before
 * the first await.
 */
export function undoable(dataset: string, changed: () => void): void {
  setHandler(
    rollbackUpdate,
    async ({ to, partitions, exclude, pin, reason, by }) => {
      const token = uuid4();
      const chosen = {
        ...(partitions && { partitions: [...partitions] }),
        ...(exclude && { exclude: [...exclude] }),
      };
      const undoing = { dataset, to, ...chosen, pin: pin ?? exclude === undefined, reason, by, token };
      const rolled = await inPlainWords(() => rollbackDataset(undoing));
      changed();
      return rolled;
    },
    {
      description:
        'Serve an earlier version again: {"to": 7, "partitions": ["…"], "exclude": [{"feed": "…", "lane": 0, "ordinal": 12}], "reason": "…", "by": "…"}',
      validator: (request) => {
        signed(request);
        if (!Number.isInteger(request.to) || request.to < 1)
          throw failure('MalformedInput', 'to must be a version, 1 or more');
        if (request.partitions !== undefined) listed('partitions', request.partitions);
        if (request.exclude !== undefined) listed('exclude', request.exclude);
      },
    },
  );
  setHandler(
    releaseUpdate,
    async ({ partitions, reason, by }) => {
      const releasing = { dataset, partitions: [...partitions], reason, by, token: uuid4() };
      const released = await inPlainWords(() => releasePins(releasing));
      changed();
      return released;
    },
    {
      description: 'Let pinned partitions be built again: {"partitions": ["…"], "reason": "…", "by": "…"}',
      validator: (request) => {
        signed(request);
        listed('partitions', request.partitions);
      },
    },
  );
}

/** Whoever sent an update reads what the activity said, not that one failed. */
async function inPlainWords<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw plainly(error);
  }
}
