import type { Problem } from '../../lake/sql/refine-cast.ts';
import type { FramedRecord } from '../refine/framing.ts';
import { type ListedProblem, type RecordPlace, problemsByMember, saidOf } from '../refine/problem-list.ts';
import type { Quarantine } from '../refine/quarantine.ts';
import type { ComingFile, Member } from './group.ts';
import type { PlacedMember, RefineContext } from './refine.ts';
import { reframe } from './survey.ts';

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
  const endOf = ({ firstRow, records }: PlacedMember) => firstRow + records;
  for await (const { member, some } of problemsByMember(list, members, endOf)) {
    const isSame = await quarantineOf(context, member, { some, problems, quarantine });
    if (!isSame) changed.add(member.file);
  }
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
  const add = async (one: ListedProblem, place: RecordPlace, bytes: Uint8Array) => {
    const said = saidOf(one, problems, place);
    if (!said) return;
    member.rejected += 1;
    await quarantine.add({ ...itemOf(context, member), ...said }, bytes);
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
