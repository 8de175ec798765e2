import { compareText } from './canonical.ts';
import { loadItem } from './table-lane.ts';
import { instantMs, isoInstant } from './instant.ts';

/** An object below a table's folder, as a listing has it. */
export interface ListedLanding {
  /** Its key below the table's folder. */
  readonly landing: string;
  readonly bytes: number;
  /** ISO; S3 knows whole seconds. */
  readonly modifiedAt: string;
  /** Changes whenever the object is written again. */
  readonly tag: string;
}

export type LandingFormat = 'csv' | 'csv.gz' | 'parquet';

/** What the name of a landing says. `folder`: of a date or of a partition; empty without. */
export type LandingName =
  | {
      readonly kind: 'load';
      readonly folder: string;
      /** Of a table that is loaded in ranges without names; 0 else. */
      readonly segment: number;
      readonly counter: number;
      readonly format: LandingFormat;
    }
  | {
      readonly kind: 'changes';
      readonly folder: string;
      /** `20261124-201500123`: when DMS named it, in the time zone of its date partitions. */
      readonly moment: string;
      readonly format: LandingFormat;
    };

const SHAPE = /^(?:(.+)\/)?([^/]+?)\.(csv\.gz|csv|parquet)$/s;
const LOAD = /^(?:SEGMENT(\d{1,9})_)?LOAD([0-9A-Fa-f]{8,12})$/;
const CHANGES = /^\d{8}-\d{9,}$/;
const DATED = /^\d{2,10}(?:[/_-]\d{2,4})*$/;

/**
 * `LOAD0000000A.parquet`, `<partition>/LOAD….csv`, `SEGMENT1_LOAD….csv` (the counter is hexadecimal),
 * `20141029-1134010000.csv`, `2014/10/29/20141029-….csv`; `undefined` for any other name.
 */
export function parseLanding(landing: string): LandingName | undefined {
  const [, folder = '', name = '', format = ''] = SHAPE.exec(landing) ?? [];
  const [, segment = '0', counter] = LOAD.exec(name) ?? [];
  if (counter !== undefined) {
    return {
      kind: 'load',
      folder,
      segment: Number(segment),
      counter: Number.parseInt(counter, 16),
      format: format as LandingFormat,
    };
  }
  if (!CHANGES.test(name) || (folder !== '' && !DATED.test(folder))) return undefined;
  return { kind: 'changes', folder, moment: name, format: format as LandingFormat };
}

/** The inverse of `parseLanding`, as DMS writes names. */
export function landingText(name: LandingName): string {
  const folder = name.folder === '' ? '' : `${name.folder}/`;
  if (name.kind === 'changes') return `${folder}${name.moment}.${name.format}`;
  const segment = name.segment === 0 ? '' : `SEGMENT${name.segment}_`;
  const counter = name.counter.toString(16).toUpperCase().padStart(8, '0');
  return `${folder}${segment}LOAD${counter}.${name.format}`;
}

/** A landing whose name was read. */
export interface NamedLanding extends ListedLanding {
  readonly name: LandingName;
}

export interface SortedLandings {
  /** In the order of their counters. */
  readonly loads: readonly NamedLanding[];
  /** In the order in which they were written. */
  readonly changes: readonly NamedLanding[];
  /** What DMS does not write: nobody knows what it holds. */
  readonly others: readonly ListedLanding[];
}

export function sortLandings(listed: readonly ListedLanding[]): SortedLandings {
  const loads: NamedLanding[] = [];
  const changes: NamedLanding[] = [];
  const others: ListedLanding[] = [];
  for (const one of listed) {
    const name = parseLanding(one.landing);
    if (name) (name.kind === 'load' ? loads : changes).push({ ...one, name });
    else others.push(one);
  }
  return { loads: loads.sort(compareLandings), changes: changes.sort(compareLandings), others };
}

/**
 * Loads by folder, segment and counter. Changes by the second in which they were written, and by name within one: names
 * follow a zone's clock, which goes back once a year, and folders the day of a commit, which may be over by then.
 */
export function compareLandings(a: NamedLanding, b: NamedLanding): number {
  if (a.name.kind === 'load' && b.name.kind === 'load') {
    return (
      compareText(a.name.folder, b.name.folder) ||
      a.name.segment - b.name.segment ||
      a.name.counter - b.name.counter ||
      compareText(a.landing, b.landing)
    );
  }
  if (a.name.kind === 'changes' && b.name.kind === 'changes') {
    return (
      secondOf(a.modifiedAt) - secondOf(b.modifiedAt) ||
      compareText(a.name.moment, b.name.moment) ||
      compareText(a.landing, b.landing)
    );
  }
  return a.name.kind === 'load' ? -1 : b.name.kind === 'load' ? 1 : 0;
}

/**
 * Was this written before a load that began then? S3 tells whole seconds; within the second of the beginning the name
 * of changes decides, whose seconds no time zone shifts.
 */
export function isBefore({ name, modifiedAt }: NamedLanding, loadStartedAt: string): boolean {
  const began = instantMs(loadStartedAt) ?? 0;
  const written = secondOf(modifiedAt);
  const beganSecond = Math.floor(began / 1000);
  if (written !== beganSecond) return written < beganSecond;
  if (name.kind === 'load') return false;
  const [, second = '', fraction = ''] = /^\d{8}-\d{4}(\d{2})(\d*)$/.exec(name.moment) ?? [];
  const since = (Number(second) - (beganSecond % 60) + 60) % 60;
  // A name of the seconds after is DMS's clock running ahead of S3's.
  if (since !== 0) return since >= 30;
  return Number(fraction.padEnd(3, '0').slice(0, 3)) < began % 1000;
}

function secondOf(iso: string): number {
  return Math.floor((instantMs(iso) ?? 0) / 1000);
}

/** Under which name the chain has a landing: one of a load is collected anew by each generation. */
export function itemName(generation: number, { name, landing }: NamedLanding): string {
  return name.kind === 'load' ? loadItem(generation, landing) : landing;
}

/** When a load began, as `_change` has it: `yyyyMMddHHmmSShh` and 19 zeros, so that changes from before lose to it. */
export function loadChange(loadStartedAt: string): string {
  return `${loadStartedAt.replaceAll(/\D/g, '').padEnd(16, '0').slice(0, 16)}${'0'.repeat(19)}`;
}

/** Longer than a day and a clock change: within it, what is written later may have the lesser name. */
const BOUND_MS = 26 * 3_600_000;
/** Folders in the order of time. */
const ORDERED = new Set(['YYYYMMDD', 'YYYYMMDDHH', 'YYYYMM']);

/**
 * After which name what is new must stand, where names follow time: 26 hours before the newest changes that were taken.
 * Loads stand behind all changes. `undefined`: anywhere.
 */
export function listingBound(
  dates: { readonly sequence: string; readonly delimiter: string } | undefined,
  newest: string | undefined,
): string | undefined {
  const name = newest === undefined ? undefined : parseLanding(newest);
  if (name?.kind !== 'changes') return undefined;
  if (dates === undefined) {
    const at = momentMs(name.moment);
    return name.folder !== '' || at === undefined ? undefined : digitsOf(at - BOUND_MS, '-');
  }
  if (!ORDERED.has(dates.sequence)) return undefined;
  const [, year = '', month = '01', day = '01', hour = '00'] =
    /^(\d{4})\D?(\d{2})\D?(\d{2})?\D?(\d{2})?$/.exec(name.folder) ?? [];
  const at = instantMs(`${year}-${month}-${day}T${hour}:00:00Z`);
  if (at === undefined) return undefined;
  const digits = digitsOf(at - BOUND_MS, '');
  const parts = [digits.slice(0, 4), digits.slice(4, 6), digits.slice(6, 8), digits.slice(8, 10)];
  return parts.slice(0, dates.sequence.length / 2 - 1).join(dates.delimiter);
}

function momentMs(moment: string): number | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d{2})(\d{2})-(\d{2})(\d{2})(\d{2})/.exec(moment) ?? [];
  return instantMs(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}

/** `20261124-2015`, to the minute. */
function digitsOf(ms: number, between: string): string {
  const digits = isoInstant(ms).replaceAll(/\D/g, '');
  return `${digits.slice(0, 8)}${between}${digits.slice(8, 12)}`;
}
