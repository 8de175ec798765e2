import type { LakeSpec, SpecObject } from '../../lake/spec.ts';

/** The newest applied spec. Rejects with `NoSpec` while there is none. */
export interface AppliedSpecReader {
  read(signal: AbortSignal): Promise<{
    readonly n: number;
    readonly spec: LakeSpec;
    readonly object: SpecObject;
  }>;
}

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}
