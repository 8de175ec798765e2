import { keys } from '../../lake/keys.ts';
import type { LakeSpec, SpecObject } from '../../lake/spec.ts';
import { failure } from '../failure.ts';
import { type Chain, createChain } from '../objects/chain.ts';
import type { ObjectStore, Watch } from '../objects/port.ts';
import { type Comparison, compareSpecs } from './compare.ts';

export interface AppliedSpec {
  readonly n: number;
  readonly spec: LakeSpec;
  readonly object: SpecObject;
}

/** The newest applied spec of a lake. */
export interface SpecReader {
  /** Rejects with `NoSpec` while nothing was applied. */
  read(signal: AbortSignal): Promise<AppliedSpec>;
  /** What applying `next` would change. It only reads, also where nothing was applied yet. */
  compare(next: LakeSpec, watch: Watch): Promise<Comparison>;
}

/** The chain of a lake's specs. */
export function specChain(store: ObjectStore): Chain<SpecObject> {
  return createChain<SpecObject>({ store, prefix: 'spec/', key: keys.spec, numberOf: (spec) => spec.n });
}

export function createSpecReader({ store }: { readonly store: ObjectStore }): SpecReader {
  const chain = specChain(store);
  return {
    async read(signal) {
      const head = await chain.head(signal);
      if (!head) throw failure('NoSpec', 'spec/ holds nothing: run `tributary apply`');
      const { lake, sources, datasets } = head.value;
      return { n: head.n, spec: { lake, sources, datasets }, object: head.value };
    },
    compare: (next, watch) => compareSpecs({ store, chain }, next, watch),
  };
}
