import { TestRunner, inject } from 'vitest';

/** What `npm run conformance` was asked for: a file of cases runs where what it is about is there. */
export interface Asked {
  /** A bucket; everything that is written is below its `folder`, which ends in "/". */
  readonly s3?: { readonly bucket: string; readonly folder: string };
  /** Every stream that is made begins with it. */
  readonly streams?: string;
  /** A replication task; only looked at, unless it may be started, stopped and resumed. */
  readonly task?: { readonly arn: string; readonly mayStart: boolean };
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
