import { pipeline } from 'node:stream/promises';
import { type Client, DatabaseError } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { type Context, type TableName, changeTable, faultKey } from './context.ts';
import { messageOf } from './connections.ts';
import { CopyText } from './copy-text.ts';
import { Fatal } from './endings.ts';
import { struck } from './faults-at.ts';
import type { LandingFile } from './landing.ts';
import { extension, formatMicros, loadName, tableFolder } from './names.ts';
import { ConversionError } from './parquet.ts';
import type { Moment } from './slot.ts';
import { type RowFacts, type Shape, shapeOf } from './shape.ts';
import { quoted, rowsOf, sourceColumns, withClient } from './source.ts';

const WRITE_CHARACTERS = 256 << 10;

/** Where the rows of a load go. */
export interface LoadTarget {
  readonly hasOp: boolean;
  /** Of the next row. */
  facts(): RowFacts;
  /** The key of the nth file, from 1. */
  key(nth: number): string;
}

/**
 * Loads the table as it was at the moment. What is wrong with the table alone is its error and resolves; what is wrong
 * with the source or the target rejects, and the table is loaded anew.
 */
export async function loadTable(
  context: Context,
  table: TableName,
  moment: Moment,
  state: 'Full load' | 'Table is being reloaded' = 'Full load',
): Promise<void> {
  const { target, settings, landing, now } = context;
  changeTable(context, table, {
    state,
    isReloadOwed: undefined,
    loadStartedAt: moment.beganAt,
    loadEndedAt: undefined,
    loadRows: 0,
    failure: undefined,
  });
  const folder = folderOf(context, table);
  try {
    const fault = struck(context.strike, 'LoadTable', faultKey(context, table));
    if (fault) throw new ConversionError(fault.message);
    if (settings.FullLoadSettings.TargetTablePrepMode !== 'DO_NOTHING') await landing.empty(folder);
    const rows = await copyTable(context, table, moment, {
      hasOp: target.opInLoad,
      facts: loadFacts(
        target.loadTimestampIsStart
          ? () => context.catalogue.task(context.arn).startedAt ?? moment.beganAt
          : now,
      ),
      key: (nth) => `${folder}${loadName(nth)}${extension(target)}`,
    });
    changeTable(context, table, {
      state: 'Table completed',
      loadRows: rows,
      loadEndedAt: now(),
      isReloaded: state === 'Table is being reloaded',
      snapshotAt: moment.at,
    });
  } catch (error) {
    if (context.signal.aborted) {
      changeTable(context, table, { state: 'Table cancelled' });
      throw error;
    }
    if (!isOfTable(error)) throw error;
    failTable(context, table, messageOf(error));
  }
}

/** Puts a table into error, and the task too where it is told so. */
export function failTable(context: Context, table: TableName, failure: string): void {
  changeTable(context, table, { state: 'Table error', failure, loadEndedAt: context.now() });
  if (context.settings.ErrorBehavior.TableErrorPolicy === 'STOP_TASK') {
    throw new Fatal(`Table ${table.schema}.${table.name} is in error: ${failure}`);
  }
}

/** Copies all rows into files; returns how many there were. Without rows there is no file. */
export async function copyTable(
  context: Context,
  { schema, name }: TableName,
  { snapshot }: Pick<Moment, 'snapshot'>,
  into: LoadTarget,
): Promise<number> {
  const { target, mappings } = context;
  return withClient(context.source, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY');
    await client.query(`SET TRANSACTION SNAPSHOT '${snapshot}'`);
    const columns = await sourceColumns(client, schema, name);
    const shape = shapeOf(columns, mappings.columns(schema, name), target, into.hasOp);
    const list = columns.map((column) => quoted(column.name)).join(', ');
    const writer = new Files(context, shape, into);
    try {
      const sql = `COPY (SELECT ${list} FROM ${await rowsOf(client, schema, name)}) TO STDOUT`;
      await eachRow(client, sql, context.signal, (rows) => writer.add(rows));
      await writer.finish();
    } catch (error) {
      await writer.discard();
      throw error;
    }
    return writer.rows;
  });
}

async function eachRow(
  client: Client,
  sql: string,
  signal: AbortSignal,
  take: (rows: (string | null)[][]) => Promise<void>,
): Promise<void> {
  const text = new CopyText();
  const stream = client.query(copyTo(sql));
  await pipeline(
    stream,
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await take(text.rows(chunk));
    },
    { signal },
  );
}

/** Files of at most the target's size, each put when it is full. */
class Files {
  readonly #context: Context;
  readonly #shape: Shape;
  readonly #into: LoadTarget;
  #file: LandingFile | undefined;
  #pending = '';
  #nth = 0;
  rows = 0;

  constructor(context: Context, shape: Shape, into: LoadTarget) {
    this.#context = context;
    this.#shape = shape;
    this.#into = into;
  }

  async add(rows: (string | null)[][]): Promise<void> {
    const { loadFileBytes } = this.#context.target;
    for (const values of rows) {
      this.#pending += this.#shape.encode(values, this.#into.facts());
      this.rows += 1;
      if ((this.#file?.sizeBytes ?? 0) + this.#pending.length >= loadFileBytes) await this.#put();
    }
    if (this.#pending.length >= WRITE_CHARACTERS) await this.#write();
  }

  async finish(): Promise<void> {
    if (this.#file || this.#pending !== '') await this.#put();
  }

  async discard(): Promise<void> {
    if (this.#file) await this.#context.landing.discard(this.#file);
  }

  async #write(): Promise<LandingFile> {
    this.#file ??= await this.#context.landing.begin(this.#shape);
    const text = this.#pending;
    this.#pending = '';
    await this.#file.write(text);
    return this.#file;
  }

  async #put(): Promise<void> {
    const file = await this.#write();
    this.#file = undefined;
    this.#nth += 1;
    await this.#context.landing.finish(file, this.#into.key(this.#nth));
  }
}

export function folderOf({ mappings, target }: Context, { schema, name }: TableName): string {
  const to = mappings.target(schema, name);
  return tableFolder(target, to.schema, to.table);
}

/** The facts of the rows that are loaded at those times. */
function loadFacts(clock: () => number): () => RowFacts {
  let facts: { readonly ms: number; readonly of: RowFacts } | undefined;
  return () => {
    const ms = clock();
    // Many rows share a millisecond.
    if (facts?.ms !== ms) facts = { ms, of: factsAt(ms) };
    return facts.of;
  };
}

function factsAt(ms: number): RowFacts {
  const timestamp = formatMicros(BigInt(ms) * 1_000n);
  return {
    op: 'I',
    timestamp,
    headers: {
      AR_H_STREAM_POSITION: '',
      AR_H_TIMESTAMP: timestamp,
      AR_H_COMMIT_TIMESTAMP: timestamp,
      AR_H_OPERATION: 'INSERT',
      AR_H_USER: '',
      AR_H_CHANGE_SEQ: '',
    },
  };
}

/** Errors of classes 08, 53 and 57 are the server's, not the table's. */
export function isOfTable(error: unknown): boolean {
  if (error instanceof ConversionError) return true;
  return error instanceof DatabaseError && !/^(08|53|57)/.test(error.code ?? '');
}
