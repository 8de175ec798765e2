import type { LakeSpec } from '../../lake/spec.ts';

/** The newest applied spec. Rejects with `NoSpec` while there is none. */
export interface NewestSpec {
  read(signal: AbortSignal): Promise<{ readonly spec: LakeSpec }>;
}
