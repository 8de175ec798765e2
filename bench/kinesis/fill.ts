import {
  CreateStreamCommand,
  type KinesisClient,
  PutRecordsCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { SHARDS, STREAM, recordOf } from './records.ts';

const RECORDS_PER_PUT = 500;
const PUTS_AT_ONCE = 4;

/** A stream of the bench's shards that holds so many records. */
export async function fillStream(client: KinesisClient, records: number): Promise<void> {
  await client.send(new CreateStreamCommand({ StreamName: STREAM, ShardCount: SHARDS }));
  await waitUntilStreamExists({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { StreamName: STREAM });
  let next = 0;
  const put = async () => {
    while (next < records) {
      const from = next;
      next = Math.min(records, from + RECORDS_PER_PUT);
      const Records = Array.from({ length: next - from }, (_, index) => ({
        Data: recordOf(from + index),
        PartitionKey: String(from + index),
      }));
      const { FailedRecordCount } = await client.send(new PutRecordsCommand({ StreamName: STREAM, Records }));
      if (FailedRecordCount !== 0) throw new Error(`${FailedRecordCount} records were not taken`);
    }
  };
  await Promise.all(Array.from({ length: PUTS_AT_ONCE }, put));
}
