import type { DmsTarget, LandedTable } from './dms-target.ts';
import { CHANGE_COLUMN, type Columns } from './spec.ts';

/** Which column of a landing is what, by its place in the file. */
export interface LandingColumns {
  /** Of the operation; `undefined` where every row is an insert. */
  readonly op: number | undefined;
  /** Of the change sequence. */
  readonly change: number | undefined;
  /** Declared column → the file's. Absent: null in every row. */
  readonly declared: Readonly<Record<string, number>>;
  /** Declared column → the file's column of what it held before the change. */
  readonly before: Readonly<Record<string, number>>;
  /** Columns of the table that nobody declared. */
  readonly extra: readonly number[];
  /** Declared columns that the file lacks and nobody approved to be absent. */
  readonly missing: readonly string[];
}

export interface BindLanding {
  /** The file's columns, in its order. */
  readonly header: readonly string[];
  readonly kind: 'load' | 'changes';
  readonly columns: Columns;
  readonly target: Pick<DmsTarget, 'opInLoad' | 'opInChanges' | 'timestampColumn'>;
  readonly table: Pick<LandedTable, 'changeColumn' | 'addedColumns' | 'before'>;
  /** Declared columns whose absence a person approved. */
  readonly absent: readonly string[];
}

const OP = 'Op';

/**
 * A column of the file is the declared one of its name, else that of its name in lower case. `Op` in front is DMS's own,
 * unless the endpoint writes none there and a column of that name is declared.
 */
export function bindLanding({ header, kind, columns, target, table, absent }: BindLanding): LandingColumns {
  const hasOp = kind === 'load' ? target.opInLoad : target.opInChanges;
  const ownOp =
    'op' in columns && !hasOp && header.filter((name) => name.toLowerCase() === 'op').length === 1;
  const op = header[0] === OP && !ownOp ? 0 : undefined;
  const free = header.map((name, at) => ({ name, at })).filter(({ at }) => at !== op);
  const change = free.find(({ name }) => name === table.changeColumn)?.at;
  const names = Object.keys(columns).filter((name) => name !== CHANGE_COLUMN.name);
  const declared: Record<string, number> = {};
  for (const name of names) {
    const found =
      free.find((one) => one.name === name) ?? free.find((one) => one.name.toLowerCase() === name);
    if (found) declared[name] = found.at;
  }
  const before: Record<string, number> = {};
  for (const [name, at] of Object.entries(declared)) {
    const image = imageName(header[at] ?? '', table.before);
    const found = image === undefined ? undefined : free.find((one) => one.name === image);
    if (found && !Object.values(declared).includes(found.at)) before[name] = found.at;
  }
  const taken = new Set([
    ...Object.values(declared),
    ...Object.values(before),
    ...(change === undefined ? [] : [change]),
  ]);
  const isAdded = (name: string) =>
    name === target.timestampColumn ||
    table.addedColumns.includes(name) ||
    isImage(name, table.before, header);
  const extra = free.filter(({ name, at }) => !taken.has(at) && !isAdded(name)).map(({ at }) => at);
  const missing = names.filter((name) => declared[name] === undefined);
  // A load has no change sequence of its own, whatever its files have columns for.
  if (kind === 'changes' && table.changeColumn !== undefined && change === undefined)
    missing.push(CHANGE_COLUMN.name);
  return { op, change, declared, before, extra, missing: missing.filter((name) => !absent.includes(name)) };
}

function imageName(name: string, before: LandedTable['before']): string | undefined {
  return before && `${before.prefix}${name}${before.suffix}`;
}

function isImage(name: string, before: LandedTable['before'], header: readonly string[]): boolean {
  return before !== undefined && header.some((own) => imageName(own, before) === name);
}
