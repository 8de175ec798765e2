import { createReadStream } from 'node:fs';
import type { DmsTarget } from '../../lake/dms-target.ts';
import type { Problem } from '../../lake/sql/refine-cast.ts';
import { CsvFramer } from '../refine/csv-framer.ts';
import { type ListedProblem, type RecordPlace, problemsByMember, saidOf } from '../refine/problem-list.ts';
import type { Quarantine } from '../refine/quarantine.ts';
import type { Member } from './places.ts';

/** What framing cut out is in quarantine. Resolves the numbers of these records within the refine. */
export async function quarantineCuts(members: readonly Member[], quarantine: Quarantine): Promise<number[]> {
  const rows: number[] = [];
  for (const member of members) {
    const { item, version, cuts } = member.landing;
    for (const { record, line, offset, bytes, reason, message } of cuts) {
      rows.push(member.first + record - 1);
      member.rejected += 1;
      await quarantine.add({ item, version, record, line, offset, reason, message }, bytes);
    }
  }
  return rows;
}

/** Every problem of the list is in quarantine. */
export async function quarantineProblems(
  target: Pick<DmsTarget, 'delimiter'>,
  {
    list,
    members,
    problems,
    quarantine,
  }: {
    readonly list: string;
    readonly members: readonly Member[];
    readonly problems: readonly Problem[];
    readonly quarantine: Quarantine;
  },
): Promise<void> {
  const endOf = ({ first, landing }: Member) => first + landing.records;
  for await (const { member, some } of problemsByMember(list, members, endOf))
    await quarantineOf(target, member, { some, problems, quarantine });
}

async function quarantineOf(
  { delimiter }: Pick<DmsTarget, 'delimiter'>,
  member: Member,
  {
    some,
    problems,
    quarantine,
  }: {
    readonly some: readonly ListedProblem[];
    readonly problems: readonly Problem[];
    readonly quarantine: Quarantine;
  },
): Promise<void> {
  const { item, version, listed } = member.landing;
  const add = async (one: ListedProblem, place: RecordPlace, bytes: Uint8Array) => {
    const said = saidOf(one, problems, place);
    if (!said) return;
    member.rejected += 1;
    await quarantine.add({ item, version, ...said }, bytes);
  };
  const numberOf = ({ n }: ListedProblem) => n - member.first + 1;
  if (listed.name.format === 'parquet') {
    for (const one of some) await add(one, { record: numberOf(one) }, Buffer.from(one.record ?? ''));
    return;
  }
  const framer = new CsvFramer({ delimiter, quote: '"', emptyIsNull: false, wanted: some.map(numberOf) });
  let next = 0;
  const take = async (block: ReturnType<CsvFramer['push']>) => {
    for (const { record, line, offset, bytes } of block?.wanted ?? []) {
      const one = some[next];
      next += 1;
      if (one) await add(one, { record, line, offset }, bytes);
    }
  };
  const chunks: AsyncIterable<Buffer> = createReadStream(member.landing.body, { highWaterMark: 1024 * 1024 });
  for await (const chunk of chunks) await take(framer.push(chunk));
  await take(framer.end());
}
