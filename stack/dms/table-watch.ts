import type { Client } from 'pg';
import type { Applier } from './applier.ts';
import { tableKey } from './catalogue.ts';
import { type Context, countDdls } from './context.ts';
import { PENDING, writtenLog } from './full-load.ts';
import { folderOf } from './load.ts';
import type { Table } from './model.ts';
import type { Lsn } from './positions.ts';
import type { Reloads } from './reloads.ts';
import { objectName, publish } from './slot.ts';
import { type SourceTable, isPartition, sourceTables } from './source.ts';

const LOOK_EVERY_MS = 1_000;

/** Looks now and then which tables the source has: some come, some go, and the columns of others change. */
export class TableWatch {
  readonly #context: Context;
  readonly #applier: Applier;
  readonly #reloads: Reloads;
  /** What is gone at the source, with a place behind its last change. */
  readonly #going = new Map<string, { readonly table: Table; readonly after: Lsn }>();
  /** What was being picked up when the task last ended. */
  readonly #unfinished: Set<string>;
  #identities = '';
  #lookedAt = Date.now();

  constructor(context: Context, applier: Applier, reloads: Reloads) {
    this.#context = context;
    this.#applier = applier;
    this.#reloads = reloads;
    const pending = context.catalogue.tables(context.arn).filter(({ state }) => PENDING.includes(state));
    this.#unfinished = new Set(pending.map(({ schema, name }) => tableKey(schema, name)));
  }

  async look(client: Client): Promise<void> {
    for (const [key, { table, after }] of this.#going) {
      if (this.#applier.taken < after) continue;
      await this.#drop(client, table);
      this.#going.delete(key);
    }
    if (Date.now() - this.#lookedAt < LOOK_EVERY_MS) return;
    const { catalogue, arn, mappings } = this.#context;
    const existing = new Map(
      (await sourceTables(client, mappings)).map((table) => [tableKey(table.schema, table.name), table]),
    );
    const known = new Map(
      catalogue
        .tables(arn)
        .filter(({ state }) => state !== 'Table does not exist')
        .map((table) => [tableKey(table.schema, table.name), table]),
    );
    const gone: [string, Table][] = [];
    for (const [key, table] of known) {
      const found = existing.get(key);
      if (found?.oid === table.oid && found) this.#compare(table, found);
      else if (!this.#going.has(key)) gone.push([key, table]);
    }
    if (gone.length > 0) {
      const after = await writtenLog(client);
      for (const [key, table] of gone) this.#going.set(key, { table, after });
    }
    const come = [...existing].filter(([key]) => !known.has(key)).map(([, table]) => table);
    for (const table of come) {
      const { oid, columns } = table;
      countDdls(this.#context, table, 1, { state: 'Before load', oid, columns });
    }
    await this.#publish(client, [...existing.values()]);
    const owed = [...existing].filter(([key]) => known.has(key) && this.#unfinished.has(key));
    this.#unfinished.clear();
    for (const table of [...come, ...owed.map(([, one]) => one)]) await this.#reloads.pickUp(table);
    this.#lookedAt = Date.now();
  }

  /** Where a table came, or one gained or lost what identifies its rows. */
  async #publish(client: Client, existing: readonly SourceTable[]): Promise<void> {
    const identities = JSON.stringify(existing.map(({ oid, isIdentified }) => [oid, isIdentified]));
    if (identities === this.#identities) return;
    await publish(client, objectName(this.#context.arn), existing);
    this.#identities = identities;
  }

  /** Each column that came, went or changed its name or type counts as one. */
  #compare(known: Table, { columns }: SourceTable): void {
    const before = known.columns ?? columns;
    const numbers = new Set([...Object.keys(before), ...Object.keys(columns)]);
    const changed = [...numbers].filter((number) => before[number] !== columns[number]);
    if (changed.length > 0) countDdls(this.#context, known, changed.length, { columns });
  }

  async #drop(client: Client, table: Table): Promise<void> {
    const { settings, landing } = this.#context;
    await this.#reloads.settled();
    // A table that has become a partition is gone by its name, but nobody dropped its rows.
    const isAttached = table.oid !== undefined && (await isPartition(client, table.oid));
    if (settings.ChangeProcessingDdlHandlingPolicy.HandleSourceTableDropped && !isAttached) {
      this.#applier.buffers.drop(table);
      await landing.empty(folderOf(this.#context, table));
    } else {
      await this.#applier.buffers.flush();
    }
    countDdls(this.#context, table, 1, { state: 'Table does not exist' });
  }
}
