import {
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  getExternalWorkflowHandle,
  proxyActivities,
  setHandler,
  uuid4,
  workflowInfo,
} from '@temporalio/workflow';
import type { FileActivities } from '../activities/files/activities.ts';
import type { SpecActivities } from '../activities/spec/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import type { Parked } from '../lake/decisions.ts';
import { workflowIds } from '../lake/ids.ts';
import { FILES_PER_BATCH, LAND, LOOK, SURVEY } from './policies.ts';
import { board } from './support/board.ts';
import { failure } from './support/failure.ts';
import { type Request, handOverTo, outcomeSignal, requestSignal } from './support/hand-over.ts';
import { nudgeReconciliation } from './support/nudge.ts';
import { type Decision, parking } from './support/parking.ts';
import { pausable } from './support/pausable.ts';
import { queueFor } from './support/queues.ts';

export interface TransferFilesInput {
  /** A source of kind `files`. */
  readonly source: string;
  /** False: hand the request over and end at once, as schedules do. */
  readonly wait?: boolean;
  /** Set by runs of this workflow, not by people. */
  readonly state?: TransferState;
}

/** What survives continue-as-new. What is collected is known to the ledger alone. */
interface TransferState {
  readonly requests: readonly Request[];
  readonly totals: TransferTotals;
  readonly paused: string | null;
}

export interface TransferTotals {
  readonly collected: number;
  readonly skipped: number;
  readonly rows: number;
  readonly rejected: number;
  readonly bytes: number;
  readonly entries: number;
}

export interface TransferFilesResult extends TransferTotals {
  readonly source: string;
  /** Files that changed while they were read, or were not quiet yet: the next run takes them. */
  readonly notYet: number;
  /** What waits for a person; its run stays open until it is decided. At most 20 are listed. */
  readonly waiting: number;
  readonly parked: readonly Parked[];
}

export interface TransferProgress extends TransferTotals {
  readonly requests: number;
  readonly waiting: number;
  readonly pausedBecause: string | null;
}

export const transferProgressQuery = defineQuery<TransferProgress>('progress');

const { describeSource } = proxyActivities<SpecActivities>(LOOK);
const { recordDecision } = proxyActivities<ViewActivities>(LOOK);

const NOTHING: TransferTotals = { collected: 0, skipped: 0, rows: 0, rejected: 0, bytes: 0, entries: 0 };

/**
 * Collect a file source: what it holds and the ledger does not. Requests queue in the one run `transfer/<source>`; a
 * run of another id hands its request to it. A file that needs a person parks alone, and the run stays open for it.
 */
export async function transferFiles(
  input: TransferFilesInput,
): Promise<TransferFilesResult | { readonly handedTo: string }> {
  const source = input?.source;
  if (typeof source !== 'string' || source === '') {
    throw failure('MalformedInput', 'source is missing: {"source": "<name in lake.yaml>"}');
  }
  const { workflowId, runId } = workflowInfo();
  if (workflowId !== workflowIds.transferFiles(source)) {
    const given = { source, state: { requests: [], totals: NOTHING, paused: null } };
    return handOverTo<TransferFilesResult>({
      workflowId: workflowIds.transferFiles(source),
      input: given,
      wait: input.wait !== false,
      check: () => describeSource({ source, kind: 'files' }),
    });
  }

  const taskQueue = queueFor('transfer');
  const { listFiles } = proxyActivities<FileActivities>({ ...SURVEY, taskQueue });
  const { landFiles, decideFiles } = proxyActivities<FileActivities>({ ...LAND, taskQueue });
  const requests: Request[] = [...(input.state?.requests ?? [{ id: runId }])];
  let totals = input.state?.totals ?? NOTHING;
  let working = '';
  const shown = board({ source });
  const show = () => {
    const paused = pause.reason();
    const state = paused !== null ? 'Paused' : parked.waiting().length > 0 ? 'NeedsOperator' : 'Running';
    const notes = [
      `${totals.collected} files, ${totals.rows} rows collected; ${totals.skipped} files skipped; ${totals.rejected} records in quarantine`,
      ...(working ? [working] : []),
      ...(paused !== null
        ? [
            `Paused: ${paused}. Resume: \`temporal workflow signal --workflow-id '${workflowId}' --name resume\``,
          ]
        : []),
    ];
    shown.show({ state, parked: parked.waiting(), notes });
  };
  const parked = parking(recordDecision, show);
  const pause = pausable(show, input.state?.paused);
  setHandler(
    requestSignal,
    (request) => {
      const id = request?.id ?? uuid4();
      if (!requests.some((one) => one.id === id)) requests.push({ ...request, id });
    },
    { description: 'Look again for files: {}; also how a run of another id hands its request over.' },
  );
  setHandler(
    transferProgressQuery,
    () => ({
      ...totals,
      requests: requests.length,
      waiting: parked.waiting().length,
      pausedBecause: pause.reason(),
    }),
    { description: 'What this run has collected, and what waits.' },
  );
  show();

  const described = await parked.untilDone(source, () => describeSource({ source, kind: 'files' }));
  let last = summary({ totals: NOTHING, notYet: 0 });
  while (described) {
    await condition(() => isAsked() || (parked.isIdle() && allHandlersFinished()));
    if (!isAsked()) break;
    await pause.over();
    const decision = parked.take();
    if (decision) await act(decision);
    else if (requests[0]) await serve(requests[0]);
    if (!workflowInfo().continueAsNewSuggested) continue;
    // A decision that is on record is acted on by the run that took it: the next one only sees what waits.
    await condition(() => allHandlersFinished() || parked.decided());
    if (parked.decided()) continue;
    const state = { requests: rest(), totals, paused: pause.reason() };
    return continueAsNew<typeof transferFiles>({ source, state });
  }
  if (!described) for (const { replyTo } of requests) await reply(replyTo, last);
  await condition(allHandlersFinished);
  shown.end();
  return { ...last, ...totals, waiting: parked.waiting().length, parked: parked.waiting().slice(0, 20) };

  function isAsked(): boolean {
    return requests.length > 0 || parked.decided();
  }

  async function serve(request: Request): Promise<void> {
    const before = totals;
    let notYet = 0;
    for (let more = true; more;) {
      working = 'Looking for files';
      show();
      const listed = await parked.untilDone(source, () => listFiles({ source }));
      if (!listed) break;
      parked.park(listed.parked);
      notYet = listed.notYet;
      const { manifest } = listed;
      for (let from = 0; manifest !== null && from < listed.files; from += FILES_PER_BATCH) {
        await pause.over();
        working = `Taking files ${from + 1} to ${Math.min(from + FILES_PER_BATCH, listed.files)} of ${listed.files}`;
        show();
        const batch = { source, manifest, from, to: Math.min(from + FILES_PER_BATCH, listed.files) };
        const landed = await parked.untilDone(source, () => landFiles(batch));
        if (!landed) break;
        notYet += landed.changed;
        add(landed);
      }
      more = listed.more;
    }
    working = '';
    show();
    last = summary({ totals: minus(totals, before), notYet });
    requests.splice(requests.indexOf(request), 1);
    if (last.entries > 0) await nudgeReconciliation(described?.dataset ?? null);
    await reply(request.replyTo, last);
  }

  async function act(decision: Decision): Promise<void> {
    if (decision.action === 'abort') return;
    const { items, by, reason, key } = decision;
    const action = decision.action === 'retry' || decision.action === 'retract' ? decision.action : 'skip';
    const done = await parked.untilDone(source, () =>
      decideFiles({ source, items: [...items], action, decision: key, by, reason }),
    );
    if (!done) return;
    add(done);
    if (done.entries > 0) await nudgeReconciliation(described?.dataset ?? null);
  }

  function add(landed: TransferTotals & { readonly parked: readonly Parked[] }): void {
    totals = plus(totals, landed);
    parked.park(landed.parked);
  }

  function rest(): readonly Request[] {
    return [
      ...requests,
      ...(parked.waiting().length > 0 && requests.length === 0 ? [{ id: `${runId}-parked` }] : []),
    ];
  }

  function summary(of: { readonly totals: TransferTotals; readonly notYet: number }): TransferFilesResult {
    const waiting = parked.waiting();
    return { source, ...of.totals, notYet: of.notYet, waiting: waiting.length, parked: waiting.slice(0, 20) };
  }
}

async function reply(workflowId: string | undefined, outcome: TransferFilesResult): Promise<void> {
  if (workflowId === undefined) return;
  try {
    await getExternalWorkflowHandle(workflowId).signal(outcomeSignal, outcome);
  } catch {
    // Whoever asked is gone: the outcome is in the lake.
  }
}

function plus(a: TransferTotals, b: TransferTotals): TransferTotals {
  return {
    collected: a.collected + b.collected,
    skipped: a.skipped + b.skipped,
    rows: a.rows + b.rows,
    rejected: a.rejected + b.rejected,
    bytes: a.bytes + b.bytes,
    entries: a.entries + b.entries,
  };
}

function minus(a: TransferTotals, b: TransferTotals): TransferTotals {
  return plus(a, {
    collected: -b.collected,
    skipped: -b.skipped,
    rows: -b.rows,
    rejected: -b.rejected,
    bytes: -b.bytes,
    entries: -b.entries,
  });
}
