import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import type { LandingFiles } from '../../lake/sql/landing-source.ts';
import type { BoundLanding } from './bind.ts';
import type { DatabaseContext } from './context.ts';
import type { Member } from './places.ts';

/** What DuckDB reads of a group: a file for each landing, whose records have the numbers that they have there. */
export async function bodiesOf(
  { target }: DatabaseContext,
  members: readonly Member[],
  scratch: string,
): Promise<LandingFiles> {
  const [first] = members;
  if (!first) throw new Error('a group has landings');
  const { header, types, listed } = first.landing;
  const paths: string[] = [];
  for (const { landing } of members) {
    paths.push(
      landing.cuts.length === 0 ? landing.body : await withoutCuts(landing, target.delimiter, scratch),
    );
  }
  if (listed.name.format === 'parquet') {
    return { format: 'parquet', paths, schema: header.map((name, at) => ({ name, type: types[at] ?? '' })) };
  }
  const dialect = {
    header: true,
    delimiter: target.delimiter,
    quote: '"',
    nulls: [target.nullText],
  } as const;
  const longest = Math.max(...members.map(({ landing }) => landing.longest));
  return { format: 'csv', paths, header, dialect, longest };
}

/** A copy in which every record that was cut out is an empty one: the others keep their numbers. */
async function withoutCuts(
  { body, header, cuts, sha256 }: BoundLanding,
  delimiter: string,
  scratch: string,
): Promise<string> {
  const copy = path.join(scratch, `${sha256}.kept`);
  const empty = Buffer.from(`x${delimiter.repeat(Math.max(0, header.length - 1))}`);
  const handle = await open(copy, 'wx');
  try {
    let at = 0;
    for (const { offset, bytes } of cuts) {
      await pipe(body, at, offset, handle.writeFile.bind(handle));
      await handle.writeFile(empty);
      at = offset + bytes.length;
    }
    await pipe(body, at, Infinity, handle.writeFile.bind(handle));
  } finally {
    await handle.close();
  }
  return copy;
}

async function pipe(
  file: string,
  from: number,
  to: number,
  write: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  if (to <= from) return;
  const chunks: AsyncIterable<Buffer> = createReadStream(file, { start: from, end: to - 1 });
  for await (const chunk of chunks) await write(chunk);
}
