import { randomBytes } from 'node:crypto';
import type { Client } from 'pg';
import type { Applier } from './applier.ts';
import { type Context, type TableName, changeTable } from './context.ts';
import { copyTable, folderOf, loadTable } from './load.ts';
import { extension } from './names.ts';
import { createSlot, objectName, publish } from './slot.ts';
import { type SourceTable, sourceTables } from './source.ts';

const LOOK_EVERY_MS = 1_000;

/** What happens to single tables beside the changes of all: reloads, new tables, dropped ones. */
export class Reloads {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #running = new Set<Promise<void>>();
  #failure: unknown;
  #lookedAt = Date.now();

  constructor(context: Context, applier: Applier) {
    this.#context = context;
    this.#applier = applier;
  }

  /** Begins a reload. From now on the changes of the table wait until it stands. */
  async begin(table: TableName): Promise<void> {
    await this.#beside(table, (moment) => loadTable(this.#context, table, moment, 'Table is being reloaded'));
  }

  /** Looks now and then for tables that came or went. */
  async look(client: Client): Promise<void> {
    if (Date.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    const { catalogue, arn, mappings } = this.#context;
    const existing = await sourceTables(client, mappings);
    const isKnown = ({ schema, name }: SourceTable) => {
      const state = catalogue.table(arn, schema, name)?.state;
      return state !== undefined && state !== 'Table does not exist';
    };
    const come = existing.filter((table) => !isKnown(table));
    for (const table of come) changeTable(this.#context, table, { state: 'Before load', ddls: 1 });
    if (come.length > 0) await publish(client, objectName(arn), come);
    for (const table of come) await this.#pickUp(table);
    const names = new Set(existing.map(({ schema, name }) => JSON.stringify([schema, name])));
    for (const { schema, name, state } of catalogue.tables(arn)) {
      const isGone = !names.has(JSON.stringify([schema, name]));
      if (isGone && state !== 'Table does not exist') await this.#drop({ schema, name });
    }
    this.#lookedAt = Date.now();
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
    act: (moment: Awaited<ReturnType<typeof createSlot>>) => Promise<void>,
  ): Promise<void> {
    const { buffers } = this.#applier;
    const { source, arn } = this.#context;
    buffers.hold(table, true);
    const moment = await createSlot(source, `${objectName(arn)}_${randomBytes(4).toString('hex')}`, true);
    buffers.drop(table, moment.at);
    changeTable(this.#context, table, { state: 'Table is being reloaded', snapshotAt: moment.at });
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
  async #pickUp(table: TableName): Promise<void> {
    const context = this.#context;
    await this.#beside(table, async (moment) => {
      if (context.target.transactionsPath !== undefined) return loadTable(context, table, moment);
      const rows = await copyTable(context, table, moment, {
        hasOp: context.target.opInChanges,
        facts: this.#applier.factsOfNew(moment.at),
        key: () => `${this.#applier.buffers.keyFor(table, context.now())}${extension(context.target)}`,
      });
      changeTable(context, table, { state: 'Table completed', inserts: rows });
    });
  }

  async #drop(table: TableName): Promise<void> {
    const context = this.#context;
    const ddls = (context.catalogue.table(context.arn, table.schema, table.name)?.ddls ?? 0) + 1;
    if (context.settings.ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped) {
      this.#applier.buffers.drop(table);
      await context.landing.empty(folderOf(context, table));
    } else {
      await this.#applier.buffers.flush();
    }
    changeTable(context, table, { state: 'Table does not exist', ddls });
  }
}
