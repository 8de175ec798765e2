import { mkdtemp, rm } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Action } from '../../lake/decisions.ts';
import type { EntryItem } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { type NamedLanding, itemName } from '../../lake/landings.ts';
import { type TableLook, nextStep, placeOf } from '../../lake/table-step.ts';
import type { TablePlace } from '../../lake/table-position.ts';
import { itemVersion } from '../../lake/transfer.ts';
import { withDuckDb } from '../duckdb.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import { fetchLanding, parquetProblem } from './fetch.ts';
import { TableLane, type TableAdditions } from './lane.ts';
import type { DmsSeen } from './look.ts';
import { listLandings, readyOf } from './table.ts';

export interface Decision {
  readonly action: Action;
  readonly by: string;
  readonly reason: string;
  /** Key of its audit object. */
  readonly decision: string;
}

/** Acts on a decision about one table. Resolves how many entries that took; 0 where the table waits for nothing any more. */
export async function decideTable(
  context: DatabaseContext,
  table: DeclaredTable,
  seen: DmsSeen,
  decision: Decision,
): Promise<number> {
  if (decision.action !== 'skip' && decision.action !== 'approve') return 0;
  const lane = new TableLane(table);
  for (;;) {
    context.signal.throwIfAborted();
    if (!(await lane.refresh(context)))
      throw new Error(`${table.feed} is collected by a later attempt: again`);
    const place = placeOf(lane.story.position);
    if (!place) return 0;
    const landings = await listLandings(context, table, lane.story, true);
    const step = nextStep(lane.story, lookOf(context, table, seen, landings));
    const entry = await entryFor({ context, table, lane, place }, step, decision);
    if (!entry) return 0;
    const appended = await lane.append(context, entry.through, entry.additions);
    if (appended === 'committed') return 1;
    // The next attempt is scheduled later than whoever collects now, and so goes before it.
    if (appended === 'superseded') throw new Error(`${table.feed} is collected by a later attempt: again`);
  }
}

function lookOf(
  { task, target }: DatabaseContext,
  { name }: DeclaredTable,
  { tables, isStanding, lookedAtMs }: DmsSeen,
  landings: TableLook['landings'],
): TableLook {
  return {
    table: tables.get(name),
    task: { migrationType: task.migrationType, isStanding, hasTables: tables.size > 0 },
    landings,
    isWhole: true,
    lookedAtMs,
    batchMs: target.batchMs,
  };
}

interface Deciding {
  readonly context: DatabaseContext;
  readonly table: DeclaredTable;
  readonly lane: TableLane;
  readonly place: TablePlace;
}

interface DecidedEntry {
  readonly through: TablePlace;
  readonly additions: TableAdditions;
}

async function entryFor(
  of: Deciding,
  step: ReturnType<typeof nextStep>,
  { action, by, reason }: Decision,
): Promise<DecidedEntry | undefined> {
  const { context, lane, place } = of;
  if (step.kind === 'doubt') {
    const { failure } = step.doubt;
    if (failure === 'LoadIncomplete' && action === 'approve') {
      return {
        through: { ...place, phase: 'ready', landing: '' },
        additions: await readyOf(context, lane, place),
      };
    }
    if (failure !== 'LandingsGone' || action !== 'skip') return undefined;
    // Without any item: what was collected so far is expected no more.
    const landing = place.landing === '' ? (lane.story.lastLoadLanding ?? '') : place.landing;
    const phase = place.phase === 'load' ? 'load' : 'cdc';
    return landing === '' ? undefined : { through: { ...place, phase, landing }, additions: {} };
  }
  const [first] = step.kind === 'take' ? step.landings : [];
  if (action !== 'skip' || step.kind !== 'take' || !first) return undefined;
  const skipped = await skippedItem(of, first, `${by}: ${reason}`);
  return skipped && { through: { ...place, phase: step.phase, landing: first.landing }, additions: skipped };
}

/** The landing as its entry names it, its bytes in raw; undefined where it can be read by now. */
async function skippedItem(
  { context, table, place }: Deciding,
  listed: NamedLanding,
  reason: string,
): Promise<TableAdditions | undefined> {
  const { duck, landings, target, signal, store, bucket } = context;
  const scratch = await mkdtemp(path.join(duck.scratch, 'tables-'));
  const onProgress = () => undefined;
  try {
    const found = await withDuckDb({ ...duck, threads: 1, scratch }, async (db) => {
      const fetched = await fetchLanding(
        { landings, folder: table.folder, delimiter: target.delimiter, db, scratch, signal },
        listed,
      );
      if (fetched.kind !== 'fetched') return fetched;
      const message = await parquetProblem({ db, signal }, fetched);
      return message === undefined ? undefined : { ...fetched, kind: 'bad' as const, message };
    });
    if (found?.kind !== 'bad') return undefined;
    const { file, sha256, message } = found;
    const item = itemName(place.generation, listed);
    const checksum = `sha256:${sha256}`;
    const version = itemVersion(table.feed, item, checksum, sha256Hex);
    const key = keys.rawItem(table.feed, version);
    const { bytes, modifiedAt } = listed;
    await ensureFile(store, key, { path: file, expect: { bytes, sha256 } }, { signal, onProgress });
    const state = 'skipped';
    const skipped: EntryItem = {
      no: 1,
      item,
      version,
      checksum,
      bytes,
      modifiedAt,
      state,
      reason: `${reason} (${message})`,
    };
    return {
      commit: randomUUID(),
      items: [skipped],
      raw: [{ uri: `s3://${bucket}/${key}`, bytes, checksum }],
    };
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
