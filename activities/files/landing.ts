import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { Parked } from '../../lake/decisions.ts';
import type { EntryDraft } from '../../lake/append.ts';
import type { KnownItem } from '../../lake/chain.ts';
import type { EntryItem, ItemSpan, RawObject, Retraction, Window } from '../../lake/entry.ts';
import { windowOf, windowsOf } from '../../lake/files.ts';
import { keys } from '../../lake/keys.ts';
import { mappingHash, schemaHash } from '../../lake/mapping.ts';
import {
  type OfferedFile,
  type VersionRules,
  itemVersion,
  parkedItem,
  parkedReason,
  planVersion,
} from '../../lake/transfer.ts';
import { type DuckDb, withDuckDb } from '../duckdb.ts';
import { failedWith } from '../failure.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import { badness } from './badness.ts';
import { type SourceContext, withScratch } from './context.ts';
import type { ComingFile } from './group.ts';
import { surveyParquet } from './parquet.ts';
import { retractionsOf } from './retract.ts';
import { type MadeRows, RowsMaker } from './rows.ts';
import { type Survey, surveyFile } from './survey.ts';
import type { LandFilesResult } from './result.ts';

/** So many files are looked at before their raw objects are sent together. */
const WINDOW_FILES = 16;

export type Landing = Pick<VersionRules, 'restated' | 'again'>;

interface Collecting extends ComingFile {
  readonly offered: OfferedFile;
  readonly version: string;
  readonly checksum: string;
  readonly window?: Window;
  readonly retracts: readonly KnownItem[];
}

/** One try at one entry. */
export class LandingWork {
  readonly #context: SourceContext;
  readonly #known: ReadonlyMap<string, readonly KnownItem[]>;
  readonly #landing: Landing;
  readonly #collecting: Collecting[] = [];
  readonly #others: Omit<EntryItem, 'no'>[] = [];
  readonly #versions = new Map<string, string>();
  readonly #parked: Parked[] = [];
  readonly #ordinals = new Set<number>();
  #sums = { collected: 0, skipped: 0, rows: 0, rejected: 0, bytes: 0, changed: 0 };

  constructor(context: SourceContext, known: ReadonlyMap<string, readonly KnownItem[]>, landing: Landing) {
    this.#context = context;
    this.#known = known;
    this.#landing = landing;
  }

  get result(): LandFilesResult {
    return { ...this.#sums, entries: this.#ordinals.size, parked: this.#parked };
  }

  /** The entry to be; undefined when there is nothing to commit. */
  async run(batch: readonly OfferedFile[]): Promise<EntryDraft | undefined> {
    const pending = batch.filter((offered) => !this.#isDone(offered));
    if (pending.length === 0) return undefined;
    const { duck } = this.#context;
    return withScratch(this.#context, (scratch) =>
      // Numbering rows in their order is one pipeline: a second thread would only wait, and burn its core.
      withDuckDb({ ...duck, threads: 1, scratch }, async (db) => {
        const commit = randomUUID();
        const { feed, source, mapping, clock } = this.#context;
        const { columns } = source;
        const maker = new RowsMaker({
          ...this.#context,
          db,
          scratch,
          commit,
          nowMs: clock.now(),
          schema: schemaHash(columns, sha256Hex),
          mappingHash: mapping ? mappingHash(mapping.dataset, mapping.use, columns, sha256Hex) : null,
          versionOf: (item) => this.#versions.get(item) ?? '',
        });
        for (let at = 0; at < pending.length; at += WINDOW_FILES) {
          const surveyed: Collecting[] = [];
          for (const offered of pending.slice(at, at + WINDOW_FILES)) {
            const coming = this.#plan(offered, await this.#survey(offered, { db, scratch }));
            if (coming) surveyed.push(coming);
          }
          const landed = await Promise.all(surveyed.map((file) => this.#landRaw(file)));
          for (const [index, file] of surveyed.entries()) {
            if (!landed[index]) continue;
            await maker.add(file);
            this.#collecting.push(withoutRecords(file));
          }
        }
        const made = await maker.finish();
        const collected = this.#collecting.filter(({ item }) => !made.changed.has(item));
        this.#sums.changed += this.#collecting.length - collected.length;
        if (collected.length === 0 && this.#others.length === 0) return undefined;
        const retracts = await retractionsOf(this.#context, {
          db,
          scratch,
          retracted: collected.flatMap((file) => file.retracts),
        });
        return this.#draft({ commit, collected, made, retracts, feed });
      }),
    );
  }

  /** What an earlier attempt, or somebody else, committed since the listing counts as landed. */
  #isDone(offered: OfferedFile): boolean {
    if (this.#landing.again) return false;
    const same = this.#known
      .get(offered.item)
      ?.findLast((one) => one.bytes === offered.bytes && one.modifiedAt === offered.modifiedAt);
    if (!same) return false;
    this.#ordinals.add(same.ordinal);
    if (same.state === 'parked') this.#parked.push(parkedItem(same));
    else if (same.state === 'skipped') this.#sums.skipped += 1;
    else this.#count(same);
    return true;
  }

  async #survey(
    { item, bytes, modifiedAt }: OfferedFile,
    { db, scratch }: { readonly db: DuckDb; readonly scratch: string },
  ): Promise<Survey> {
    const { files, folder, source, signal, onProgress } = this.#context;
    const stat = await files.stat(folder, item, signal);
    if (stat?.bytes !== bytes || stat.modifiedAt !== modifiedAt) return { kind: 'changed' };
    const watched = { folder, item, signal, onProgress };
    if ('parquet' in source.format)
      return surveyParquet(files, { ...watched, db, copy: path.join(scratch, `copy-${randomUUID()}`) });
    return surveyFile(files, { ...watched, format: source.format });
  }

  #plan(offered: OfferedFile, survey: Survey): Collecting | undefined {
    if (survey.kind === 'changed') {
      this.#sums.changed += 1;
      return undefined;
    }
    const { feed, source, mapping } = this.#context;
    const { item } = offered;
    const checksum = `sha256:${survey.sha256}`;
    const version = itemVersion(feed, item, checksum, sha256Hex);
    const known = this.#known.get(item);
    const settle = (state: 'parked' | 'skipped', reason: string) => {
      const settled = { ...offered, version, checksum, state, reason };
      this.#others.push(settled);
      if (state === 'parked') this.#parked.push(parkedItem(settled));
      else this.#sums.skipped += 1;
      return undefined;
    };
    const window = windowOf(item, source.window);
    const bad = badness(survey, window, source);
    const own = known?.filter((one) => one.version === version).at(-1);
    if (bad !== undefined && !own) return settle('parked', parkedReason('BadFile', bad));

    const plan = planVersion({ ...offered, version, checksum }, known, {
      merge: mapping?.dataset.merge ?? 'append',
      ...this.#landing,
    });
    if (plan.kind === 'skip') return settle('skipped', plan.reason);
    if (plan.kind === 'park') return settle('parked', parkedReason(plan.failure, plan.message));
    if (plan.kind === 'nothing' || bad !== undefined || survey.kind === 'bad') {
      const waits = plan.kind === 'nothing' ? plan.waits : own;
      if (waits) this.#parked.push(parkedItem(waits));
      else this.#sums.skipped += 1;
      return undefined;
    }
    this.#versions.set(item, version);
    return {
      item,
      framed: survey,
      offered,
      version,
      checksum,
      ...(window.kind === 'window' && { window: window.window }),
      retracts: plan.retracts,
    };
  }

  /** The bytes as they came, whoever brought them. Resolves false when the file is no longer what was read. */
  async #landRaw({ item, framed, version }: Collecting): Promise<boolean> {
    const { store, files, folder, feed, signal, onProgress } = this.#context;
    const expect = { bytes: framed.stat.bytes, sha256: framed.sha256 };
    const local = framed.local ?? files.path(folder, item);
    try {
      await ensureFile(
        store,
        keys.rawItem(feed, version),
        local === undefined
          ? { path: item, expect, read: (during) => files.read(folder, item, framed.stat, during) }
          : { path: local, expect },
        { signal, onProgress },
      );
      return true;
    } catch (error) {
      if (!failedWith(error, 'SourceChanged')) throw error;
      this.#sums.changed += 1;
      return false;
    }
  }

  #draft({
    commit,
    collected,
    made,
    retracts,
    feed,
  }: {
    readonly commit: string;
    readonly collected: readonly Collecting[];
    readonly made: MadeRows;
    readonly retracts: readonly Retraction[];
    readonly feed: string;
  }): EntryDraft {
    const { run, clock, specNumber, bucket } = this.#context;
    const { rows, spans, rejected } = placesOf(made);
    const items: Omit<EntryItem, 'no'>[] = collected.map(
      ({ item, framed, offered, version, checksum, window }) => {
        const bad = rejected.get(item) ?? 0;
        const where = spans.get(item);
        return {
          ...offered,
          version,
          checksum,
          state: 'collected',
          ...(where && { spans: where }),
          rows: framed.records - bad,
          rejected: bad,
          ...(window && { window }),
        };
      },
    );
    for (const item of items) this.#count(item);
    return {
      feed,
      lane: 0,
      commit,
      epoch: { run },
      committedAt: new Date(clock.now()).toISOString(),
      spec: specNumber,
      items: [...items, ...this.#others].map((item, index) => ({ no: index + 1, ...item })),
      ...windowsOf(collected),
      raw: collected.map(({ version, checksum, offered }): RawObject => ({
        uri: `s3://${bucket}/${keys.rawItem(feed, version)}`,
        bytes: offered.bytes,
        checksum,
      })),
      rows,
      rejected: made.objects.flatMap((object) => object.rejected ?? []),
      ...(retracts.length > 0 && { retracts }),
    };
  }

  #count({ rows = 0, rejected = 0, bytes }: Pick<EntryItem, 'rows' | 'rejected' | 'bytes'>): void {
    this.#sums.collected += 1;
    this.#sums.rows += rows;
    this.#sums.rejected += rejected;
    this.#sums.bytes += bytes;
  }
}

/** Which rows of which object are an item's, and how many of its records are in quarantine. */
function placesOf({ objects }: MadeRows) {
  const rows = objects.flatMap((object) => object.rows ?? []);
  const spans = new Map<string, ItemSpan[]>();
  const rejected = new Map<string, number>();
  for (const object of objects) {
    const index = object.rows ? rows.indexOf(object.rows) : -1;
    for (const { item, firstRow, records, firstRecord, rejected: count } of object.members) {
      rejected.set(item, (rejected.get(item) ?? 0) + count);
      if (index >= 0)
        spans.set(item, [...(spans.get(item) ?? []), { object: index, firstRow, records, firstRecord }]);
    }
  }
  return { rows, spans, rejected };
}

function withoutRecords(file: Collecting): Collecting {
  const { body: _, ...framed } = file.framed;
  return { ...file, framed: { ...framed, cuts: [] } };
}
