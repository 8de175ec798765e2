/** What is wrong in lake.yaml, and where. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Name a fault; the rules then go on, so that all faults are named at once. */
export type Say = (path: readonly (string | number)[], message: string) => void;
