import { TestRunner, inject } from 'vitest';

/** What `npm run conformance` was asked for. */
export interface Asked {
  readonly bucket: string;
  /** Everything that is written is below it; ends in "/". */
  readonly folder: string;
  /** Every stream that is made begins with it; absent when none is to be made. */
  readonly streams?: string;
  readonly region: string;
  /** Of a stand-in; absent for AWS itself. */
  readonly endpoint?: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    conformance: Asked;
  }
}

export function asked(): Asked {
  return inject('conformance');
}

/** Ends the case that runs, as one that is not asked here: the rest of the account is none of our business. */
export function notHere(reason: string): never {
  TestRunner.getCurrentTest()?.context.skip(reason);
  throw new Error(reason);
}
