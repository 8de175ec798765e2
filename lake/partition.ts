import type { Partitioning } from './spec.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** `[fromMs, toMs)`, milliseconds since the epoch. */
export interface Bounds {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The name of the partition with this number: hours, days or months since the epoch under `time`, the bucket
 * under `bucket`, 0 under `whole`. `2026-11-21T07`, `2026-11-21`, `2026-11`, `b0042`, `all`.
 */
export function partitionName(partitioning: Partitioning, number: number): string {
  if (partitioning.kind === 'whole') return 'all';
  if (partitioning.kind === 'bucket') return `b${String(number).padStart(4, '0')}`;
  switch (partitioning.unit) {
    case 'hour':
      return `${dayText(Math.floor(number / 24))}T${two(number - Math.floor(number / 24) * 24)}`;
    case 'day':
      return dayText(number);
    case 'month':
      return `${1970 + Math.floor(number / 12)}-${two(number - Math.floor(number / 12) * 12 + 1)}`;
  }
}

/** The inverse of `partitionName`; `undefined` for a name of another shape. */
export function partitionNumber(partitioning: Partitioning, name: string): number | undefined {
  const number = parse(partitioning, name);
  return number !== undefined && partitionName(partitioning, number) === name ? number : undefined;
}

/** The period of a time partition; `undefined` for the others. */
export function partitionBounds(partitioning: Partitioning, name: string): Bounds | undefined {
  if (partitioning.kind !== 'time') return undefined;
  const number = partitionNumber(partitioning, name);
  if (number === undefined) return undefined;
  switch (partitioning.unit) {
    case 'hour':
      return { fromMs: number * HOUR_MS, toMs: (number + 1) * HOUR_MS };
    case 'day':
      return { fromMs: number * DAY_MS, toMs: (number + 1) * DAY_MS };
    case 'month':
      return { fromMs: monthDay(number) * DAY_MS, toMs: monthDay(number + 1) * DAY_MS };
  }
}

function parse(partitioning: Partitioning, name: string): number | undefined {
  if (partitioning.kind === 'whole') return name === 'all' ? 0 : undefined;
  if (partitioning.kind === 'bucket') {
    const bucket = Number(/^b(\d{4,})$/.exec(name)?.[1] ?? Number.NaN);
    return bucket < partitioning.buckets ? bucket : undefined;
  }
  const [, year, month, day, hour] = /^(\d{4})-(\d{2})(?:-(\d{2})(?:T(\d{2}))?)?$/.exec(name) ?? [];
  if (year === undefined || month === undefined) return undefined;
  if (partitioning.unit === 'month') return (Number(year) - 1970) * 12 + Number(month) - 1;
  if (day === undefined) return undefined;
  const days = epochDay(Number(year), Number(month), Number(day));
  if (partitioning.unit === 'day') return hour === undefined ? days : undefined;
  return hour === undefined ? undefined : days * 24 + Number(hour);
}

function monthDay(month: number): number {
  const year = 1970 + Math.floor(month / 12);
  return epochDay(year, month - (year - 1970) * 12 + 1, 1);
}

function dayText(day: number): string {
  const [year, month, date] = civil(day);
  return `${String(year).padStart(4, '0')}-${two(month)}-${two(date)}`;
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}

// The proleptic Gregorian calendar in eras of 400 years, counted from 1 March, so that leap days come last.
const ERA_DAYS = 146_097;
const EPOCH_IN_ERAS = 719_468;

/** Days since 1970-01-01 of a calendar date. */
export function epochDay(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * ERA_DAYS + dayOfEra - EPOCH_IN_ERAS;
}

/** The calendar date of a day since 1970-01-01: [year, month 1–12, day 1–31]. */
export function civil(day: number): readonly [number, number, number] {
  const shifted = day + EPOCH_IN_ERAS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return [
    yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1,
  ];
}
