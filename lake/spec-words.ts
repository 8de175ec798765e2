import { canonical, compareText } from './canonical.ts';
import type { Partitioning } from './spec.ts';

// A resolved spec in the words of lake.yaml: `quietMs: 600000` there is `quiet: 10m`.

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;

/** `latenessMs` → `lateness`. */
export function wordOf(field: string): string {
  if (field === 'lateRatio') return 'late';
  if (field === 'lateAfterMs') return 'after';
  return field.endsWith('Ms') ? field.slice(0, -2) : field;
}

/** A field's value on one line, as lake.yaml would have it. */
export function valueText(field: string, value: unknown): string {
  if (typeof value === 'number' && field.endsWith('Ms')) return durationText(value);
  if (typeof value === 'number' && field === 'lateRatio') return percentText(value);
  if (isTolerance(value)) return 'count' in value ? String(value.count) : percentText(value.ratio);
  if (isPartitioning(value)) return partitionText(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return canonical(value);
  const members = Object.entries(value).sort(([a], [b]) => compareText(a, b));
  return `{${members.map(([name, member]) => `${wordOf(name)}: ${valueText(name, member)}`).join(', ')}}`;
}

/** Whether a value stands in lake.yaml as one, however many members it has here. */
export function isOneValue(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return true;
  return isPartitioning(value) || isTolerance(value);
}

/** 90000 → `90s`; 5 → `5ms`. */
function durationText(ms: number): string {
  for (const [unit, size] of UNITS) if (ms >= size && ms % size === 0) return `${ms / size}${unit}`;
  return `${ms}ms`;
}

// Twelve digits: 0.07 * 100 is not quite 7.
function percentText(ratio: number): string {
  return `${Number((ratio * 100).toPrecision(12))}%`;
}

function partitionText(partition: Partitioning): string {
  if (partition.kind === 'whole') return 'whole';
  if (partition.kind === 'bucket') return `{buckets: ${partition.buckets}}`;
  const { unit, column, fixed, from } = partition;
  const more = `${fixed ? ', fixed: true' : ''}${from === undefined ? '' : `, from: ${from}`}`;
  return `{${unit}: ${column}${more}}`;
}

function isPartitioning(value: unknown): value is Partitioning {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  return value.kind === 'time' || value.kind === 'bucket' || value.kind === 'whole';
}

function isTolerance(value: unknown): value is { readonly count: number } | { readonly ratio: number } {
  if (typeof value !== 'object' || value === null) return false;
  const [field, ...more] = Object.keys(value);
  return more.length === 0 && (field === 'count' || field === 'ratio');
}
