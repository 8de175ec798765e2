import { lastOf, placedColumns } from '../lake/layout.ts';
import type { Columns, FixedLayout } from '../lake/spec.ts';
import type { Say } from './faults.ts';
import type { LakeFile } from './lake-schema.ts';
import { mapValues } from './members.ts';

type FilesFile = Extract<LakeFile['sources'][string], { kind: 'files' }>;
type LayoutFile = NonNullable<FilesFile['format']['fixed']>;

/** Hold a layout of fixed-width files against the columns it is to give, and write every default in. */
export function resolveLayout(
  file: LayoutFile,
  columns: Columns,
  path: readonly (string | number)[],
  say: Say,
): FixedLayout {
  const layout = {
    columns: mapValues(file.columns, ({ start, width, trim = file.trim }) => ({ start, width, trim })),
    nulls: file.nulls,
    skip: file.skip,
  };
  const missing = Object.keys(columns).filter((name) => !layout.columns[name]);
  if (missing.length > 0)
    say([...path, 'columns'], `the layout has no ${missing.join(', ')}: give each column its place`);
  const placed = placedColumns(layout);
  for (const [index, column] of placed.entries()) {
    const before = placed[index - 1];
    if (before && lastOf(before) >= column.start)
      say(
        [...path, 'columns', column.name],
        `${column.name} begins at character ${column.start}, and ${before.name} ends at ${lastOf(before)}: no two columns may share one`,
      );
  }
  return layout;
}
