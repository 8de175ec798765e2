import type { OfferedFile } from '../../lake/transfer.ts';
import type { SourceContext } from './context.ts';
import { type Landing, LandingWork } from './landing.ts';
import { type LandFilesResult, NOTHING_LANDED, plus } from './result.ts';

/** So many files and bytes go into one entry. */
const BATCH_FILES = 1000;
const BATCH_BYTES = 2 * 1024 * 1024 * 1024;

/** Land files that a listing offers, or a person names. What others collected meanwhile is left out. */
export async function landOffered(
  context: SourceContext,
  offered: readonly OfferedFile[],
  landing: Landing,
): Promise<LandFilesResult> {
  let total = NOTHING_LANDED;
  for (const batch of batches(offered)) total = plus(total, await landBatch(context, batch, landing));
  return total;
}

async function landBatch(
  context: SourceContext,
  batch: readonly OfferedFile[],
  landing: Landing,
): Promise<LandFilesResult> {
  const { ledger, feed, signal } = context;
  for (;;) {
    const head = await ledger.head(feed, 0, signal);
    const known = await ledger.knownItems(feed, 0, signal);
    const work = new LandingWork(context, known, landing);
    const draft = await work.run(batch);
    if (!draft) return work.result;
    const appended = await ledger.appendSet(draft, head, signal);
    // After an overlap the next round finds what others collected among the known, and leaves it out.
    if (appended.kind === 'committed') return { ...work.result, entries: work.result.entries + 1 };
  }
}

function* batches(offered: readonly OfferedFile[]): Iterable<readonly OfferedFile[]> {
  let batch: OfferedFile[] = [];
  let bytes = 0;
  for (const file of offered) {
    if (batch.length > 0 && (batch.length === BATCH_FILES || bytes + file.bytes > BATCH_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(file);
    bytes += file.bytes;
  }
  if (batch.length > 0) yield batch;
}
