import type { RecordStream, StreamRecord } from '../../../activities/streams/port.ts';

/** Copies of records in one memory, one behind the other: as a page of a service is decoded. */
export function sideBySide(records: readonly StreamRecord[]): readonly StreamRecord[] {
  const memory = Buffer.concat(records.map(({ data }) => data));
  let at = 0;
  return records.map((record) => {
    const from = at;
    at += record.data.length;
    return { ...record, data: memory.subarray(from, at) };
  });
}

/** The same stream, whose pages lie side by side. */
export function packed(stream: RecordStream): RecordStream {
  return {
    describe: (name, signal) => stream.describe(name, signal),
    shards: (name, signal) => stream.shards(name, signal),
    open: (name, shard, start, signal) => stream.open(name, shard, start, signal),
    read: async (iterator, signal) => {
      const answer = await stream.read(iterator, signal);
      return answer.kind === 'page' ? { ...answer, records: sideBySide(answer.records) } : answer;
    },
  };
}
