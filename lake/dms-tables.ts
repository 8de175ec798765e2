/** One table of a task, as DMS's statistics have it. */
export interface DmsTable {
  readonly schema: string;
  readonly table: string;
  /** DMS's own words. */
  readonly state: string;
  readonly validation: string | null;
  /** That its last full load brought. */
  readonly rows: number;
  /** Of the last full load; null where there was none, or it goes on. */
  readonly loadStartedAt: string | null;
  readonly loadEndedAt: string | null;
  /** Changes since, as DMS counts them: statements of DDL too. */
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly ddls: number;
  /** When DMS refreshed these statistics, not the data. */
  readonly refreshedAt: string | null;
}

/** A table that is not completed, or not well. */
export interface TableLeftOver {
  readonly schema: string;
  readonly table: string;
  readonly state: string;
  /** Only where it says that something is wrong. */
  readonly validation: string | null;
  readonly refreshedAt: string | null;
  /** False: expected, and not among the statistics. */
  readonly isCaptured: boolean;
}

/** The tables of a task in a few hundred words, however many they are. */
export interface TablesSeen {
  readonly total: number;
  readonly completed: number;
  /** Tables in error; of those that DMS has statistics of. */
  readonly troubled: number;
  /** Rows that the full load brought. */
  readonly rows: number;
  /** At most 200, those in error first. */
  readonly leftOver: readonly TableLeftOver[];
}

/** A table may carry 200 bytes of names: 40 KiB at most in a payload. */
const LISTED = 200;

const COMPLETED = 'Table completed';
const WRONG = /error|suspend|cancel|does not exist|not captured/i;
const INVALID = new Set(['Mismatched records', 'Suspended records', 'Table error', 'Error']);

export function tableName({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${schema}.${table}`;
}

/** Left replication, or does not hold what its source holds. A state that nobody knows yet says nothing. */
export function isTroubled({
  state,
  validation,
}: {
  readonly state: string;
  readonly validation: string | null;
}): boolean {
  return WRONG.test(state) || (validation !== null && INVALID.has(validation));
}

const LOADING = new Set(['Before load', 'Full load', 'Table is being reloaded']);

/** DMS loads it, or is about to. */
export function isLoading({ state }: { readonly state: string }): boolean {
  return LOADING.has(state);
}

/** `expected` are names (`schema.table`) that must be among them. */
export function summariseTables(tables: readonly DmsTable[], expected: readonly string[] = []): TablesSeen {
  const captured = new Set(tables.map(tableName));
  const missing = expected.filter((name) => !captured.has(name)).map(notCaptured);
  const leftOver = tables.filter((table) => isTroubled(table) || table.state !== COMPLETED).map(leftOverOf);
  const all = [...missing, ...leftOver];
  return {
    total: tables.length,
    completed: tables.length - leftOver.length,
    troubled: leftOver.filter(isTroubled).length,
    rows: tables.reduce((sum, { rows }) => sum + rows, 0),
    leftOver: [...all.filter(isTroubled), ...all.filter((one) => !isTroubled(one))].slice(0, LISTED),
  };
}

function leftOverOf({ schema, table, state, validation, refreshedAt }: DmsTable): TableLeftOver {
  const wrong = validation !== null && INVALID.has(validation) ? validation : null;
  return { schema, table, state, validation: wrong, refreshedAt, isCaptured: true };
}

function notCaptured(name: string): TableLeftOver {
  const dot = name.indexOf('.');
  return {
    schema: name.slice(0, dot),
    table: name.slice(dot + 1),
    state: 'not captured',
    validation: null,
    refreshedAt: null,
    isCaptured: false,
  };
}
