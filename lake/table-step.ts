import type { Action } from './decisions.ts';
import type { DmsTable } from './dms-tables.ts';
import { instantMs } from './instant.ts';
import { type NamedLanding, type SortedLandings, isBefore, itemName } from './landings.ts';
import { isRepair } from './repair.ts';
import type { TablePlace, TablePosition } from './table-position.ts';
import type { TableStory } from './table-story.ts';

/** What was seen of one table, DMS first and its folder after. */
export interface TableLook {
  /** `undefined` where the task has no such table. */
  readonly table: DmsTable | undefined;
  readonly task: {
    readonly migrationType: string;
    readonly isStanding: boolean;
    /** Does DMS list any table of it? Of one that never ran it lists none. */
    readonly hasTables: boolean;
  };
  readonly landings: SortedLandings;
  /** Was everything below the folder listed? Else only what may be new. */
  readonly isWhole: boolean;
  /** When the look began, before DMS was asked. */
  readonly lookedAtMs: number;
  /** How long DMS may keep changes before it writes them. */
  readonly batchMs: number;
}

export type TableStep =
  /** The first entry of the lane. */
  | { readonly kind: 'open' }
  | { readonly kind: 'begin'; readonly generation: number; readonly loadStartedAt: string | null }
  /** In this order. Never empty. */
  | { readonly kind: 'take'; readonly phase: 'load' | 'cdc'; readonly landings: readonly NamedLanding[] }
  /** They were written again since they were taken: are they what they were? */
  | { readonly kind: 'compare'; readonly landings: readonly NamedLanding[] }
  | { readonly kind: 'ready' }
  | { readonly kind: 'wait'; readonly because: string }
  /** `after`: so many looks in a row must find it, for what DMS says and what S3 lists may be of different moments. */
  | { readonly kind: 'doubt'; readonly doubt: Doubt }
  /** Nothing more to do until something lands. */
  | { readonly kind: 'done' };

export interface Doubt {
  readonly failure: 'LandingsGone' | 'LoadIncomplete' | 'TableNotCaptured';
  readonly message: string;
  /** What a person may do about it; unless given, all that its failure allows. */
  readonly allowed?: readonly Action[];
}

const COMPLETED = 'Table completed';
const LOST = /error|does not exist/i;

/** What comes next about a table. Asked again after each step, it comes to `wait`, `done` or a doubt. */
export function nextStep(story: TableStory, look: TableLook): TableStep {
  const { table, task, landings } = look;
  const { position } = story;
  if (!table && !task.hasTables) return { kind: 'wait', because: 'DMS lists no table of its task yet' };
  if (!table) return lostTable(story, look, 'is not among the tables of its task');
  if (position === undefined) return { kind: 'open' };
  const load = task.migrationType === 'cdc' ? null : table.loadStartedAt;
  const place = position === 'earliest' ? undefined : position;
  if (load !== null && isLater(load, place)) {
    const old = place
      ? unknown(
          story,
          place,
          landings.changes.filter((one) => isBefore(one, load)),
        )
      : [];
    if (old.length > 0) return { kind: 'take', phase: 'cdc', landings: old };
    return { kind: 'begin', generation: (place?.generation ?? 0) + 1, loadStartedAt: load };
  }
  if (!place) {
    const isLoaded = task.migrationType === 'cdc' || table.state === COMPLETED;
    if (isLoaded) return { kind: 'begin', generation: 1, loadStartedAt: null };
    if (LOST.test(table.state)) return lostTable(story, look, `is in state "${table.state}"`);
    return { kind: 'wait', because: `its load has not begun: "${table.state}"` };
  }
  const gone = goneLanding(story, place, look, table);
  if (gone) return { kind: 'doubt', doubt: gone };
  return nextOfGeneration(story, place, look, table);
}

function nextOfGeneration(story: TableStory, place: TablePlace, look: TableLook, table: DmsTable): TableStep {
  const { landings } = look;
  const began = place.loadStartedAt;
  const isOurs = (one: NamedLanding) => began === null || !isBefore(one, began);
  if (!story.isReady && began !== null) {
    const loads = unknown(story, place, landings.loads.filter(isOurs));
    if (loads.length > 0) return { kind: 'take', phase: 'load', landings: loads };
  }
  const own = landings.changes.filter(isOurs);
  const changes = unknown(story, place, own);
  if (changes.length > 0) return { kind: 'take', phase: 'cdc', landings: changes };
  const rewritten = own.filter((one) => !story.has(one.landing, one));
  if (rewritten.length > 0) return { kind: 'compare', landings: rewritten };
  if (story.isReady) {
    if (LOST.test(table.state)) return lostTable(story, look, `is in state "${table.state}"`);
    return unshownLoad(story, place, look, table) ?? { kind: 'done' };
  }
  if (began === null) return { kind: 'ready' };
  return endOfLoad(story, place, began, look, table);
}

/** Landings of a load that DMS does not show yet: of a task that stands, it must show before all is collected. */
function unshownLoad(
  story: TableStory,
  { generation }: TablePlace,
  { landings, task }: TableLook,
  { loadStartedAt, loadEndedAt, ...table }: DmsTable,
): TableStep | undefined {
  if (loadStartedAt === null || loadEndedAt === null) return undefined;
  const ended = instantMs(loadEndedAt) ?? 0;
  const isLaterThanIt = (one: NamedLanding) =>
    (instantMs(one.modifiedAt) ?? 0) > ended && !story.has(itemName(generation, one), one);
  const found = landings.loads.find(isLaterThanIt);
  if (!found) return undefined;
  const message = `${found.landing} was written ${found.modifiedAt}, and DMS shows no load of ${table.schema}.${table.table} since the one that ended ${loadEndedAt}; right would be the load that wrote it`;
  if (!task.isStanding) return { kind: 'wait', because: message };
  return { kind: 'doubt', doubt: { failure: 'LoadIncomplete', message, allowed: ['retry', 'reload'] } };
}

/** A load whose landings, as far as listed, are collected. */
function endOfLoad(
  story: TableStory,
  place: TablePlace,
  began: string,
  look: TableLook,
  table: DmsTable,
): TableStep {
  const { landings, task, lookedAtMs, batchMs } = look;
  if (LOST.test(table.state)) return lostTable(story, look, `is in state "${table.state}"`);
  if (table.state !== COMPLETED || table.loadStartedAt !== began || table.loadEndedAt === null) {
    return { kind: 'wait', because: `its load goes on: "${table.state}"` };
  }
  if (story.loadRecords !== table.rows) {
    const message = `DMS loaded ${table.rows} rows of ${nameOf(table)}; the ${story.loadLandings} landings of generation ${place.generation} have ${story.loadRecords}`;
    return { kind: 'doubt', doubt: { failure: 'LoadIncomplete', message } };
  }
  const ended = instantMs(table.loadEndedAt) ?? 0;
  const isPast =
    task.isStanding ||
    task.migrationType === 'full-load' ||
    lookedAtMs >= ended + batchMs ||
    landings.changes.some(({ modifiedAt }) => (instantMs(modifiedAt) ?? 0) > ended);
  return isPast ? { kind: 'ready' } : { kind: 'wait', because: 'changes of its load may still come' };
}

/** Landings whose names the chain does not have: each is taken once. */
function unknown(
  story: TableStory,
  { generation }: TablePlace,
  landings: readonly NamedLanding[],
): readonly NamedLanding[] {
  return landings.filter((one) => !story.hasName(itemName(generation, one)));
}

/** DMS took a table's landings away: TRUNCATE, or DROP. A statement of that kind counts as a DDL. */
function goneLanding(
  story: TableStory,
  place: TablePlace,
  { landings, isWhole }: TableLook,
  table: DmsTable,
): Doubt | undefined {
  if (table.ddls === 0 || !isWhole) return undefined;
  const isThere = new Set([...landings.loads, ...landings.changes].map(({ landing }) => landing));
  const gone = expectedLandings(story, place).find((landing) => !isThere.has(landing));
  if (gone === undefined) return undefined;
  const message = `${gone} was collected in generation ${place.generation} and is gone, while ${nameOf(table)} is "${table.state}" after ${table.ddls} DDL statements: right would be a load that began since, or landings that stay`;
  return { failure: 'LandingsGone', message };
}

/** The first, the last of its load, and the last of all: what landed since may be there although all before it was taken away. */
function expectedLandings(story: TableStory, { landing }: TablePlace): readonly string[] {
  // What a repair wrote never stood among the landings.
  const isExpected = !story.isGoneAccepted && landing !== '' && !isRepair(landing);
  const last = isExpected ? [landing] : [];
  const named = [story.firstLanding, story.lastLoadLanding].filter((one) => one !== undefined);
  return [...named, ...last];
}

function lostTable(story: TableStory, look: TableLook, is: string): TableStep {
  const name = look.table ? nameOf(look.table) : story.table;
  return {
    kind: 'doubt',
    doubt: {
      failure: 'TableNotCaptured',
      message: `${name} ${is}; right would be a table that its task replicates`,
    },
  };
}

/** What DMS says may be of some moments ago: a load that began earlier than ours is no news. */
function isLater(load: string, place: TablePlace | undefined): boolean {
  return place === undefined || place.loadStartedAt === null || load > place.loadStartedAt;
}

function nameOf({ schema, table }: DmsTable): string {
  return `${schema}.${table}`;
}

/** Of a lane without entries, nothing. */
export function placeOf(position: TablePosition | undefined): TablePlace | undefined {
  return position === undefined || position === 'earliest' ? undefined : position;
}
