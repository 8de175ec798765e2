import type { RepairActivities, RepairTableInput, Repaired } from '../../activities/tables/repairs.ts';

/** Tables that differ from their database in so many rows, until they are repaired; each repair is made once. */
export class MemoryRepairs {
  readonly #differing = new Map<string, number>();
  readonly #made = new Set<string>();

  differs(table: string, rows: number): void {
    this.#differing.set(table, rows);
  }

  get activities(): RepairActivities {
    return { repairDatabaseTable: (input) => Promise.resolve(this.#repair(input)) };
  }

  #repair({ table, id }: RepairTableInput): Repaired {
    const rows = this.#differing.get(table) ?? 0;
    const done = `${id} ${table}`;
    if (rows === 0 && !this.#made.has(done))
      return { table, outcome: 'equal', rows, removed: 0, message: 'no row differs' };
    this.#made.add(done);
    this.#differing.delete(table);
    return { table, outcome: 'repaired', rows, removed: 0, message: '' };
  }
}
