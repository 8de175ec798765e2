import type { Client } from 'pg';
import type { Pgoutput } from 'pg-logical-replication';
import { ChangeBuffers } from './change-buffers.ts';
import { type Context, type TableName, countDdls } from './context.ts';
import { Ended } from './endings.ts';
import { sourceColumn } from './kinds.ts';
import { folderOf } from './load.ts';
import type { Table } from './model.ts';
import { formatMicros } from './names.ts';
import type { Lsn } from './positions.ts';
import { ChangeSequence } from './sequence.ts';
import { type RowFacts, type Shape, shapeOf } from './shape.ts';
import { qualified, quoted, sourceColumns } from './source.ts';

type Row = Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete;
type Values = Readonly<Record<string, unknown>>;

interface Relation {
  readonly table: TableName;
  readonly names: readonly string[];
  readonly shape: Shape;
}

interface Transaction {
  readonly at: Lsn;
  readonly commitMs: number;
  readonly timestamp: string;
  ordinal: number;
}

const OPERATIONS = { I: 'INSERT', U: 'UPDATE', D: 'DELETE' } as const;

/** Takes the messages of a slot one after the other and makes rows of them. */
export class Applier {
  readonly buffers: ChangeBuffers;
  readonly #context: Context;
  readonly #lookup: Client;
  readonly #sequence: ChangeSequence;
  /** By the oid of the table. */
  readonly #relations = new Map<number, Relation>();
  #transaction: Transaction | undefined;
  /** Where the last transaction ends that was taken whole. */
  taken: Lsn;

  /** `lookup` is asked for values that the log leaves out. */
  constructor(context: Context, lookup: Client, from: Lsn) {
    this.#context = context;
    this.#lookup = lookup;
    this.buffers = new ChangeBuffers(context);
    this.#sequence = new ChangeSequence(context.now, context.catalogue.task(context.arn).sequence);
    this.taken = from;
  }

  get isBetweenTransactions(): boolean {
    return this.#transaction === undefined;
  }

  get sequence(): string {
    return this.#sequence.last;
  }

  /** The facts of rows that a table had when it was found. */
  factsOfNew(at: Lsn): () => RowFacts {
    const transaction = { at, timestamp: formatMicros(BigInt(this.#context.now()) * 1_000n) };
    let ordinal = 0;
    return () => this.#facts('I', transaction, (ordinal += 1));
  }

  async take(message: Pgoutput.Message, stopAfterMs: number): Promise<void> {
    switch (message.tag) {
      case 'begin': {
        const micros = BigInt(String(message.commitTime));
        const commitMs = Number(micros / 1_000n);
        if (commitMs > stopAfterMs) throw new Ended('STOPPED_AT_COMMIT_TIME');
        const at = lsnOf(message.commitLsn);
        this.#transaction = { at, commitMs, timestamp: formatMicros(micros), ordinal: 0 };
        return;
      }
      case 'commit':
        this.#transaction = undefined;
        this.taken = lsnOf(message.commitEndLsn);
        return;
      case 'relation':
        return this.#learn(message);
      case 'truncate':
        for (const relation of message.relations) await this.#truncate(nameOf(relation));
        return;
      case 'insert':
      case 'update':
      case 'delete':
        return this.#row(message);
      case 'type':
      case 'origin':
      case 'message':
    }
  }

  async #learn(message: Pgoutput.MessageRelation): Promise<void> {
    const table = nameOf(message);
    const { target, mappings, settings } = this.#context;
    if (!mappings.isSelected(table.schema, table.name)) return;
    const oid = message.relationOid;
    const known = this.#relations.get(oid)?.table;
    const isSame = known?.schema === table.schema && known.name === table.name;
    if (isSame && !settings.ChangeProcessingDdlHandlingPolicy.HandleSourceTableAltered) return;
    const keys = await this.#keysOf(message);
    const columns = message.columns.map(({ name, typeOid, typeMod }) =>
      sourceColumn(name, typeOid, typeMod, keys.includes(name)),
    );
    const place = mappings.target(table.schema, table.name);
    const lead = target.transactionsPath === undefined ? [] : [place.table, place.schema];
    const rules = mappings.columns(table.schema, table.name);
    const shape = shapeOf(columns, rules, target, target.opInChanges, lead);
    this.#relations.set(oid, { table, names: columns.map(({ name }) => name), shape });
  }

  /** The primary key, which the log tells only where it is what identifies rows. */
  async #keysOf({ schema, name, replicaIdentity, keyColumns }: Pgoutput.MessageRelation): Promise<string[]> {
    const now = await sourceColumns(this.#lookup, schema, name);
    if (now.length === 0) return replicaIdentity === 'full' ? [] : keyColumns;
    return now.filter(({ isKey }) => isKey).map((column) => column.name);
  }

  async #row(message: Row): Promise<void> {
    const transaction = this.#transaction;
    if (!transaction) throw new Error(`the source sent ${message.tag} outside of a transaction`);
    const ordinal = (transaction.ordinal += 1);
    const relation = this.#relations.get(message.relation.relationOid);
    const op = message.tag === 'insert' ? 'I' : message.tag === 'update' ? 'U' : 'D';
    if (!relation || !this.#isWanted(op)) return;
    const { table, names, shape } = relation;
    const known = this.#known(table);
    if (!isTaken(known) || isLoaded(known, transaction.at)) return;
    const values = message.tag === 'delete' ? (message.old ?? message.key ?? {}) : message.new;
    const whole = message.tag === 'update' ? await this.#completed(message, relation) : values;
    const before = beforeImage(message);
    const text = shape.encode(
      names.map((name) => textOf(whole[name])),
      this.#facts(op, transaction, ordinal),
      before && names.map((name) => textOf(before[name])),
    );
    this.buffers.add(shape, transaction.commitMs, { table, text, at: transaction.at, op });
  }

  /** Long values that an update left as they were are not in the log: as DMS does, the row is asked for them. */
  async #completed(message: Pgoutput.MessageUpdate, { names }: Relation): Promise<Values> {
    const { relation, new: values } = message;
    const sent = new Set(relation.columns.map(({ name }) => name));
    const missing = names.filter((name) => sent.has(name) && values[name] === undefined);
    const keys = relation.keyColumns.filter((name) => textOf(values[name]) !== null);
    if (missing.length === 0 || keys.length === 0) return values;
    const where = keys.map((name, at) => `${quoted(name)}::text = $${at + 1}`).join(' AND ');
    const { rows } = await this.#lookup.query<Record<string, string | null>>(
      `SELECT ${missing.map((name) => `${quoted(name)}::text AS ${quoted(name)}`).join(', ')}
       FROM ${qualified(relation.schema, relation.name)} WHERE ${where}`,
      keys.map((name) => textOf(values[name])),
    );
    return { ...values, ...rows[0] };
  }

  async #truncate(table: TableName): Promise<void> {
    const at = this.#transaction?.at;
    const known = this.#known(table);
    if (!isTaken(known)) return;
    countDdls(this.#context, table, 1);
    if (!this.#context.settings.ChangeProcessingDdlHandlingPolicy.HandleSourceTableTruncated) return;
    if (at !== undefined && isLoaded(known, at)) return;
    this.buffers.drop(table);
    await this.#context.landing.empty(folderOf(this.#context, table));
  }

  #facts(
    op: RowFacts['op'],
    { at, timestamp }: Pick<Transaction, 'at' | 'timestamp'>,
    ordinal: number,
  ): RowFacts {
    return {
      op,
      timestamp,
      headers: {
        AR_H_STREAM_POSITION: `${at}.${String(ordinal).padStart(8, '0')}`,
        AR_H_TIMESTAMP: timestamp,
        AR_H_COMMIT_TIMESTAMP: timestamp,
        AR_H_OPERATION: OPERATIONS[op],
        AR_H_USER: '',
        AR_H_CHANGE_SEQ: this.#sequence.next(),
      },
    };
  }

  #isWanted(op: RowFacts['op']): boolean {
    const { changes } = this.#context.target;
    return changes === 'all' || op === 'I' || (op === 'U' && changes === 'inserts-and-updates');
  }

  #known({ schema, name }: TableName): Table | undefined {
    return this.#context.catalogue.table(this.#context.arn, schema, name);
  }
}

/** Not those in error, nor those that nobody selected or that are gone. */
function isTaken(table: Table | undefined): boolean {
  return table !== undefined && table.state !== 'Table error' && table.state !== 'Table does not exist';
}

/** What committed before the snapshot of its load is in the load, and comes no more. */
function isLoaded(table: Table | undefined, at: Lsn): boolean {
  return table?.snapshotAt !== undefined && at < table.snapshotAt;
}

/** What the source tells of the row before the change: all of it, or what identifies it, be it changed or not. */
function beforeImage(message: Row): Values | undefined {
  if (message.tag === 'insert') return undefined;
  if (message.tag === 'delete') return message.old ?? message.key ?? {};
  const { relation, old, key, new: values } = message;
  return old ?? key ?? Object.fromEntries(relation.keyColumns.map((name) => [name, values[name]]));
}

function nameOf({ schema, name }: Pgoutput.MessageRelation): TableName {
  return { schema, name };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function lsnOf(text: string | null): Lsn {
  return (text ?? '0/0')
    .split('/')
    .map((half) => half.padStart(8, '0'))
    .join('');
}
