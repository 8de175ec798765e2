import { test } from 'vitest';
import { attributes } from './s3-wire-attributes.ts';
import { bodiesAndChecksums } from './s3-wire-bodies.ts';
import { buckets } from './s3-wire-buckets.ts';
import { coldClasses } from './s3-wire-cold.ts';
import { conditions } from './s3-wire-conditions.ts';
import { copies } from './s3-wire-copies.ts';
import { documents } from './s3-wire-documents.ts';
import { keysAndLists } from './s3-wire-lists.ts';
import { multipart } from './s3-wire-multipart.ts';
import { olderLists } from './s3-wire-older-lists.ts';
import { partCopies } from './s3-wire-part-copies.ts';
import { type Fact, type OpenedS3, Story } from './s3-wire-story.ts';
import { tags } from './s3-wire-tags.ts';
import { versions } from './s3-wire-versions.ts';

/** What a server cannot do, by the name of the case, and why. Each is counted as skipped. */
export type Cannot = Readonly<Record<string, string>>;

/** What S3 does on the wire, as far as the lake relies on it. */
export function keepsTheS3Contract(open: () => Promise<OpenedS3>, cannot: Cannot = {}): void {
  const fact: Fact = (name, story) => {
    const reason = cannot[name];
    test.skipIf(reason !== undefined)(
      reason === undefined ? name : `${name} [cannot: ${reason}]`,
      async () => {
        await story(await Story.begin(await open()));
      },
    );
  };
  for (const chapter of [
    buckets,
    bodiesAndChecksums,
    conditions,
    multipart,
    copies,
    partCopies,
    keysAndLists,
    olderLists,
    versions,
    tags,
    attributes,
    coldClasses,
    documents,
  ]) {
    chapter(fact);
  }
}
