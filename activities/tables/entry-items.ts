import type { Entry, EntryItem } from '../../lake/entry.ts';
import { instantMs, isoInstant } from '../../lake/instant.ts';
import { keys } from '../../lake/keys.ts';
import type { BoundLanding } from './bind.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';
import type { FetchedLanding } from './fetch.ts';
import type { MadeRows } from './rows.ts';

/** What an entry says of a landing that was collected; `no` counts its items from 1. */
export function itemOf(
  { listed, item, version, sha256 }: BoundLanding,
  no: number,
  made: MadeRows,
): EntryItem {
  const { rows, rejected, spans } = made.landings.get(item) ?? { rows: 0, rejected: 0, spans: [] };
  const { bytes, modifiedAt } = listed;
  const state = 'collected';
  return {
    no,
    item,
    version,
    checksum: `sha256:${sha256}`,
    bytes,
    modifiedAt,
    state,
    ...(spans.length > 0 && { spans }),
    rows,
    rejected,
  };
}

/** Where the bytes of a landing are kept. */
export function rawOf(
  { bucket }: Pick<DatabaseContext, 'bucket'>,
  { feed }: Pick<DeclaredTable, 'feed'>,
  { version, listed, sha256 }: Pick<FetchedLanding, 'listed' | 'sha256'> & { readonly version: string },
): Entry['raw'][number] {
  const uri = `s3://${bucket}/${keys.rawItem(feed, version)}`;
  return { uri, bytes: listed.bytes, checksum: `sha256:${sha256}` };
}

/** The greatest event time of its rows; null where none has one. Whole milliseconds, as everywhere where instants compare as text. */
export function seenOf({ objects }: MadeRows): string | null {
  let seen: number | null = null;
  for (const { partitions } of objects) {
    for (const { maxTime } of Object.values(partitions)) {
      const ms = maxTime === null ? undefined : instantMs(maxTime);
      if (ms !== undefined && (seen === null || ms > seen)) seen = ms;
    }
  }
  return seen === null ? null : isoInstant(seen);
}
