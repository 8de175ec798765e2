import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { EntryItem } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { type NamedLanding, itemName } from '../../lake/landings.ts';
import type { TablePlace } from '../../lake/table-position.ts';
import { itemVersion } from '../../lake/transfer.ts';
import type { DuckDb } from '../duckdb.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import { type BoundLanding, type Trouble, bindFetched, unreadable } from './bind.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import { itemOf, rawOf, seenOf } from './entry-items.ts';
import { type Fetched, fetchLanding, parquetProblem } from './fetch.ts';
import type { TableLane, TableAppend } from './lane.ts';
import { makeRows } from './rows.ts';

/** One entry takes at most so much, a single landing beyond it excepted. */
const ENTRY_BYTES = 256 * 1024 * 1024;
const ENTRY_LANDINGS = 1000;

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
    const found = bindFetched({ context, table, absent }, fetched, { item, version });
    if ('failure' in found) {
      this.#trouble = found;
      return undefined;
    }
    for (const at of found.bound.extra) this.#undeclared.add(found.header[at] ?? '');
    return found;
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
      this.#trouble = unreadable(table, landing, message);
      this.#taken.splice(at);
      return true;
    }
    return false;
  }
}
