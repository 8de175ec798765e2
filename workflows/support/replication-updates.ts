import { defineUpdate, proxyActivities, setHandler, uuid4, workflowInfo } from '@temporalio/workflow';
import type { DmsActivities } from '../../activities/dms/activities.ts';
import type { ViewActivities } from '../../activities/views/activities.ts';
import { type ReloadTablesRequest, type StopRequest, refuseReload } from '../../lake/replicate.ts';
import { DMS_CHANGE } from '../policies.ts';
import { failure, plainly } from './failure.ts';
import { queueFor } from './queues.ts';
import { signed } from './signed.ts';

export interface ReloadTablesAnswer {
  /** What DMS was asked to load again. */
  readonly tables: readonly string[];
  readonly askedAt: string;
  /** Key of the object that keeps who asked, and why. */
  readonly decision: string;
}

export interface StopAnswer {
  readonly stopping: 'stop' | 'detach';
  readonly decision: string;
}

export const reloadTablesUpdate = defineUpdate<ReloadTablesAnswer, [ReloadTablesRequest]>('reloadTables');
export const stopUpdate = defineUpdate<StopAnswer, [StopRequest]>('stop');

type Keep = Pick<ViewActivities, 'recordDecision'>['recordDecision'];

interface Reloadable {
  readonly recordDecision: Keep;
  /** Every declared table. */
  readonly known: () => ReadonlySet<string>;
  /** Of the task; `undefined` before it was looked at. */
  readonly arn: () => string | undefined;
  /** Why nothing can be reloaded now. */
  readonly refusal: () => string | undefined;
  readonly done: (tables: readonly string[]) => void;
}

/** Let an operator load tables again, also those that are well. Call it before the first await. */
export function reloadable({ recordDecision, known, arn, refusal, done }: Reloadable): void {
  setHandler(
    reloadTablesUpdate,
    async ({ tables, by, reason }) => {
      const { reloadDmsTables } = proxyActivities<DmsActivities>({
        ...DMS_CHANGE,
        taskQueue: queueFor('watch'),
      });
      try {
        const { key } = await recordDecision(signedBy('reload', tables, by, reason));
        const asked = { arn: arn() ?? '', tables: [...tables], always: true };
        const { isAccepted, askedAt } = await reloadDmsTables(asked);
        if (!isAccepted)
          throw failure(
            'DmsRefused',
            `${asked.arn} reloads no table now: it must run, and be of a type that loads; look at it, and ask again`,
          );
        done(tables);
        return { tables, askedAt, decision: key };
      } catch (error) {
        // Whoever asked reads what DMS said, not that an activity failed.
        throw plainly(error);
      }
    },
    {
      description:
        'Load tables again, also those that are well: {"tables": ["public.customers"], "reason": "…", "by": "…"}',
      validator: (request) => {
        signed(request);
        const refused =
          refusal() ??
          (arn() === undefined ? 'the task was not looked at yet: ask again in a moment' : undefined) ??
          refuseReload(request.tables, known());
        if (refused !== undefined) throw failure('MalformedInput', refused);
      },
    },
  );
}

interface Stoppable {
  readonly recordDecision: Keep;
  readonly source: string;
  readonly refusal: () => string | undefined;
  readonly asked: (request: StopRequest) => void;
}

/** Let an operator end the run, with its task or without. Call it before the first await. */
export function stoppable({ recordDecision, source, refusal, asked }: Stoppable): void {
  setHandler(
    stopUpdate,
    async (request) => {
      const { key } = await recordDecision(signedBy('abort', [source], request.by, request.reason));
      asked(request);
      return { stopping: request.detach ? 'detach' : 'stop', decision: key };
    },
    {
      description:
        'Stop the task, collect what it landed, and end this run; with "detach": true the task runs on: {"reason": "…", "by": "…"}',
      validator: (request) => {
        signed(request);
        if (request.detach !== undefined && typeof request.detach !== 'boolean')
          throw failure('MalformedInput', 'detach must be true or false');
        const refused = refusal();
        if (refused !== undefined) throw failure('MalformedInput', refused);
      },
    },
  );
}

function signedBy(action: 'reload' | 'abort', items: readonly string[], by: string, reason: string) {
  const { workflowId: workflow, runId: run } = workflowInfo();
  return { decision: { id: uuid4(), workflow, run, items: [...items], action, reason, by } };
}
