import { compareText } from '../../lake/canonical.ts';
import type { Parked } from '../../lake/decisions.ts';
import { fileMatcher } from '../../lake/files.ts';
import { type OfferedFile, classifyListed, parkedItem, waitingVersion } from '../../lake/transfer.ts';
import type { SourceContext } from './context.ts';
import { ManifestWriter } from './manifest.ts';

export interface ListFilesResult {
  /** What to land, in the order of names; null when there is nothing. */
  readonly manifest: string | null;
  readonly files: number;
  readonly bytes: number;
  /** Files that are not quiet yet. */
  readonly notYet: number;
  readonly parked: readonly Parked[];
  /** What was passed over, and why: links, special files, names that are not UTF-8. At most 20. */
  readonly ignored: readonly { readonly item: string; readonly why: string }[];
  readonly more: boolean;
}

const MOST_IGNORED = 20;

export async function listSource(context: SourceContext): Promise<ListFilesResult> {
  const { files, folder, source, ledger, feed, signal, onProgress } = context;
  const known = await ledger.knownItems(feed, 0, signal);
  const isOurs = fileMatcher(source);
  const quiet = { nowMs: context.clock.now(), quietMs: source.quietMs };
  const manifest = new ManifestWriter(context);
  const unordered: OfferedFile[] = [];
  const ignored: { item: string; why: string }[] = [];
  let notYet = 0;
  for await (const listing of files.list(folder, signal)) {
    onProgress();
    const { item } = listing;
    if (listing.kind === 'ignored') {
      if (ignored.length < MOST_IGNORED) ignored.push({ item, why: listing.why });
      continue;
    }
    if (!isOurs(item)) continue;
    const offered = { item, bytes: listing.stat.bytes, modifiedAt: listing.stat.modifiedAt };
    const listed = classifyListed(offered, known.get(item), quiet);
    if (listed === 'unquiet') notYet += 1;
    else if (listed !== 'new') continue;
    else if (files.listsInOrder) await manifest.add(offered);
    else unordered.push(offered);
  }
  unordered.sort((a, b) => compareText(a.item, b.item));
  for (const offered of unordered) await manifest.add(offered);
  const waiting = [...known.values()].flatMap((versions) => waitingVersion(versions) ?? []);
  return {
    manifest: await manifest.finish(),
    files: manifest.files,
    bytes: manifest.bytes,
    notYet,
    parked: waiting.map(parkedItem),
    ignored,
    more: false,
  };
}
