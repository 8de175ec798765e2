/**
 * A record lies on disk as the very JSON that GetRecords answers, one per line, its Data still in the
 * base64 that the producer sent: a page is a slice of the file. The number that makes a sequence number
 * unique is the record's place in its shard's log plus one, so it leads back to the record without an index.
 */
export interface RecordLine {
  readonly sequenceNumber: string;
  readonly arrivedAt: number;
  readonly partitionKeyJson: string;
  readonly data: string;
  /** Its stream had a key when it came. */
  readonly isEncrypted: boolean;
}

/** Ends every line; neither base64 nor a JSON string holds a bare newline. */
export const NEWLINE = 10;

/** As many bytes of a line as `arrivalOf` needs. */
export const HEAD_BYTES = 160;

const UNTIL_ARRIVAL = '{"SequenceNumber":"'.length + 56 + '","ApproximateArrivalTimestamp":'.length;

const ENCRYPTED = ',"EncryptionType":"KMS"';

export function formatLine(record: RecordLine): string {
  const { sequenceNumber, arrivedAt, partitionKeyJson, data, isEncrypted } = record;
  const seconds = (arrivedAt / 1_000).toFixed(3);
  return `{"SequenceNumber":"${sequenceNumber}","ApproximateArrivalTimestamp":${seconds},"PartitionKey":${partitionKeyJson},"Data":"${data}"${isEncrypted ? ENCRYPTED : ''}},\n`;
}

/** Milliseconds since the epoch, from the first bytes of a line. */
export function arrivalOf(head: Buffer): number {
  return Math.round(Number.parseFloat(head.toString('latin1', UNTIL_ARRIVAL, UNTIL_ARRIVAL + 20)) * 1_000);
}

/** 56 digits: when the shard was opened, the number within it, the shard. Ascends within a shard and from parent to child. */
export function formatSequence(openedAt: number, counter: number, shardIndex: number): string {
  return `49${digits(openedAt, 15)}${digits(counter, 30)}${digits(shardIndex, 9)}`;
}

/** The number within the shard, or undefined when the sequence number is not one of that shard's. */
export function counterOf(sequence: string, openedAt: number, shardIndex: number): number | undefined {
  if (!/^\d{56}$/.test(sequence)) return undefined;
  const counter = Number(sequence.slice(17, 47));
  return sequence === formatSequence(openedAt, counter, shardIndex) ? counter : undefined;
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
