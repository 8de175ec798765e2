import { allHandlersFinished, condition, workflowInfo } from '@temporalio/workflow';
import type { Replicate } from '../../lake/replicate.ts';
import { type CollectedTables, NOTHING_COLLECTED, type TableTotals } from './collected-tables.ts';
import type { Request } from './hand-over.ts';
import type { Parking } from './parking.ts';
import type { Pause } from './pausable.ts';
import type { Orders } from './replication-orders.ts';
import type { TaskFindings } from './task-findings.ts';
import type { TaskRun } from './task-run.ts';

/** `stopped`: with its task. `detached`: the task runs on. `gone`: it is declared no more. `aborted`: by decision. */
export type ReplicationOutcome = 'finished' | 'stopped' | 'detached' | 'gone' | 'aborted';
/** `anew`: what the source asks for has changed. */
export type ReplicationEnding = ReplicationOutcome | 'anew' | 'goesOn';

export interface ReplicationOptions {
  readonly orders: Orders;
  readonly pause: Pause;
  readonly parked: Parking;
  readonly findings: TaskFindings;
  readonly tables: CollectedTables;
  /** What the source asks for by now; `undefined`: a person gave it up. */
  readonly wanted: () => Promise<Replicate | undefined>;
  /** Acts on all decisions that nobody took yet. */
  readonly decided: () => Promise<void>;
  /** Tells those who wait for requests how they came out, with what was collected `since`. */
  readonly answer: (
    requests: readonly Request[],
    outcome: ReplicationOutcome,
    since: TableTotals,
  ) => Promise<void>;
  readonly say: (now: string) => void;
}

/** The work between a task and its tables: followed for as long as it runs, or round by round. */
export class Replication {
  readonly #options: ReplicationOptions;
  #trouble: { readonly error: unknown } | undefined;

  constructor(options: ReplicationOptions) {
    this.#options = options;
  }

  /** Let the task run beside all else. */
  keep(own: TaskRun): void {
    this.#beside(own.keep());
  }

  /** Collect for as long as the source is continuous. */
  async follow(own: TaskRun): Promise<ReplicationEnding> {
    const { orders, tables, say, wanted } = this.#options;
    for (;;) {
      say('collecting what the task lands');
      const due = await this.#turn(own);
      if (due) return due;
      if (orders.isNudged()) return (await wanted()) === 'continuous' ? 'anew' : await this.#otherwise(own);
      if (this.#isLong()) return 'goesOn';
      const { kind } = await tables.stretch(false, () => this.#isAsked() || orders.isNudged());
      if (kind === 'aborted') return 'aborted';
      if (kind === 'time') own.lookAgain();
    }
  }

  /** One round serves all requests that are there when it begins. */
  async serve(own: TaskRun, replicate: Replicate): Promise<ReplicationEnding> {
    const { orders, tables, answer } = this.#options;
    const { requests } = orders;
    while (requests.length > 0) {
      const due = await this.#turn(own);
      if (due) return due;
      if (orders.isNudged()) return 'anew';
      const served = [...requests];
      const before = tables.totals;
      const ended = await this.#round(own, replicate, lastOf(served));
      if (ended) return ended;
      requests.splice(0, served.length);
      await answer(served, 'finished', before);
      if (this.#isLong() && requests.length > 0) return 'goesOn';
    }
    return orders.isNudged() ? 'anew' : 'finished';
  }

  /** What was continuous is not any more: others start the task from now on. */
  async #otherwise(own: TaskRun): Promise<ReplicationEnding> {
    const { orders, answer } = this.#options;
    await own.stop();
    const ended = await this.#drained();
    await answer(orders.requests, 'stopped', NOTHING_COLLECTED.totals);
    orders.requests.length = 0;
    return ended ?? 'anew';
  }

  /** The task run to its end, and what it lands collected whole. */
  async #round(own: TaskRun, replicate: Replicate, at: string): Promise<ReplicationEnding | undefined> {
    const { tables, say } = this.#options;
    let ended: { readonly outcome: string | undefined } | undefined;
    this.#beside(own.once(at).then((outcome) => void (ended = { outcome })));
    while (!ended) {
      say(replicate === 'load' ? 'loading' : `taking the changes up to ${at}`);
      const due = await this.#turn(own);
      if (due) return due;
      const { kind, ...stretch } = await tables.stretch(false, () => this.#isAsked() || ended !== undefined);
      if (kind === 'aborted') return 'aborted';
      const isQuiet = 'landings' in stretch && stretch.landings === 0;
      // A database in which nothing was committed since would keep the task for ever.
      if (replicate === 'changes' && isQuiet && !ended && (await own.isLoaded())) await own.stop();
    }
    if (ended.outcome === undefined) return 'aborted';
    return this.#drained();
  }

  /** Collect until nothing more is there. What waits for a person then holds the run, unless it is being stopped. */
  async #drained(): Promise<ReplicationEnding | undefined> {
    const { orders, pause, parked, findings, tables, decided, say } = this.#options;
    for (;;) {
      say('collecting what was landed; the task stands');
      await condition(() => pause.reason() === null || orders.stopping() !== undefined || parked.decided());
      await decided();
      if (findings.isGivenUp) return 'aborted';
      const stopping = orders.stopping();
      if (stopping?.detach) return 'detached';
      const isFinal = stopping !== undefined;
      const { kind } = await tables.stretch(true, () => parked.decided() || (!isFinal && this.#isAsked()));
      if (kind === 'aborted') return 'aborted';
      if (kind !== 'drained') continue;
      if (isFinal || !tables.isWaiting) return undefined;
      say('everything else is collected');
      await condition(() => this.#isAsked());
    }
  }

  /** Decisions and pauses come first. Resolves how the run is to end, where it is. */
  async #turn(own: TaskRun): Promise<ReplicationEnding | undefined> {
    const { orders, pause, parked, findings, decided, say } = this.#options;
    for (;;) {
      if (this.#trouble) throw this.#trouble.error;
      const stopping = orders.stopping();
      if (stopping?.detach) return 'detached';
      if (stopping) {
        say('stopping the task');
        await own.stop();
        return (await this.#drained()) ?? 'stopped';
      }
      await decided();
      if (findings.isGivenUp) return 'aborted';
      if (pause.reason() === null) return undefined;
      await condition(() => pause.reason() === null || parked.decided() || orders.stopping() !== undefined);
    }
  }

  /** Work beside the loop; what breaks it breaks the run. */
  #beside(working: Promise<void>): void {
    working.catch((error: unknown) => {
      this.#trouble = { error };
    });
  }

  #isAsked(): boolean {
    const { orders, pause, parked } = this.#options;
    const isPaused = pause.reason() !== null;
    return parked.decided() || isPaused || orders.stopping() !== undefined || this.#trouble !== undefined;
  }

  #isLong(): boolean {
    const isDue = this.#options.tables.isLong || workflowInfo().continueAsNewSuggested;
    return isDue && allHandlersFinished();
  }
}

/** The last instant that any of them is for. */
function lastOf(requests: readonly Request[]): string {
  return requests.reduce((last, { at = '' }) => (at > last ? at : last), '');
}
