import { createHash } from 'node:crypto';
import type { NamedLanding } from '../../lake/landings.ts';
import { itemVersion } from '../../lake/transfer.ts';
import { failedWith } from '../failure.ts';
import { sha256Hex } from '../objects/json.ts';
import type { DatabaseContext, DeclaredTable } from './context.ts';

/** What a landing is by now; undefined when it changes while it is read. */
export async function versionNow(
  { context, table }: { readonly context: DatabaseContext; readonly table: DeclaredTable },
  one: NamedLanding,
): Promise<{ readonly version: string; readonly checksum: string } | undefined> {
  const hash = createHash('sha256');
  try {
    const { bytes, modifiedAt, tag } = one;
    const read = context.landings.read(table.folder, one.landing, { bytes, modifiedAt, tag }, context.signal);
    for await (const chunk of read) hash.update(chunk);
  } catch (error) {
    if (failedWith(error, 'SourceChanged')) return undefined;
    throw error;
  }
  const checksum = `sha256:${hash.digest('hex')}`;
  return { version: itemVersion(table.feed, one.landing, checksum, sha256Hex), checksum };
}
