import { contractHash } from './hashes.ts';
import type { BuildContext } from './planning.ts';

/**
 * How a dataset, as a version of it was published, became what is applied. `same`: the same builds would be made.
 * `grown`: columns came, of its own or of a feed that serves it. `other`: anything else.
 */
export type Evolution = 'same' | 'grown' | 'other';

export function evolution(before: BuildContext, now: BuildContext): Evolution {
  const had = Object.entries(before.spec.columns);
  if (had.some(([column, type]) => now.spec.columns[column] !== type)) return 'other';
  if (contractHash({ ...now.spec, columns: before.spec.columns }, now.sha256) !== before.contract)
    return 'other';
  // A feed that came or went maps nothing otherwise.
  const isMappedAlike = Object.entries(before.mappings).every(
    ([feed, mapping]) => now.mappings[feed] === undefined || now.mappings[feed] === mapping,
  );
  return before.contract === now.contract && isMappedAlike ? 'same' : 'grown';
}
