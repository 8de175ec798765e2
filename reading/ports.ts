import type { Ledger } from '../activities/objects/ledger.ts';
import type { ObjectStore } from '../activities/objects/port.ts';

/** What reading a lake takes. */
export interface ReadingPorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  /** A folder for downloaded files, kept between readings; several processes may share it. */
  readonly cache: string;
  /** An existing folder for what DuckDB spills. */
  readonly scratch: string;
  readonly memoryMb: number;
  readonly threads: number;
}

/** What was asked cannot be answered: who asks must ask otherwise. */
export class QueryRefused extends Error {
  override readonly name = 'QueryRefused';
}
