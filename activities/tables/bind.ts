import type { Action } from '../../lake/decisions.ts';
import { type LandingColumns, bindLanding } from '../../lake/landing-columns.ts';
import type { NamedLanding } from '../../lake/landings.ts';
import { CHANGE_COLUMN } from '../../lake/spec.ts';
import { landingTypeProblem } from '../../lake/sql/landing-types.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import type { Fetched, FetchedLanding } from './fetch.ts';

/** A landing that was read and whose columns are known, as it goes into rows. */
export interface BoundLanding extends FetchedLanding {
  readonly bound: LandingColumns;
  readonly item: string;
  readonly version: string;
}

/** Why a table waits, found at a landing. */
export interface Trouble {
  readonly failure: 'LandingUnreadable' | 'ColumnsChanged';
  readonly message: string;
  readonly allowed: readonly Action[];
  /** What it was found at, and what of its bytes is kept. */
  readonly at: NamedLanding;
  readonly sha256: string;
  /** Declared columns that it lacks. */
  readonly absent?: readonly string[];
}

export interface BindOptions {
  readonly context: Pick<DatabaseContext, 'target'>;
  readonly table: DeclaredTable;
  /** Declared columns that are null from now on. */
  readonly absent: readonly string[];
}

/** Which column of a landing is which of its table; or why the table waits at it. */
export function bindFetched(
  { context, table, absent }: BindOptions,
  fetched: Exclude<Fetched, { kind: 'changed' }>,
  named: Pick<BoundLanding, 'item' | 'version'>,
): BoundLanding | Trouble {
  if (fetched.kind === 'bad') return unreadable(table, fetched, fetched.message);
  const { header, types, listed } = fetched;
  const { columns, landed } = table;
  const kind = listed.name.kind;
  const bound = bindLanding({ header, kind, columns, target: context.target, table: landed, absent });
  const { missing, declared } = bound;
  if (missing.length > 0) {
    const shown = (name: string) => (name === CHANGE_COLUMN.name ? (landed.changeColumn ?? name) : name);
    const lacks = `it has no column ${missing.map(shown).join(', ')}: its columns are ${header.join(', ')}`;
    const right = `right would be ${Object.keys(columns).map(shown).join(', ')}`;
    // Without their numbers changes lose to every row that has one.
    const isUnnumbered = missing.includes(CHANGE_COLUMN.name);
    const allowed: readonly Action[] = isUnnumbered ? ['retry', 'reload'] : ['retry', 'approve', 'reload'];
    return { ...changed(table, fetched, `${lacks}; ${right}`), allowed, absent: missing };
  }
  if (types.length > 0) {
    const schema = header.map((name, at) => ({ name, type: types[at] ?? '' }));
    const unfit = landingTypeProblem(schema, { declared }, columns);
    if (unfit !== undefined) return changed(table, fetched, unfit);
  }
  return { ...fetched, bound, ...named };
}

type Found = Pick<FetchedLanding, 'listed' | 'sha256'>;

/** A landing that nobody can read. */
export function unreadable(table: DeclaredTable, { listed, sha256 }: Found, why: string): Trouble {
  const message = `${table.name} ${listed.landing}: ${why}`;
  return { failure: 'LandingUnreadable', message, allowed: ['retry', 'skip', 'reload'], at: listed, sha256 };
}

function changed(table: DeclaredTable, { listed, sha256 }: Found, why: string): Trouble {
  const message = `${table.name} ${listed.landing}: ${why}`;
  return { failure: 'ColumnsChanged', message, allowed: ['retry', 'reload'], at: listed, sha256 };
}
