import { randomUUID } from 'node:crypto';
import type { EntryItem } from '../../lake/entry.ts';
import { type OfferedFile, parkedItem, waitingVersion } from '../../lake/transfer.ts';
import type { SourceContext } from './context.ts';
import { landOffered } from './land.ts';
import { type LandFilesResult, NOTHING_LANDED } from './result.ts';

export interface Decided {
  readonly items: readonly string[];
  readonly action: 'retry' | 'skip' | 'retract';
  /** Key of the decision's audit object. */
  readonly decision: string;
  readonly by: string;
  readonly reason: string;
}

export async function decideItems(context: SourceContext, decided: Decided): Promise<LandFilesResult> {
  const items = [...new Set(decided.items)];
  if (decided.action === 'skip') return skipItems(context, items, decided);
  const { files, folder, ledger, feed, source, signal } = context;
  const known = await ledger.knownItems(feed, 0, signal);
  const offered: OfferedFile[] = [];
  const gone: LandFilesResult['parked'][number][] = [];
  for (const item of items) {
    const stat = await files.stat(folder, item, signal);
    if (stat) offered.push({ item, bytes: stat.bytes, modifiedAt: stat.modifiedAt });
    const waits = waitingVersion(known.get(item));
    if (!stat && waits) {
      const parked = parkedItem(waits);
      gone.push({
        ...parked,
        message: `${parked.message} (now the file is gone; right would be to deliver it again, or to decide: skip)`,
      });
    }
  }
  const restated = decided.action === 'retract' ? 'retract' : source.restated;
  const landed = await landOffered(context, offered, { restated, again: true });
  return { ...landed, parked: [...landed.parked, ...gone] };
}

async function skipItems(
  { ledger, feed, signal, clock, run, specNumber }: SourceContext,
  items: readonly string[],
  { by, reason, decision }: Decided,
): Promise<LandFilesResult> {
  for (;;) {
    const head = await ledger.head(feed, 0, signal);
    const known = await ledger.knownItems(feed, 0, signal);
    const skipped = items.flatMap((item): Omit<EntryItem, 'no'>[] => {
      const waits = waitingVersion(known.get(item));
      if (!waits) return [];
      const { version, checksum, bytes, modifiedAt } = waits;
      return [
        {
          item,
          version,
          checksum,
          bytes,
          modifiedAt,
          state: 'skipped',
          reason: `${reason} (${by}, ${decision})`,
        },
      ];
    });
    if (skipped.length === 0) return { ...NOTHING_LANDED, skipped: items.length };
    const draft = {
      feed,
      lane: 0,
      commit: randomUUID(),
      epoch: { run },
      committedAt: new Date(clock.now()).toISOString(),
      spec: specNumber,
      items: skipped.map((item, index) => ({ no: index + 1, ...item })),
      raw: [],
      rows: [],
      rejected: [],
    };
    const appended = await ledger.appendSet(draft, head, signal);
    if (appended.kind === 'committed') return { ...NOTHING_LANDED, skipped: items.length, entries: 1 };
  }
}
