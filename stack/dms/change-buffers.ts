import { type Context, type TableName, changeTable, faultKey } from './context.ts';
import { messageOf } from './connections.ts';
import { struck } from './faults-at.ts';
import { failTable, folderOf, isOfTable } from './load.ts';
import { ChangeNames, extension, partitionFolder } from './names.ts';
import type { Lsn } from './positions.ts';
import type { RowFacts, Shape } from './shape.ts';

interface Line {
  readonly table: TableName;
  readonly text: string;
  readonly at: Lsn;
  readonly op: RowFacts['op'];
}

/** Rows of one shape and one partition: one file. */
interface Batch {
  readonly shape: Shape;
  readonly partition: string;
  readonly lines: Line[];
}

interface Waiting {
  readonly table: TableName;
  batches: Batch[];
  sizeBytes: number;
  /** Nothing of it is written while its table is loaded anew. */
  isHeld: boolean;
}

/** Changes that wait to be written, by table. */
export class ChangeBuffers {
  readonly #context: Context;
  readonly #names = new ChangeNames();
  readonly #waiting = new Map<string, Waiting>();
  /** When the oldest change that may be written came; real time, for a clock that jumps writes nothing sooner. */
  #since: number | undefined;

  constructor(context: Context) {
    this.#context = context;
  }

  get isEmpty(): boolean {
    return [...this.#waiting.values()].every(({ batches }) => batches.length === 0);
  }

  add(shape: Shape, commitMs: number, line: Line): void {
    const waiting = this.#of(this.#placeOf(line.table));
    const partition = partitionFolder(this.#context.target, commitMs);
    let batch = waiting.batches.at(-1);
    if (batch?.shape.signature !== shape.signature || batch.partition !== partition) {
      batch = { shape, partition, lines: [] };
      waiting.batches.push(batch);
    }
    batch.lines.push(line);
    waiting.sizeBytes += line.text.length;
    this.#since ??= Date.now();
  }

  hold(table: TableName, isHeld: boolean): void {
    this.#of(this.#placeOf(table)).isHeld = isHeld;
    if (!isHeld && !this.isEmpty) this.#since ??= Date.now();
  }

  /** Forgets what committed before `at`, or everything: it stands in a load, or was truncated. */
  drop(table: TableName, at?: Lsn): void {
    const waiting = this.#of(this.#placeOf(table));
    waiting.batches = waiting.batches.flatMap((batch) => {
      const lines = batch.lines.filter(
        (line) => !isSame(line.table, table) || (at !== undefined && line.at >= at),
      );
      return lines.length > 0 ? [{ ...batch, lines }] : [];
    });
  }

  /** Milliseconds until something is due; 0 when it is. */
  dueInMs(): number {
    const { batchMs, batchBytes } = this.#context.target;
    const isFull = [...this.#waiting.values()].some(
      ({ isHeld, sizeBytes }) => !isHeld && sizeBytes >= batchBytes,
    );
    if (isFull) return 0;
    return this.#since === undefined
      ? Number.POSITIVE_INFINITY
      : Math.max(0, this.#since + batchMs - Date.now());
  }

  /** Puts everything that is not held. Rejects with nothing lost: what was not put is still here. */
  async flush(): Promise<void> {
    // First, for a load that ends meanwhile lets its changes out and sets it anew.
    this.#since = undefined;
    for (const waiting of this.#waiting.values()) {
      while (!waiting.isHeld && waiting.batches.length > 0) {
        const [batch] = waiting.batches;
        if (batch) await this.#put(waiting.table, batch);
        waiting.batches = waiting.batches.slice(1);
      }
      if (waiting.batches.length === 0) waiting.sizeBytes = 0;
    }
  }

  async #put(table: TableName, { shape, partition, lines }: Batch): Promise<void> {
    const { target, landing } = this.#context;
    try {
      const fault = struck(this.#context.strike, 'ApplyTable', faultKey(this.#context, table));
      if (fault) throw new TableFault(fault.message);
      const key = this.#key(table, partition);
      await landing.write(
        `${key}${extension(target)}`,
        shape,
        lines.map(({ text }) => text),
      );
    } catch (error) {
      if (!(error instanceof TableFault) && !isOfTable(error)) throw error;
      // Suspended: it leaves replication, and the task runs on.
      failTable(this.#context, table, messageOf(error));
      return;
    }
    const tables = new Map(lines.map((line) => [JSON.stringify(line.table), line.table]));
    for (const one of tables.values())
      this.#count(
        one,
        lines.filter((line) => isSame(line.table, one)),
      );
  }

  /** Where a file of changes of the table goes next, without its extension. */
  keyFor(table: TableName, commitMs: number): string {
    return this.#key(table, partitionFolder(this.#context.target, commitMs));
  }

  #key(table: TableName, partition: string): string {
    const { target, now } = this.#context;
    const inTransactions = target.transactionsPath !== undefined;
    const folder = inTransactions
      ? `${target.folder}${target.transactionsPath}/`
      : `${folderOf(this.#context, table)}${partition}`;
    const name = this.#names.next(folder, now(), target.partition?.zone);
    return inTransactions ? `${folder}CDC_TXN-${name.replace('-', '')}` : `${folder}${name}`;
  }

  #count(table: TableName, lines: readonly Line[]): void {
    const known = this.#context.catalogue.table(this.#context.arn, table.schema, table.name);
    if (!known) return;
    const of = (op: RowFacts['op']) => lines.filter((line) => line.op === op).length;
    changeTable(this.#context, table, {
      inserts: known.inserts + of('I'),
      updates: known.updates + of('U'),
      deletes: known.deletes + of('D'),
    });
  }

  /** With PreserveTransactions the rows of all tables stand in one file. */
  #placeOf(table: TableName): TableName {
    return this.#context.target.transactionsPath === undefined ? table : TRANSACTIONS;
  }

  #of(table: TableName): Waiting {
    const key = JSON.stringify([table.schema, table.name]);
    const found = this.#waiting.get(key) ?? { table, batches: [], sizeBytes: 0, isHeld: false };
    this.#waiting.set(key, found);
    return found;
  }
}

const TRANSACTIONS: TableName = { schema: '', name: '' };

function isSame(one: TableName, other: TableName): boolean {
  return one.schema === other.schema && one.name === other.name;
}

class TableFault extends Error {}
