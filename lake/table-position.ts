import { instantMs } from './instant.ts';

/** The one channel of a table's lane. */
export const TABLE_CHANNEL = 'log';

/**
 * Where a table stands, as `after` and `through` of its channel say it: `earliest`, before everything; else
 * `<generation>@<when its load began, ISO; - without one>/<phase>/<landing>`. A generation begins with an entry of phase
 * `begin`, brings what its load and the changes beside it landed, and is whole with the entry of phase `ready`.
 */
export type TablePosition = 'earliest' | TablePlace;

export interface TablePlace {
  readonly generation: number;
  /** ISO; null for changes without a load. */
  readonly loadStartedAt: string | null;
  readonly phase: 'begin' | 'load' | 'ready' | 'cdc';
  /** Key of the last landing taken, below the table's folder; empty at `begin` and `ready`. */
  readonly landing: string;
}

const SHAPE = /^([1-9]\d{0,8})@(-|[^/]+)\/(begin|load|ready|cdc)\/(.*)$/s;

/** `undefined` for a text of another shape. */
export function parseTablePosition(text: string): TablePosition | undefined {
  if (text === 'earliest') return text;
  const [, generation, load, phase, landing] = SHAPE.exec(text) ?? [];
  if (generation === undefined || load === undefined || landing === undefined) return undefined;
  if (load !== '-' && instantMs(load) === undefined) return undefined;
  return {
    generation: Number(generation),
    loadStartedAt: load === '-' ? null : load,
    phase: phase as TablePlace['phase'],
    landing,
  };
}

/** The inverse of `parseTablePosition`. */
export function tablePositionText(position: TablePosition): string {
  if (position === 'earliest') return position;
  const { generation, loadStartedAt, phase, landing } = position;
  return `${generation}@${loadStartedAt ?? '-'}/${phase}/${landing}`;
}
