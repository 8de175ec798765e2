import { ApplicationFailure } from '@temporalio/activity';
import { FAILURES, type FailureName } from '../../lake/failures.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';
import type { DmsTask } from '../../lake/dms.ts';
import { failure } from '../failure.ts';
import type { DmsPacing } from './pacing.ts';
import type { ReplicationTasks, TaskNames } from './port.ts';

const NEVER = new AbortController().signal;

interface Asking {
  readonly resolve: (task: DmsTask | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** A describe names at most this many: DMS gives no larger page. */
const MOST_TASKS = 100;
/** No request of many waits longer, whoever gives up meanwhile. */
const REQUEST_MS = 90_000;

/**
 * Asks DMS for all activities of a worker: whoever asks while a request is on its way, or too soon after the last one,
 * is answered by the next, which names up to 100 tasks. So a worker's requests grow with time, not with its tasks.
 */
export class Lookout {
  readonly #tasks: ReplicationTasks;
  readonly #pacing: DmsPacing;
  readonly #asking = { arn: new Map<string, Set<Asking>>(), id: new Map<string, Set<Asking>>() };
  /** When the next request of each kind may go out: pages of tables, however many, hold up no describe. */
  readonly #turns = { describe: Promise.resolve(), tables: Promise.resolve(), change: Promise.resolve() };
  #isServing = false;

  constructor(tasks: ReplicationTasks, pacing: DmsPacing) {
    this.#tasks = tasks;
    this.#pacing = pacing;
  }

  /** A task by its identifier or ARN, described after this call; `undefined` when there is none. */
  async task(name: string, signal: AbortSignal): Promise<DmsTask | undefined> {
    signal.throwIfAborted();
    const group = this.#asking[name.startsWith('arn:') ? 'arn' : 'id'];
    const waiting = group.get(name) ?? new Set();
    group.set(name, waiting);
    let stop: () => void = () => undefined;
    const answer = new Promise<DmsTask | undefined>((resolve, reject) => {
      const asking = { resolve, reject };
      waiting.add(asking);
      const leave = () => {
        waiting.delete(asking);
        reject(signal.reason);
      };
      signal.addEventListener('abort', leave, { once: true });
      stop = () => signal.removeEventListener('abort', leave);
    });
    void this.#serve();
    try {
      return await answer;
    } catch (error) {
      signal.throwIfAborted();
      throw inOwnName(error);
    } finally {
      stop();
    }
  }

  /** Every table of a task. Calls `onProgress` after each page. */
  async tables(arn: string, signal: AbortSignal, onProgress: () => void): Promise<readonly DmsTable[]> {
    const found: DmsTable[] = [];
    let marker: string | undefined;
    do {
      await this.#turn('tables');
      signal.throwIfAborted();
      const page = await this.#tasks.tables(arn, marker, signal);
      found.push(...page.tables);
      marker = page.next;
      onProgress();
    } while (marker !== undefined);
    return found;
  }

  /** Resolves when the next start, stop or reload may be asked for: many at once would take all that DMS allows. */
  async turnToChange(signal: AbortSignal): Promise<void> {
    await this.#turn('change');
    signal.throwIfAborted();
  }

  async #serve(): Promise<void> {
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      for (let asked = this.#next(); asked; asked = this.#next()) {
        // Whoever comes while this waits is served too.
        await this.#turn('describe');
        await this.#describe(asked.by);
      }
    } finally {
      this.#isServing = false;
    }
  }

  #next(): { readonly by: 'arn' | 'id' } | undefined {
    for (const by of ['arn', 'id'] as const) {
      for (const [name, waiting] of this.#asking[by]) if (waiting.size === 0) this.#asking[by].delete(name);
      if (this.#asking[by].size > 0) return { by };
    }
    return undefined;
  }

  async #describe(by: TaskNames['by']): Promise<void> {
    const group = this.#asking[by];
    const taken = [...group].filter(([, waiting]) => waiting.size > 0).slice(0, MOST_TASKS);
    for (const [name] of taken) group.delete(name);
    if (taken.length === 0) return;
    try {
      const names = taken.map(([name]) => name);
      const found = await this.#tasks.describe({ by, names }, AbortSignal.timeout(REQUEST_MS));
      for (const [name, waiting] of taken) {
        const task = found.find((one) => isNamed(one, name));
        for (const { resolve } of waiting) resolve(task);
      }
    } catch (error) {
      for (const [, waiting] of taken) for (const { reject } of waiting) reject(error);
    }
  }

  /** Resolves when the next request of this kind may go out. Never rejects: the gap is kept whoever gives up. */
  #turn(kind: 'describe' | 'tables' | 'change'): Promise<void> {
    const turn = this.#turns[kind];
    const { gapMs, changeGapMs } = this.#pacing;
    this.#turns[kind] = turn.then(() => this.#pacing.wait(kind === 'change' ? changeGapMs : gapMs, NEVER));
    return turn;
  }
}

function isNamed({ arn, identifier }: DmsTask, name: string): boolean {
  // DMS compares identifiers without case.
  return arn === name || identifier.toLowerCase() === name.toLowerCase();
}

/** One request failed for many: each counts attempts of its own. */
function inOwnName(error: unknown): unknown {
  if (!(error instanceof ApplicationFailure)) return error;
  const name = Object.keys(FAILURES).find((known): known is FailureName => known === error.type);
  return name ? failure(name, error.message, error.cause) : error;
}
