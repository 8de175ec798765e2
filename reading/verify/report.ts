/** One thing that is not as the lake's own records say. */
export interface Finding {
  /** Key of the object, or `<dataset> <partition>`, where it shows. */
  readonly where: string;
  readonly kind:
    | 'gap'
    | 'altered'
    | 'missing'
    | 'wrongBytes'
    | 'wrongCount'
    | 'notFollowing'
    | 'twice'
    | 'unaccounted'
    | 'wrongRows'
    | 'wrongBuild';
  /** What was found and what would be right. */
  readonly message: string;
}

export interface VerifyReport {
  readonly lanes: number;
  readonly entries: number;
  readonly objects: number;
  readonly rows: number;
  readonly rejected: number;
  readonly datasets: Readonly<Record<string, DatasetReport>>;
  /** Empty: every record that was collected is accounted for, once. */
  readonly findings: readonly Finding[];
}

export interface DatasetReport {
  /** 0 while nothing is published. */
  readonly version: number;
  readonly partitions: number;
  /** Rows of the entries that published builds used, and what became of them. */
  readonly classes: Readonly<
    Record<'in' | 'out' | 'deleted' | 'lost' | 'retracted' | 'excluded' | 'pending', number>
  >;
  /** What no class accounts for; 0 unless something is wrong. */
  readonly residue: number;
}

/** Collects findings; a damaged lake must not make a report of any length. */
export class Findings {
  readonly #all: Finding[] = [];

  add(kind: Finding['kind'], where: string, message: string): void {
    if (this.#all.length < 1000) this.#all.push({ kind, where, message });
  }

  get all(): readonly Finding[] {
    return this.#all;
  }
}
