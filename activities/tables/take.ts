import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { Action } from '../../lake/decisions.ts';
import type { Entry, EntryItem } from '../../lake/entry.ts';
import { instantMs, isoInstant } from '../../lake/instant.ts';
import { keys } from '../../lake/keys.ts';
import { bindLanding } from '../../lake/landing-columns.ts';
import { type NamedLanding, itemName } from '../../lake/landings.ts';
import { CHANGE_COLUMN } from '../../lake/spec.ts';
import { landingTypeProblem } from '../../lake/sql/refine-landing.ts';
import type { TablePlace } from '../../lake/table-position.ts';
import { itemVersion } from '../../lake/transfer.ts';
import type { DuckDb } from '../duckdb.ts';
import { failedWith } from '../failure.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import { type Fetched, type FetchedLanding, fetchLanding, parquetProblem } from './fetch.ts';
import type { TableLane, TableAppend } from './lane.ts';
import { type BoundLanding, type MadeRows, makeRows } from './rows.ts';

/** One entry takes at most so much, a single landing beyond it excepted. */
const ENTRY_BYTES = 256 * 1024 * 1024;
const ENTRY_LANDINGS = 1000;

/** Why a table waits, found at a landing. */
export interface Trouble {
  readonly failure: 'LandingUnreadable' | 'ColumnsChanged';
  readonly message: string;
  readonly allowed: readonly Action[];
  /** What it was found at, and what of its bytes is kept. */
  readonly at: NamedLanding;
  readonly sha256: string;
  /** Declared columns that it lacks. */
  readonly absent?: readonly string[];
}

export interface Taken {
  readonly outcome: TableAppend | 'nothing';
  readonly landings: number;
  readonly rows: number;
  readonly rejected: number;
  /** The last landing that the entry has. */
  readonly last: string;
  /** What stands after those that were taken. */
  readonly trouble?: Trouble;
  /** A landing is no longer what was listed: list again. */
  readonly isStale: boolean;
  /** Columns that nobody declared. */
  readonly undeclared: readonly string[];
}

export interface TakeOptions {
  readonly context: DatabaseContext;
  readonly table: DeclaredTable;
  readonly lane: TableLane;
  readonly place: TablePlace;
  readonly phase: 'load' | 'cdc';
  readonly absent: readonly string[];
  readonly onProgress: () => void;
  /** An existing folder of the caller's own. */
  readonly scratch: string;
  /** Waits for its turn on a DuckDB: each may fill its memory. */
  readonly refining: <T>(work: (db: DuckDb) => Promise<T>) => Promise<T>;
}

/**
 * Take these landings, in this order, as far as an entry goes: each is copied to raw, and rows are made of that copy.
 * The first that nobody can read ends it. Commit point: the entry.
 */
export async function takeLandings(options: TakeOptions, listed: readonly NamedLanding[]): Promise<Taken> {
  const scratch = await mkdtemp(path.join(options.scratch, 'take-'));
  try {
    return await options.refining((db) => new Taking(options, db, scratch).run(listed));
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** What a landing is by now; undefined when it changes while it is read. */
export async function versionNow(
  { context, table }: Pick<TakeOptions, 'context' | 'table'>,
  one: NamedLanding,
): Promise<{ readonly version: string; readonly checksum: string } | undefined> {
  const hash = createHash('sha256');
  try {
    const { bytes, modifiedAt, tag } = one;
    const read = context.landings.read(table.folder, one.landing, { bytes, modifiedAt, tag }, context.signal);
    for await (const chunk of read) hash.update(chunk);
  } catch (error) {
    if (failedWith(error, 'SourceChanged')) return undefined;
    throw error;
  }
  const checksum = `sha256:${hash.digest('hex')}`;
  return { version: itemVersion(table.feed, one.landing, checksum, sha256Hex), checksum };
}

class Taking {
  readonly #options: TakeOptions;
  readonly #db: DuckDb;
  readonly #scratch: string;
  readonly #taken: BoundLanding[] = [];
  readonly #undeclared = new Set<string>();
  #trouble: Trouble | undefined;
  #isStale = false;

  constructor(options: TakeOptions, db: DuckDb, scratch: string) {
    this.#options = options;
    this.#db = db;
    this.#scratch = scratch;
  }

  async run(listed: readonly NamedLanding[]): Promise<Taken> {
    await this.#fetchAll(listed);
    for (;;) {
      try {
        return await this.#commit();
      } catch (error) {
        // Of Parquet only the footers were looked at.
        if (!(await this.#isUnreadable())) throw error;
      }
    }
  }

  async #fetchAll(listed: readonly NamedLanding[]): Promise<void> {
    let bytes = 0;
    for (const one of listed) {
      if (bytes > 0 && (bytes + one.bytes > ENTRY_BYTES || this.#taken.length >= ENTRY_LANDINGS)) return;
      const fetched = await this.#fetch(one);
      if (fetched.kind === 'changed') {
        this.#isStale = true;
        return;
      }
      const landing = await this.#bind(fetched);
      if (!landing) return;
      bytes += one.bytes;
      this.#taken.push(landing);
    }
  }

  #fetch(one: NamedLanding): Promise<Fetched> {
    const { context, table, onProgress } = this.#options;
    onProgress();
    const { landings, target, signal } = context;
    const { folder } = table;
    const options = {
      landings,
      folder,
      delimiter: target.delimiter,
      db: this.#db,
      scratch: this.#scratch,
      signal,
    };
    return fetchLanding(options, one);
  }

  /** Raw first; undefined, with the trouble, where nobody can read it. */
  async #bind(fetched: Exclude<Fetched, { kind: 'changed' }>): Promise<BoundLanding | undefined> {
    const { context, table, place, absent } = this.#options;
    const { listed, sha256 } = fetched;
    const item = itemName(place.generation, listed);
    const version = itemVersion(table.feed, item, `sha256:${sha256}`, sha256Hex);
    await this.#keepRaw(fetched, version);
    const trouble = (
      failure: Trouble['failure'],
      message: string,
      allowed: readonly Action[],
      lacking: readonly string[] = [],
    ) => {
      this.#trouble = {
        failure,
        message: `${table.name} ${listed.landing}: ${message}`,
        allowed,
        at: listed,
        sha256,
        ...(lacking.length > 0 && { absent: lacking }),
      };
      return undefined;
    };
    if (fetched.kind === 'bad') return trouble('LandingUnreadable', fetched.message, UNREADABLE);
    const { header, types } = fetched;
    const { columns, landed } = table;
    const kind = listed.name.kind;
    const bound = bindLanding({ header, kind, columns, target: context.target, table: landed, absent });
    const { missing, declared, extra } = bound;
    if (missing.length > 0) {
      const named = (name: string) => (name === CHANGE_COLUMN.name ? (landed.changeColumn ?? name) : name);
      const lacks = `it has no column ${missing.map(named).join(', ')}: its columns are ${header.join(', ')}`;
      const right = `right would be ${Object.keys(columns).map(named).join(', ')}`;
      // Without their numbers changes lose to every row that has one.
      const isUnnumbered = missing.includes(CHANGE_COLUMN.name);
      const allowed: readonly Action[] = isUnnumbered ? ['retry', 'reload'] : ['retry', 'approve', 'reload'];
      return trouble('ColumnsChanged', `${lacks}; ${right}`, allowed, missing);
    }
    if (types.length > 0) {
      const schema = header.map((name, at) => ({ name, type: types[at] ?? '' }));
      const unfit = landingTypeProblem(schema, { declared }, columns);
      if (unfit !== undefined) return trouble('ColumnsChanged', unfit, ['retry', 'reload']);
    }
    for (const at of extra) this.#undeclared.add(header[at] ?? '');
    return { ...fetched, bound, item, version };
  }

  /** The bytes as they came, whoever brought them: DMS may write or remove its own at any time. */
  async #keepRaw(
    { listed, file, sha256 }: { listed: NamedLanding; file: string; sha256: string },
    version: string,
  ) {
    const { context, table, onProgress } = this.#options;
    const expect = { bytes: listed.bytes, sha256 };
    const watch = { signal: context.signal, onProgress };
    await ensureFile(context.store, keys.rawItem(table.feed, version), { path: file, expect }, watch);
  }

  async #commit(): Promise<Taken> {
    const { context, table, lane, place, phase, onProgress } = this.#options;
    const last = this.#taken.at(-1);
    if (!last) return this.#result('nothing');
    const commit = randomUUID();
    const { loadStartedAt } = place;
    const scratch = await mkdtemp(path.join(this.#scratch, 'commit-'));
    const db = this.#db;
    const made = await makeRows(
      { context, table, db, scratch, commit, loadStartedAt, onProgress },
      this.#taken,
    );
    const items = this.#taken.map((landing, index) => itemOf(landing, index + 1, made));
    const through = { ...place, phase, landing: last.listed.landing };
    const outcome = await lane.append(context, through, {
      commit,
      items,
      raw: this.#taken.map((landing) => rawOf(context, table, landing)),
      rows: made.objects,
      rejected: made.rejected,
      seen: seenOf(made),
    });
    return this.#result(outcome, items, last.listed.landing);
  }

  #result(outcome: Taken['outcome'], items: readonly EntryItem[] = [], last = ''): Taken {
    const isOurs = outcome === 'committed';
    const sum = (of: (item: EntryItem) => number | undefined) =>
      isOurs ? items.reduce((total, item) => total + (of(item) ?? 0), 0) : 0;
    return {
      outcome,
      landings: isOurs ? items.length : 0,
      rows: sum(({ rows }) => rows),
      rejected: sum(({ rejected }) => rejected),
      last,
      ...(this.#trouble && { trouble: this.#trouble }),
      isStale: this.#isStale,
      undeclared: [...this.#undeclared],
    };
  }

  /** Ends what is taken before the first landing whose pages cannot be read. */
  async #isUnreadable(): Promise<boolean> {
    const { context, table } = this.#options;
    for (const [at, landing] of this.#taken.entries()) {
      const message = await parquetProblem({ db: this.#db, signal: context.signal }, landing);
      if (message === undefined) continue;
      this.#trouble = {
        failure: 'LandingUnreadable',
        message: `${table.name} ${landing.listed.landing}: ${message}`,
        allowed: UNREADABLE,
        at: landing.listed,
        sha256: landing.sha256,
      };
      this.#taken.splice(at);
      return true;
    }
    return false;
  }
}

const UNREADABLE: readonly Action[] = ['retry', 'skip', 'reload'];

export function itemOf(
  { listed, item, version, sha256 }: BoundLanding,
  no: number,
  made: MadeRows,
): EntryItem {
  const { rows, rejected, spans } = made.landings.get(item) ?? { rows: 0, rejected: 0, spans: [] };
  const { bytes, modifiedAt } = listed;
  const state = 'collected';
  return {
    no,
    item,
    version,
    checksum: `sha256:${sha256}`,
    bytes,
    modifiedAt,
    state,
    ...(spans.length > 0 && { spans }),
    rows,
    rejected,
  };
}

export function rawOf(
  { bucket }: Pick<DatabaseContext, 'bucket'>,
  { feed }: Pick<DeclaredTable, 'feed'>,
  { version, listed, sha256 }: Pick<FetchedLanding, 'listed' | 'sha256'> & { readonly version: string },
): Entry['raw'][number] {
  const uri = `s3://${bucket}/${keys.rawItem(feed, version)}`;
  return { uri, bytes: listed.bytes, checksum: `sha256:${sha256}` };
}

/** Whole milliseconds, as everywhere where instants compare as text. */
function seenOf({ objects }: MadeRows): string | null {
  let seen: number | null = null;
  for (const { partitions } of objects) {
    for (const { maxTime } of Object.values(partitions)) {
      const ms = maxTime === null ? undefined : instantMs(maxTime);
      if (ms !== undefined && (seen === null || ms > seen)) seen = ms;
    }
  }
  return seen === null ? null : isoInstant(seen);
}
