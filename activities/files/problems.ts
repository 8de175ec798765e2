import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { RejectedRecord } from '../../lake/entry.ts';
import type { Problem } from '../../lake/sql/refine-cast.ts';
import type { Quarantine } from '../refine/quarantine.ts';
import type { FramedRecord } from '../refine/framing.ts';
import type { ComingFile, Member } from './group.ts';
import type { PlacedMember, RefineContext } from './refine.ts';
import { reframe } from './survey.ts';

interface ListedProblem {
  readonly n: number;
  readonly why: number;
  readonly found: string | null;
  /** The record itself, where files have no bytes for each. */
  readonly record?: string;
}

/** Records are fetched for so many problems at once; each time, their file is read again. */
const PROBLEMS_AT_ONCE = 100_000;

/** Every problem of the list is in quarantine. Files that turn out to have changed are named in `changed`. */
export async function quarantineProblems(
  context: RefineContext,
  {
    list,
    members,
    problems,
    quarantine,
    changed,
  }: {
    readonly list: string;
    readonly members: readonly PlacedMember[];
    readonly problems: readonly Problem[];
    readonly quarantine: Quarantine;
    readonly changed: Set<ComingFile>;
  },
): Promise<void> {
  let at = 0;
  let some: ListedProblem[] = [];
  const settle = async () => {
    const member = members[at];
    if (member && some.length > 0 && !(await quarantineOf(context, member, { some, problems, quarantine })))
      changed.add(member.file);
    some = [];
  };
  for await (const line of createInterface({ input: createReadStream(list), crlfDelay: Infinity })) {
    const problem = JSON.parse(line) as ListedProblem;
    const isWithin = (member: PlacedMember | undefined) =>
      member !== undefined && problem.n < member.firstRow + member.records;
    if (!isWithin(members[at]) || some.length === PROBLEMS_AT_ONCE) await settle();
    while (at < members.length && !isWithin(members[at])) at += 1;
    some.push(problem);
  }
  await settle();
}

async function quarantineOf(
  context: RefineContext,
  member: PlacedMember,
  {
    some,
    problems,
    quarantine,
  }: {
    readonly some: readonly ListedProblem[];
    readonly problems: readonly Problem[];
    readonly quarantine: Quarantine;
  },
): Promise<boolean> {
  const { files, folder, signal, onProgress, source } = context;
  const add = async (
    { why, found }: ListedProblem,
    place: Pick<RejectedRecord, 'line' | 'offset'> & { readonly record: number },
    bytes: Uint8Array,
  ) => {
    const problem = problems[why];
    if (!problem) return;
    const { reason, column, right } = problem;
    const where = place.line === undefined ? `record ${place.record}` : `line ${place.line}`;
    const has = found === null ? 'nothing' : JSON.stringify(found);
    const message = `${where}: ${column ?? 'the record'} has ${has}; right would be ${right}`;
    member.rejected += 1;
    await quarantine.add(
      { ...itemOf(context, member), ...place, reason, ...(column !== undefined && { column }), message },
      bytes,
    );
  };
  const numberOf = ({ n }: ListedProblem) => member.firstRecord + n - member.firstRow;
  if ('parquet' in source.format) {
    for (const listed of some)
      await add(listed, { record: numberOf(listed) }, Buffer.from(listed.record ?? ''));
    return true;
  }
  const wanted = some.map(numberOf);
  let next = 0;
  const take = async ({ record, line, offset, bytes }: FramedRecord) => {
    const listed = some[next];
    next += 1;
    if (listed) await add(listed, { record, line, offset }, bytes);
  };
  return reframe(
    files,
    {
      folder,
      item: member.file.item,
      stat: member.file.framed.stat,
      sha256: member.file.framed.sha256,
      signal,
      onProgress,
      format: source.format,
      wanted,
    },
    async (block) => {
      for (const record of block.wanted) await take(record);
    },
  );
}

/** What a record in quarantine says of its file. */
export function itemOf(
  { versionOf }: RefineContext,
  { file }: Member,
): { readonly item: string; readonly version: string } {
  return { item: file.item, version: versionOf(file.item) };
}
