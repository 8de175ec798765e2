import { randomBytes } from 'node:crypto';
import type { Applier } from './applier.ts';
import { type Context, type TableName, changeTable } from './context.ts';
import { copyTable, loadTable } from './load.ts';
import { extension } from './names.ts';
import { type Moment, createSlot, objectName } from './slot.ts';

/** Loads of single tables beside the changes of all. */
export class Reloads {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;

  constructor(context: Context, applier: Applier) {
    this.#context = context;
    this.#applier = applier;
  }

  /** Begins a reload. From now on the changes of the table wait until it stands. */
  async begin(table: TableName): Promise<void> {
    const state = 'Table is being reloaded';
    await this.#beside(table, state, (moment) => loadTable(this.#context, table, moment, state));
  }

  /** Rejects with what broke one of them. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure;
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#running);
  }

  async #beside(
    table: TableName,
    state: 'Full load' | 'Table is being reloaded',
    act: (moment: Moment) => Promise<void>,
  ): Promise<void> {
    const { buffers } = this.#applier;
    buffers.hold(table, true);
    const moment = await createSlot(
      this.#context,
      `${objectName(this.#context.arn)}_${randomBytes(4).toString('hex')}`,
      true,
    );
    buffers.drop(table, moment.at);
    changeTable(this.#context, table, { state, isReloadOwed: undefined, snapshotAt: moment.at });
    const run = this.#watched(table, act(moment)).finally(() => {
      this.#running.delete(run);
      void moment.release();
    });
    this.#running.add(run);
  }

  async #watched(table: TableName, load: Promise<void>): Promise<void> {
    try {
      await load;
      this.#applier.buffers.hold(table, false);
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** A table that was made while changes run: what it held already lands as inserts among the changes. */
  async pickUp(table: TableName): Promise<void> {
    const context = this.#context;
    await this.#beside(table, 'Full load', async (moment) => {
      if (context.target.transactionsPath !== undefined) return loadTable(context, table, moment);
      const rows = await copyTable(context, table, moment, {
        hasOp: context.target.opInChanges,
        facts: this.#applier.factsOfNew(moment.at),
        key: () => `${this.#applier.buffers.keyFor(table, context.now())}${extension(context.target)}`,
      });
      changeTable(context, table, { state: 'Table completed', inserts: rows });
    });
  }
}
