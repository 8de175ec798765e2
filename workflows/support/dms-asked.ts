import { type DmsStep, nextStep } from '../../lake/dms-run.ts';
import { type StartMark, type StartWish, startedSince } from '../../lake/dms-start.ts';
import type { DmsLook, DmsWish } from '../../lake/dms.ts';

/** How a run came by its task: `adopted`: it ran already, or a start without an answer had come through. */
export type DmsTook = 'nothing' | 'started' | 'adopted' | 'asItWas';

export interface DmsAskedState {
  /** The start that is due. */
  readonly due: StartWish | null;
  /** The task before a start that DMS does not show yet. */
  readonly unseen: StartMark | null;
  /** Resumes in a row that no steady running followed. */
  readonly resumes: number;
  readonly took: DmsTook;
  /** Starts and resumes that were asked for. */
  readonly starts: number;
  /** Tables that a person left out. */
  readonly skipped: readonly string[];
  /** Table → when its reload was asked for. */
  readonly reloads: Readonly<Record<string, string>>;
}

/** Before anything was asked. `due`: the start that a request is for. */
export function nothingAsked(due: StartWish): DmsAskedState {
  return { due, unseen: null, resumes: 0, took: 'nothing', starts: 0, skipped: [], reloads: {} };
}

/** What a run has asked of DMS, and what people decided about its task: with how the task looks, this says what is next. */
export class DmsAsked {
  #state: DmsAskedState;
  /** A whole watch has passed since the start, and DMS does not show it. */
  #isUnseenLong = false;

  constructor(state: DmsAskedState) {
    this.#state = state;
  }

  /** What survives continue-as-new. */
  get state(): DmsAskedState {
    return this.#state;
  }

  next(look: DmsLook, wish: Pick<DmsWish, 'until' | 'isBounded'>): DmsStep {
    const { unseen } = this.#state;
    if (unseen && startedSince(unseen, look)) this.#set({ unseen: null });
    const { due, resumes, skipped, reloads } = this.#state;
    const wished = { ...wish, skipped, reloads };
    const isUnseenLong = this.#isUnseenLong;
    return nextStep(look, { due, unseen: this.#state.unseen, isUnseenLong, resumes, wish: wished });
  }

  /** It has ended, and whoever had started it was not this run. */
  finished(): void {
    if (this.#state.took === 'nothing') this.#set({ took: 'asItWas' });
  }

  /** It runs already; or it has outrun what was decided. */
  adopt(): void {
    if (this.#state.took === 'nothing') this.#set({ took: 'adopted' });
    this.#set({ due: null });
  }

  /** A start is about to be asked for: from here on a cancel has something to stop. Returns how the task was had before. */
  starting(): DmsTook {
    const { took } = this.#state;
    if (took === 'nothing') this.#set({ took: 'started' });
    return took;
  }

  /** DMS could not start it now. */
  notStarted(had: DmsTook): void {
    this.#set({ took: had });
  }

  /** DMS took the start. `before`: the task as it was then. */
  started(how: 'started' | 'adopted', had: DmsTook, before: StartMark, isResume: boolean): void {
    const { starts, resumes, took } = this.#state;
    this.#set({
      took: had === 'nothing' ? how : took,
      due: null,
      unseen: before,
      starts: how === 'started' ? starts + 1 : starts,
      resumes: isResume ? resumes + 1 : resumes,
    });
    this.#isUnseenLong = false;
  }

  /** A whole watch brought no news. */
  quiet(status: string): void {
    this.#isUnseenLong = this.#state.unseen !== null;
    if (status === 'running') this.#set({ resumes: 0 });
  }

  /** A person decided to start it again; one that runs is adopted, which is to look again. */
  startAgain(due: StartWish): void {
    this.#set({ due, unseen: null, resumes: 0 });
  }

  leaveOut(tables: readonly string[]): void {
    this.#set({ skipped: [...new Set([...this.#state.skipped, ...tables])] });
  }

  reloading(tables: readonly string[], askedAt: string): void {
    const { reloads } = this.#state;
    this.#set({ reloads: { ...reloads, ...Object.fromEntries(tables.map((table) => [table, askedAt])) } });
  }

  /** Reloads of tables that are not left over any more are over. */
  leftOver({ leftOver }: Partial<DmsLook['tables']>): void {
    const open = new Set(leftOver?.map(({ schema, table }) => `${schema}.${table}`));
    const reloads = Object.entries(this.#state.reloads).filter(([table]) => open.has(table));
    this.#set({ reloads: Object.fromEntries(reloads) });
  }

  #set(change: Partial<DmsAskedState>): void {
    this.#state = { ...this.#state, ...change };
  }
}
