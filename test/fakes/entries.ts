import { createHash } from 'node:crypto';
import type { EntryDraft } from '../../lake/append.ts';
import type { ChannelState, EntryItem } from '../../lake/entry.ts';

/** A draft of a set lane that brings these files, collected, each with one row. */
export function filesDraft(commit: string, names: readonly string[]): EntryDraft {
  return { ...emptyDraft('flights', commit), items: names.map((name, index) => fileItem(name, index + 1)) };
}

/** `orders.csv@2` is another version of `orders.csv@1`, and so is `orders.csv`. */
export function fileItem(name: string, no = 1, state: EntryItem['state'] = 'collected'): EntryItem {
  const checksum = createHash('sha256').update(name).digest('hex');
  return {
    no,
    item: name.replace(/@.*/, ''),
    version: checksum,
    checksum: `sha256:${checksum}`,
    bytes: 42,
    modifiedAt: '2026-11-21T06:00:00.000Z',
    state,
  };
}

/** A draft of a sequence lane. */
export function streamDraft(
  commit: string,
  scheduledAt: string,
  channels: Readonly<Record<string, ChannelState>>,
): EntryDraft {
  return { ...emptyDraft('payments', commit), epoch: { run: 'run-1', scheduledAt }, channels };
}

export function channelState(after: string, through: string, generation = 1): ChannelState {
  return { after, through, generation, watermark: null, caughtUpAt: null };
}

export function emptyDraft(feed: string, commit: string): EntryDraft {
  return {
    feed,
    lane: 0,
    commit,
    epoch: { run: 'run-1' },
    committedAt: '2026-11-21T07:00:00.000Z',
    spec: 1,
    raw: [],
    rows: [],
    rejected: [],
  };
}
