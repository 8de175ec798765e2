import type { KinesisClient } from '@aws-sdk/client-kinesis';
import { test } from 'vitest';
import { listing } from './kinesis-wire-listing.ts';
import { reading } from './kinesis-wire-reading.ts';
import { records } from './kinesis-wire-records.ts';
import { resharding } from './kinesis-wire-resharding.ts';
import { scaling } from './kinesis-wire-scaling.ts';
import { settings } from './kinesis-wire-settings.ts';
import { streams } from './kinesis-wire-streams.ts';
import { type Fact, Story } from './kinesis-story.ts';

export interface OpenedKinesis {
  /** Patient: it repeats what is refused for the rate alone. */
  readonly client: KinesisClient;
}

/** What a server cannot do, by the name of the case, and why. Each is counted as skipped. */
export type Cannot = Readonly<Record<string, string>>;

const CHAPTERS = [streams, listing, records, reading, resharding, scaling, settings];

/** What Kinesis does on the wire, as far as the lake relies on it. Needs no clock but the server's own. */
export function keepsTheKinesisContract(open: () => Promise<OpenedKinesis>, cannot: Cannot = {}): void {
  const fact: Fact = (name, story) => {
    const reason = cannot[name];
    test.skipIf(reason !== undefined)(
      reason === undefined ? name : `${name} [cannot: ${reason}]`,
      async () => {
        await story(new Story((await open()).client));
      },
    );
  };

  for (const chapter of CHAPTERS) chapter(fact);
}
