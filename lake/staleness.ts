import { type Closing } from './closing.ts';
import { entryName } from './coverage.ts';
import { type EntryFacts } from './entry-facts.ts';
import { type Generations, isCurrent } from './generations.ts';
import { usedBy } from './parts.ts';
import { type PlannedPartition } from './plan.ts';
import { type BuildContext, inputsOf, split } from './planning.ts';
import type { Coverage, EntryRef, Part } from './view.ts';

export interface PartitionState {
  readonly partition: string;
  readonly part: Part | undefined;
  /** at(p). */
  readonly at: Coverage;
  /** What a plan made now would account for. */
  readonly coverage: Coverage;
  /** Every entry that touches the partition, in chain order. */
  readonly entries: readonly EntryFacts[];
  readonly exclude: readonly EntryRef[];
  /** Current generations, as builds have them now and up to `coverage`. */
  readonly built: Generations;
  readonly current: Generations;
  /** Does another generation of a table come to the partition? Then it is built, complete or not. */
  readonly turns: boolean;
  readonly closing: Closing;
  /** False where nothing says when a partition is complete: then what batch feeds bring is built at once. */
  readonly closes: boolean;
  readonly nowMs: number;
  readonly recompute: boolean;
}

export type Staleness =
  | {
      readonly kind: 'stale';
      readonly planned: PlannedPartition;
      readonly late: readonly EntryFacts[];
    }
  | {
      readonly kind: 'fresh';
      /** Entries that its build lacks, not yet worth a rebuild. */
      readonly late: readonly EntryFacts[];
      readonly lookAtMs?: number;
    }
  | { readonly kind: 'waiting'; readonly because: string; readonly lookAtMs?: number };

/** Is a build of this partition due, and why? */
export function staleness(context: BuildContext, state: PartitionState): Staleness {
  const { partition, part, at, coverage, entries, exclude, closing } = state;
  const wanted = split(entries, coverage, exclude, state.current);
  if (wanted.used.length === 0 && part?.build === undefined) return { kind: 'fresh', late: [] };
  const next = inputsOf(context, partition, wanted.used, wanted.excluded);
  if (part?.build === undefined) return firstBuild(state, next);

  const before = entries.filter((entry) => isCurrent(entry, state.built));
  const used = usedBy(part, at, before, exclude);
  const has = new Set(used.map(entryName));
  const late = wanted.used.filter((entry) => !has.has(entryName(entry)));
  const stale = (why: PlannedPartition['why']): Staleness => ({
    kind: 'stale',
    planned: plannedAs(partition, next, why, part.provisional === true && closing.kind !== 'closed'),
    late,
  });
  if (state.recompute) return stale('recompute');
  const same = inputsOf(context, partition, used, split(before, at, exclude, state.built).excluded);
  if (next.buildId !== part.build) {
    if (state.turns) return stale('undone');
    if (next.inputs.undone.length !== same.inputs.undone.length) return stale('undone');
    if (same.buildId !== part.build) return stale('changed');
    if (late.some(({ retracts, releases }) => retracts || releases)) return stale('undone');
    if (late.some((entry) => isDueAtOnce(context, state, entry))) return stale('batch');
    const due = lateDue(context, state, used, late);
    if (due.isDue) return stale('late');
    if (part.provisional && closing.kind === 'closed') return stale('batch');
    return { kind: 'fresh', late, ...(due.lookAtMs !== undefined && { lookAtMs: due.lookAtMs }) };
  }
  return part.provisional && closing.kind === 'closed' ? stale('batch') : { kind: 'fresh', late };
}

function firstBuild(
  { partition, closing, recompute, turns }: PartitionState,
  next: ReturnType<typeof inputsOf>,
): Staleness {
  if (closing.kind === 'closed') {
    const planned = plannedAs(partition, next, recompute ? 'recompute' : 'closed', false);
    return { kind: 'stale', planned, late: [] };
  }
  if (closing.kind === 'deadline') {
    return { kind: 'stale', planned: plannedAs(partition, next, 'deadline', true), late: [] };
  }
  if (turns) return { kind: 'stale', planned: plannedAs(partition, next, 'undone', true), late: [] };
  const { because, lookAtMs } = closing;
  return { kind: 'waiting', because, ...(lookAtMs !== undefined && { lookAtMs }) };
}

function plannedAs(
  partition: string,
  { buildId, inputs }: ReturnType<typeof inputsOf>,
  why: PlannedPartition['why'],
  provisional: boolean,
): PlannedPartition {
  return { partition, buildId, inputs, why, ...(provisional && { provisional }) };
}

/** Rows that reach readers only inside a build, or of a batch feed of a dataset that nothing closes. */
function isDueAtOnce({ spec }: BuildContext, { closes }: PartitionState, { feed }: EntryFacts): boolean {
  const use = spec.feeds[feed];
  return use?.visible === 'publish' || (!closes && use?.role === 'batch');
}

function lateDue(
  { spec }: BuildContext,
  { partition, nowMs }: PartitionState,
  used: readonly EntryFacts[],
  late: readonly EntryFacts[],
): { readonly isDue: boolean; readonly lookAtMs?: number } {
  if (late.length === 0) return { isDue: false };
  const lateRows = rowsIn(partition, late);
  const oldest = Math.min(...late.map(({ committedAtMs }) => committedAtMs));
  const lookAtMs = oldest + spec.rebuild.lateAfterMs;
  const isMuch = lateRows > 0 && lateRows / Math.max(1, rowsIn(partition, used)) > spec.rebuild.lateRatio;
  return { isDue: isMuch || nowMs >= lookAtMs, lookAtMs };
}

function rowsIn(partition: string, entries: readonly EntryFacts[]): number {
  return entries.reduce((rows, { partitions }) => rows + (partitions[partition] ?? 0), 0);
}
