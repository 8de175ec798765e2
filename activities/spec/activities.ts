import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { canonical } from '../../lake/canonical.ts';
import { scheduleId, workflowIds } from '../../lake/ids.ts';
import {
  type DatabaseSource,
  type LakeSpec,
  type SourceSpec,
  type SpecObject,
  datasetOf,
} from '../../lake/spec.ts';
import type { SpecChange } from '../../lake/spec-change.ts';
import type { Coverage } from '../../lake/view.ts';
import { failure } from '../failure.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { Runs } from '../runs/port.ts';
import { compareSpecs } from './compare.ts';
import { type LeftRun, leaveRuns, scheduleOf, startOrNudge, startSource } from './runs.ts';
import { createSpecReader, specChain } from './store.ts';

export interface ApplyResult {
  /** The number of the spec that is the newest now. */
  readonly n: number;
  /** False when the lake had it already. */
  readonly written: boolean;
  readonly changes: readonly SpecChange[];
  /** Datasets whose entries must be counted under the spec before it is written. Absent: none. */
  readonly measure?: readonly string[];
}

export interface SetUpResult {
  readonly started: readonly string[];
  readonly schedules: readonly string[];
  readonly left: readonly LeftRun[];
}

export interface DescribedSource {
  readonly kind: SourceSpec['kind'];
  /** The dataset it feeds; null when it is collected as it is. */
  readonly dataset: string | null;
}

export interface DescribedDatabase {
  readonly replicate: DatabaseSource['replicate'];
  /** How many it declares. */
  readonly tables: number;
}

export interface WriteSpecInput {
  readonly spec: LakeSpec;
  readonly by: string;
  readonly reason: string;
  /** How far entries were counted for it: what came since is counted before it is planned. */
  readonly measuredTo?: Coverage;
}

export type SpecActivities = ReturnType<typeof createSpecActivities>;

export interface SpecPorts {
  readonly store: ObjectStore;
  readonly runs: Runs;
  readonly clock: { now(): number };
}

export function createSpecActivities({ store, runs, clock }: SpecPorts) {
  const reader = createSpecReader({ store });

  /** What a source is. It only reads: running it again changes nothing. */
  async function describeSource({
    source,
    kind,
  }: {
    readonly source: string;
    readonly kind: string;
  }): Promise<DescribedSource> {
    const { found, spec } = await sourceOf(source, kind);
    return { kind: found.kind, dataset: datasetOf(spec, source)?.name ?? null };
  }

  /** What a database is. It only reads: running it again changes nothing. */
  async function describeDatabase({ source }: { readonly source: string }): Promise<DescribedDatabase> {
    const { found } = await sourceOf(source, 'database');
    // `sourceOf` resolves no other kind.
    if (found.kind !== 'database') throw failure('UnknownSource', `${source} is no database`);
    return { replicate: found.replicate, tables: Object.keys(found.tables).length };
  }

  /**
   * Let the reconciliation of the datasets that these feeds serve look at once. Safe to run twice: a look more costs
   * time, nothing else; and one that is lost, too, for each looks by itself.
   */
  async function nudgeDatasets({ feeds }: { readonly feeds: readonly string[] }): Promise<void> {
    const { spec } = await reader.read(cancellationSignal());
    const served = new Set(feeds.flatMap((feed) => datasetOf(spec, feed)?.name ?? []));
    for (const dataset of served)
      await runs.signal(workflowIds.reconcileDataset(dataset), 'nudge', undefined);
  }

  async function sourceOf(
    source: string,
    kind: string,
  ): Promise<{ readonly found: SourceSpec; readonly spec: LakeSpec }> {
    const { spec, n } = await reader.read(cancellationSignal());
    const found = spec.sources[source];
    if (found?.kind === kind) return { found, spec };
    const fit = Object.keys(spec.sources).filter((name) => spec.sources[name]?.kind === kind);
    const is = found ? `is a source of kind ${found.kind}` : `is no source of spec ${n}`;
    throw failure('UnknownSource', `${source} ${is}; of kind ${kind} are: ${fit.join(', ') || 'none'}`);
  }

  /** Which feeds a dataset is made from. It only reads: running it again changes nothing. */
  async function describeDataset({
    dataset,
  }: {
    readonly dataset: string;
  }): Promise<{ readonly feeds: readonly string[] }> {
    const { spec, n } = await reader.read(cancellationSignal());
    const found = spec.datasets[dataset];
    if (!found) {
      throw failure(
        'UnknownSource',
        `${dataset} is no dataset of spec ${n}; there are: ${Object.keys(spec.datasets).join(', ')}`,
      );
    }
    return { feeds: Object.keys(found.feeds) };
  }

  /**
   * Make `spec` the lake's newest, unless it builds a dataset anew whose entries are not counted under it yet. Safe to
   * run twice: a spec that equals the newest is not written again. The commit point is the conditional create of
   * `spec/<n>.json`.
   */
  async function writeSpec({ spec, by, reason, measuredTo }: WriteSpecInput): Promise<ApplyResult> {
    const signal = cancellationSignal();
    const chain = specChain(store);
    const watch = { signal, onProgress: () => heartbeat() };
    const { head, changes, rebuilds } = await compareSpecs({ store, chain }, spec, watch, measuredTo);
    if (head && changes.length === 0) return { n: head.n, written: false, changes };
    const refused = changes.filter((change) => change.class === 'refused').map(explain);
    const barred = rebuilds.flatMap((one) =>
      one.barred.map((because) => `datasets.${one.dataset}: ${because}`),
    );
    if (refused.length + barred.length > 0) throw failure('SpecRefused', [...refused, ...barred].join('; '));
    const measure = rebuilds.filter(({ unmeasured }) => unmeasured > 0).map(({ dataset }) => dataset);
    if (measure.length > 0) return { n: head?.n ?? 0, written: false, changes, measure };
    const raised = new Set(rebuilds.map(({ dataset }) => dataset));
    const before = head?.value.epochs ?? {};
    // A name that is taken out keeps its epoch: when it comes again, none of its old plans may fit.
    const names = new Set([...Object.keys(before), ...Object.keys(spec.datasets)]);
    const epochs = Object.fromEntries(
      [...names].map((name) => [name, epochOf(before[name], raised.has(name))]),
    );
    const next: SpecObject = {
      format: 1,
      n: (head?.n ?? 0) + 1,
      prev: head?.sha256 ?? null,
      lake: spec.lake,
      sources: spec.sources,
      datasets: spec.datasets,
      epochs,
      by,
      reason,
      at: new Date(clock.now()).toISOString(),
    };
    const appended = await chain.append(next, signal);
    if (appended.kind === 'committed') return { n: next.n, written: true, changes };
    // Another apply was first, or an earlier attempt of this one: only the same spec is a success.
    const { lake, sources, datasets } = appended.link.value;
    if (canonical({ lake, sources, datasets }) === canonical(spec))
      return { n: appended.link.n, written: true, changes };
    throw failure(
      'SpecRefused',
      `spec ${appended.link.n} was applied by ${appended.link.value.by} meanwhile: apply again`,
    );
  }

  /**
   * Set the lake's schedules and start its long-lived runs. Safe to run twice: schedules are set to what the spec
   * says, and a run that is open already stays, and takes the newest spec.
   */
  async function setUpLake(): Promise<SetUpResult> {
    const { spec, n } = await reader.read(cancellationSignal());
    const started: string[] = [];
    const schedules: string[] = [];
    const before = n > 1 ? await specChain(store).read(n - 1, cancellationSignal()) : undefined;
    const left = before ? await leaveRuns(runs, before.value, spec) : [];
    for (const [source, declared] of Object.entries(spec.sources)) {
      const id = await startSource(runs, source, declared);
      if (id !== undefined) started.push(id);
      const schedule = scheduleOf(source, declared, n);
      if (!schedule) await runs.removeSchedule(scheduleId(source));
      else {
        schedules.push(schedule.scheduleId);
        await runs.setSchedule(schedule);
      }
    }
    for (const dataset of Object.keys(spec.datasets)) {
      const id = workflowIds.reconcileDataset(dataset);
      if (await startOrNudge(runs, 'reconcileDataset', id, { dataset })) started.push(id);
    }
    return { started, schedules, left };
  }

  return { describeSource, describeDatabase, describeDataset, nudgeDatasets, writeSpec, setUpLake };
}

/** A dataset that is new has nothing to be told apart from. */
function epochOf(before: number | undefined, isRaised: boolean): number {
  return before === undefined ? 1 : before + (isRaised ? 1 : 0);
}

function explain({ path, what, effect }: SpecChange): string {
  return `${path}: ${what}; ${effect}`;
}
