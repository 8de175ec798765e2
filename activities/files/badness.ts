import { headerProblem, type windowOf } from '../../lake/files.ts';
import type { FilesSource } from '../../lake/spec.ts';
import { typeProblem } from '../../lake/sql/refine-parquet.ts';
import type { FramedFile, Survey } from './survey.ts';

/** What is wrong with a file as a whole; undefined for one that may be taken. */
export function badness(
  survey: FramedFile | (Survey & { readonly kind: 'bad' }),
  window: ReturnType<typeof windowOf>,
  source: FilesSource,
): string | undefined {
  if (survey.kind === 'bad') return survey.message;
  return columnsProblem(survey, source) ?? (window.kind === 'unreadable' ? window.message : undefined);
}

function columnsProblem(
  { header, types = [] }: FramedFile,
  { format, columns }: FilesSource,
): string | undefined {
  if ('csv' in format) return headerProblem(header, columns);
  if (!('parquet' in format)) return undefined;
  const schema = header.map((name, index) => ({ name, type: types[index] ?? '' }));
  return headerProblem(header, columns) ?? typeProblem(schema, columns);
}
