/** What is wrong in lake.yaml, and where. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** Where it stands in the text, of what no path leads to. */
  readonly offset?: number;
}

/** Name a fault; the rules then go on, so that all faults are named at once. */
export type Say = (path: readonly (string | number)[], message: string) => void;
