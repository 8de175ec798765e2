import { canonical, compareText } from './canonical.ts';
import type { DatasetSpec, LakeSpec, SourceSpec } from './spec.ts';

/** `compatible`: from the next entry or build. `rebuild`: every build would change. `refused`: never. */
export type ChangeClass = 'compatible' | 'rebuild' | 'refused';

export interface SpecChange {
  /** `datasets.payments.key`. */
  readonly path: string;
  readonly class: ChangeClass;
  readonly what: string;
}

/** What changes rows that are built already, or that would be collected otherwise. */
const DATASET_REBUILDS = ['merge', 'key', 'version', 'partition', 'columns', 'eventTime', 'feeds'] as const;
const SOURCE_REBUILDS = ['format', 'columns'] as const;
const SOURCE_REFUSALS = ['kind', 'stream', 'start'] as const;

/** How `next` differs from the applied spec, in the order of paths. Empty: nothing changes. */
export function specChanges(applied: LakeSpec | undefined, next: LakeSpec): readonly SpecChange[] {
  if (!applied) return [{ path: 'lake', class: 'compatible', what: 'the first spec of this lake' }];
  return [
    ...lakeChanges(applied, next),
    ...memberChanges('sources', applied.sources, next.sources, sourceChanges),
    ...memberChanges('datasets', applied.datasets, next.datasets, datasetChanges),
  ];
}

function lakeChanges(applied: LakeSpec, next: LakeSpec): SpecChange[] {
  return (['name', 'bucket'] as const)
    .filter((field) => applied.lake[field] !== next.lake[field])
    .map((field) => ({
      path: `lake.${field}`,
      class: 'refused',
      what: `${applied.lake[field]} cannot become ${next.lake[field]}: that would be another lake`,
    }));
}

function memberChanges<T>(
  section: string,
  applied: Readonly<Record<string, T>>,
  next: Readonly<Record<string, T>>,
  changes: (path: string, before: T, after: T) => SpecChange[],
): SpecChange[] {
  const names = [...new Set([...Object.keys(applied), ...Object.keys(next)])].sort(compareText);
  return names.flatMap((name): SpecChange[] => {
    const path = `${section}.${name}`;
    const before = applied[name];
    const after = next[name];
    if (before === undefined) return [{ path, class: 'compatible', what: 'new' }];
    if (after === undefined)
      return [{ path, class: 'compatible', what: 'no longer declared; what was collected stays' }];
    return changes(path, before, after);
  });
}

function sourceChanges(path: string, before: SourceSpec, after: SourceSpec): SpecChange[] {
  return fieldChanges(path, before, after, (field) => {
    if (SOURCE_REFUSALS.some((one) => one === field)) return 'refused';
    return SOURCE_REBUILDS.some((one) => one === field) ? 'rebuild' : 'compatible';
  });
}

function datasetChanges(path: string, before: DatasetSpec, after: DatasetSpec): SpecChange[] {
  return fieldChanges(path, before, after, (field) => {
    if (field === 'gate' && canonical(before.gate.compare) !== canonical(after.gate.compare))
      return 'rebuild';
    return DATASET_REBUILDS.some((one) => one === field) ? 'rebuild' : 'compatible';
  });
}

function fieldChanges(
  path: string,
  before: object,
  after: object,
  classOf: (field: string) => ChangeClass,
): SpecChange[] {
  const was = new Map(Object.entries(before));
  const is = new Map(Object.entries(after));
  return [...new Set([...was.keys(), ...is.keys()])]
    .sort(compareText)
    .filter((field) => canonical(was.get(field)) !== canonical(is.get(field)))
    .map((field) => ({
      path: `${path}.${field}`,
      class: classOf(field),
      what: `${canonical(was.get(field))} becomes ${canonical(is.get(field))}`,
    }));
}
