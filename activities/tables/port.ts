import type { ColumnType } from '../../lake/spec.ts';
import type { ComparedTable } from '../../lake/sql/compare-table.ts';

/** What differs between a table of a source's database and what the lake shows of it. */
export type Differing =
  | {
      readonly kind: 'rows';
      readonly compared: ComparedTable;
      /** Framed, as `lake/sql/compare-table.ts` has them; each differs and is not under way. */
      readonly keys: readonly string[];
    }
  | { readonly kind: 'tooMany' }
  | { readonly kind: 'notCompared'; readonly reason: string };

/** Rows at one moment of the database, as a landing has them. */
export interface SourceRows {
  /** The moment by the database's clock, ISO. */
  readonly at: string;
  /** The operation, `U` or `D`, and the texts of the asked columns; of a `D`, null but for the key's. */
  readonly rows: readonly (readonly (string | null)[])[];
}

/** The databases of sources, as far as a repair needs them. Values of rows go nowhere but to the lake. */
export interface RepairSource {
  /** Compare one table, until what differs is not under way any more. Calls `onProgress` every 10 seconds at least. */
  differing(table: string, signal: AbortSignal, onProgress: () => void): Promise<Differing>;
  /** The rows of these keys as they are now. */
  rows(
    table: string,
    found: Extract<Differing, { kind: 'rows' }>,
    columns: readonly (readonly [name: string, type: ColumnType])[],
    signal: AbortSignal,
  ): Promise<SourceRows>;
}
