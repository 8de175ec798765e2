import {
  CancellationScope,
  allHandlersFinished,
  condition,
  continueAsNew,
  defineQuery,
  defineSignal,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { SpecActivities } from '../activities/spec/activities.ts';
import type { StreamActivities } from '../activities/streams/activities.ts';
import type { ViewActivities } from '../activities/views/activities.ts';
import type { Parked } from '../lake/decisions.ts';
import { workflowIds } from '../lake/ids.ts';
import { COLLECT, LOOK } from './policies.ts';
import { board } from './support/board.ts';
import { failure, isGone } from './support/failure.ts';
import { handOverTo, requestSignal } from './support/hand-over.ts';
import { nudgeSignal } from './support/messages.ts';
import { type Decision, parking } from './support/parking.ts';
import { pausable } from './support/pausable.ts';
import { queueFor } from './support/queues.ts';

export interface IngestStreamInput {
  /** A source of kind `kinesis`. */
  readonly source: string;
  /** Set by runs of this workflow, not by people. */
  readonly state?: IngestState;
}

interface IngestState {
  readonly paused: string | null;
  readonly draining: boolean;
  /** Channels that a person decided to leave where they are. */
  readonly left: readonly string[];
  readonly totals: IngestTotals;
}

export interface IngestTotals {
  readonly records: number;
  readonly rows: number;
  readonly rejected: number;
  readonly entries: number;
}

export interface IngestProgress extends IngestTotals {
  readonly source: string;
  readonly lanes: readonly number[];
  readonly waiting: number;
  readonly pausedBecause: string | null;
  readonly draining: boolean;
}

export interface IngestStreamResult extends IngestTotals {
  readonly source: string;
}

export const ingestProgressQuery = defineQuery<IngestProgress>('progress');
export const drainSignal = defineSignal('drain');

const { describeSource } = proxyActivities<SpecActivities>(LOOK);
const { recordDecision } = proxyActivities<ViewActivities>(LOOK);

/** Stretches per lane before the run continues as new, so that its history stays small. */
const STRETCHES_PER_RUN = 200;

/**
 * Collect a stream for as long as it lives: one loop per lane, each stretch one activity of at most 10 minutes that
 * commits as it goes. A shard whose position is lost parks; the others go on. `drain` ends the run at the stream's end.
 */
export async function ingestStream(
  input: IngestStreamInput,
): Promise<IngestStreamResult | { readonly handedTo: string }> {
  const source = input?.source;
  if (typeof source !== 'string' || source === '') {
    throw failure('MalformedInput', 'source is missing: {"source": "<name in lake.yaml>"}');
  }
  const id = workflowIds.ingestStream(source);
  const describe = () => describeSource({ source, kind: 'kinesis' });
  if (workflowInfo().workflowId !== id) {
    return handOverTo({ workflowId: id, input: { source }, wait: false, check: describe });
  }

  const taskQueue = queueFor('stream');
  const { openLanes, decideChannels } = proxyActivities<StreamActivities>({ ...LOOK, taskQueue });
  const { collectLane } = proxyActivities<StreamActivities>({ ...COLLECT, taskQueue });
  let lanes: readonly number[] = [];
  let totals = input.state?.totals ?? { records: 0, rows: 0, rejected: 0, entries: 0 };
  let draining = input.state?.draining ?? false;
  const left = new Set(input.state?.left);
  const parkedIn = new Map<number, readonly string[]>();
  let stretches = 0;
  let running: CancellationScope[] = [];
  const shown = board({ source });
  const show = () => {
    const paused = pause.reason();
    const state = paused !== null ? 'Paused' : parked.waiting().length > 0 ? 'NeedsOperator' : 'Running';
    const notes = [
      `${totals.records} records, ${totals.rows} rows, ${totals.rejected} in quarantine, ${totals.entries} entries; lanes ${lanes.join(', ') || 'none yet'}`,
      ...(paused !== null ? [`Paused: ${paused}`] : []),
      ...(draining ? ['Draining: ends when every shard is read to its end'] : []),
    ];
    shown.show({ state, parked: parked.waiting(), notes });
  };
  /** Pausing and draining end the stretch that runs: what it has not committed is read again. */
  const interrupt = () => {
    show();
    if (pause.reason() !== null || draining) restart();
  };
  const restart = () => {
    for (const scope of running) scope.cancel();
  };
  const parked = parking(recordDecision, show);
  const pause = pausable(interrupt, input.state?.paused);
  setHandler(requestSignal, show, { description: 'Sent by a run of another id; this one runs already.' });
  setHandler(nudgeSignal, restart, {
    description:
      'Take the newest spec now instead of at the next stretch: sent when one is applied, and safe by hand.',
  });
  setHandler(
    drainSignal,
    () => {
      draining = true;
      interrupt();
    },
    { description: 'Read every shard to its end, then end the run.' },
  );
  setHandler(
    ingestProgressQuery,
    () => ({
      source,
      ...totals,
      lanes,
      waiting: parked.waiting().length,
      pausedBecause: pause.reason(),
      draining,
    }),
    { description: 'What this run has collected, and what waits.' },
  );
  show();

  const opened = await parked.untilDone(source, async () => {
    await describe();
    return openLanes({ source });
  });
  lanes = opened?.lanes ?? [];
  parked.park(opened?.parked.filter(({ item }) => !left.has(item)) ?? []);
  const ends = await Promise.all(lanes.map(loop));
  while (!allHandlersFinished() || parked.decided()) {
    await condition(() => allHandlersFinished() || parked.decided());
    const decision = parked.take();
    if (decision) await act(decision);
  }
  if (ends.every((end) => end === 'ended')) {
    shown.end();
    return { source, ...totals };
  }
  const state = { paused: pause.reason(), draining, left: [...left], totals };
  return continueAsNew<typeof ingestStream>({ source, state });

  async function loop(lane: number): Promise<'ended' | 'goesOn'> {
    for (;;) {
      await pause.over();
      const decision = parked.take();
      if (decision) {
        await act(decision);
        continue;
      }
      if (isLong()) return 'goesOn';
      stretches += 1;
      if ((await stretch(lane)) === 'ended') return 'ended';
    }
  }

  /** A lane that waits for a person holds this run, and the others meanwhile go on in it. */
  function isLong(): boolean {
    const isDue = stretches >= STRETCHES_PER_RUN || workflowInfo().continueAsNewSuggested;
    return isDue && !parked.waiting().some(({ item }) => item === source);
  }

  async function act({ items, action, key, by, reason }: Decision): Promise<void> {
    if (action === 'abort') for (const item of items) left.add(item);
    const decided = { source, lane: 0, channels: [...items], action, decision: key, by, reason };
    await parked.untilDone(source, () => decideChannels(decided));
  }

  async function stretch(lane: number): Promise<'ended' | 'goesOn'> {
    const scope = new CancellationScope();
    running.push(scope);
    try {
      const worked = await parked.untilDone(source, () =>
        scope.run(() => collectLane({ source, lane, drain: draining })),
      );
      if (!worked) return 'ended';
      totals = {
        records: totals.records + worked.records,
        rows: totals.rows + worked.rows,
        rejected: totals.rejected + worked.rejected,
        entries: totals.entries + worked.entries,
      };
      waitIn(lane, worked.parked);
      return worked.outcome === 'drained' || worked.outcome === 'closed' ? 'ended' : 'goesOn';
    } catch (error) {
      // Our own pause, drain or nudge; a cancellation of the run passes.
      if (isCancellation(error) && !CancellationScope.current().consideredCancelled) return 'goesOn';
      if (isGone(error)) return 'ended';
      throw error;
    } finally {
      running = running.filter((one) => one !== scope);
    }
  }

  /** A stretch tells all that waits in its lane: what was decided while it ran may be among it, and goes with the next. */
  function waitIn(lane: number, found: readonly Parked[]): void {
    const waiting = found.filter(({ item }) => !left.has(item));
    const items = waiting.map(({ item }) => item);
    parked.release((parkedIn.get(lane) ?? []).filter((item) => !items.includes(item)));
    parkedIn.set(lane, items);
    parked.park(waiting);
  }
}
