import { isOfItem } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import type { EntryRef } from '../../lake/view.ts';
import type { Lane, Means } from './means.ts';
import type { Count } from './rows.ts';
import { lostOf, shown, statisticsOf } from './sides.ts';

interface OfTable {
  /** Ordinal → generation, of every entry. */
  readonly generations: ReadonlyMap<number, number>;
  readonly ready: readonly { readonly ordinal: number; readonly generation: number }[];
}

/** Is it the lane of a table? Its entries name the landings that they took, be they none. */
export function isTableLane({ entries }: Lane): boolean {
  const first = entries[0]?.value;
  return first?.channels !== undefined && (first.items !== undefined || first.itemsIn !== undefined);
}

/** Which generation each entry of each table is of, and which one is current how far along. */
export class Tables {
  readonly #lanes = new Map<string, OfTable>();

  constructor(lanes: readonly Lane[]) {
    for (const lane of lanes.filter(isTableLane)) {
      const entries = lane.entries.map(({ value }) => ({
        ordinal: value.ordinal,
        generation: value.channels?.['log']?.generation ?? 0,
        isReady: (value.ready ?? []).includes('log'),
      }));
      this.#lanes.set(`${lane.feed}/${lane.lane}`, {
        generations: new Map(entries.map(({ ordinal, generation }) => [ordinal, generation])),
        ready: entries.filter(({ isReady }) => isReady),
      });
    }
  }

  get names(): readonly string[] {
    return [...this.#lanes.keys()];
  }

  /** `undefined` for an entry of no table. */
  generationOf(lane: string, ordinal: number): number | undefined {
    return this.#lanes.get(lane)?.generations.get(ordinal);
  }

  /** The greatest generation that is whole up to an entry, and was not excluded; 0 = none. */
  current(lane: string, through: number, exclude: readonly EntryRef[]): number {
    const barred = new Set(
      exclude.filter((one) => `${one.feed}/${one.lane}` === lane).map(({ ordinal }) => ordinal),
    );
    const whole = (this.#lanes.get(lane)?.ready ?? []).filter(
      ({ ordinal }) => ordinal <= through && !barred.has(ordinal),
    );
    return Math.max(0, ...whole.map(({ generation }) => generation));
  }

  /** Is the generation of this entry whole up to it? */
  isWhole(lane: string, ordinal: number): boolean {
    const generation = this.generationOf(lane, ordinal);
    return generation === undefined || this.current(lane, ordinal, []) === generation;
  }
}

/** What each `ready` entry takes back is what its lane holds below, since the one before: by the entries' statistics. */
export async function verifyTakenBack(lane: Lane, means: Means): Promise<void> {
  const held = new Map<string, { rows: number; hash: bigint; generation: number }[]>();
  for (const { key, value } of lane.entries) {
    const generation = value.channels?.['log']?.generation ?? 0;
    if ((value.ready ?? []).includes('log') && generation > 1) {
      const said = new Map<string, Count>();
      for (const one of value.retracts ?? []) {
        if (isOfItem(one)) continue;
        for (const entry of Object.entries((await lostOf(one, key, means)) ?? {})) said.set(...entry);
      }
      for (const partition of new Set([...held.keys(), ...said.keys()])) {
        const all = held.get(partition) ?? [];
        const below = all.filter((one) => one.generation < generation);
        const is = {
          rows: below.reduce((sum, { rows }) => sum + rows, 0),
          hash: String(below.reduce((sum, { hash }) => sum + hash, 0n)),
        };
        const was = said.get(partition) ?? { rows: 0, hash: '0' };
        if (is.rows !== was.rows || is.hash !== was.hash)
          means.findings.add(
            'wrongCount',
            key,
            `takes ${shown(was)} of ${partition} back; what was collected below generation ${generation} is ${shown(is)}`,
          );
        held.set(
          partition,
          all.filter((one) => one.generation >= generation),
        );
      }
    }
    for (const rows of value.rows) {
      const statistics = (await statisticsOf(rows, key, means)) ?? {};
      for (const [partition, { rows: count, hash }] of Object.entries(statistics)) {
        const before = held.get(partition) ?? [];
        held.set(partition, [...before, { rows: count, hash: BigInt(hash), generation }]);
      }
    }
  }
}

/** Nothing accounts for, or was read up to, an entry whose generation is not whole by then. */
export function verifyReach(
  lane: string,
  named: ReadonlyMap<number, string>,
  tables: Tables,
  { findings }: Means,
): void {
  for (const [ordinal, by] of named) {
    if (tables.isWhole(lane, ordinal)) continue;
    const generation = tables.generationOf(lane, ordinal);
    const slash = lane.lastIndexOf('/');
    const key = keys.entry(lane.slice(0, slash), Number(lane.slice(slash + 1)), ordinal);
    findings.add(
      'unaccounted',
      by,
      `reaches to ${key}, of generation ${generation}, which is not whole by then`,
    );
  }
}
