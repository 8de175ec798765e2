import { hash } from 'node:crypto';
import { ServiceError, isFields, parseBody, type Operation } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import { refuseOthers } from './members.ts';
import { formatLine } from './record-line.ts';
import type { Shard } from './shard.ts';
import type { Stream } from './stream.ts';

const STREAM = ['StreamName', 'StreamARN'];
const RECORD = ['Data', 'PartitionKey', 'ExplicitHashKey'];

interface Entry {
  readonly data: string;
  readonly dataBytes: number;
  readonly partitionKey: string;
  /** Of the partition key, or the explicit one. */
  readonly hashHex: string;
}

interface Accepted {
  readonly ShardId: string;
  readonly SequenceNumber: string;
}

interface Rejected {
  readonly ErrorCode: string;
  readonly ErrorMessage: string;
}

/** Lines that go to one shard, and how long they are already: the next one's place gives its number. */
interface Batch {
  readonly lines: string[];
  bytes: number;
}

/**
 * PutRecord and PutRecords. They go past the SDK's schemas: a record's base64 is checked, never decoded,
 * and written as it came. Everything of one call happens in one turn, and is written before the answer.
 */
export function putOperations(catalogue: Catalogue): Record<'PutRecord' | 'PutRecords', Operation> {
  const { realm } = catalogue;
  let offered = 0;

  function putAll(stream: Stream, entries: readonly Entry[]): (Accepted | Rejected)[] {
    const now = realm.clock.now();
    const horizon = stream.horizonTime();
    const batches = new Map<Shard, Batch>();
    const results = entries.map((entry) => place(stream, entry, batches, now));
    for (const [shard, { lines }] of batches) {
      shard.trim(horizon);
      shard.log.append(Buffer.from(lines.join('')), realm.limits.segmentBytes);
    }
    return results;
  }

  function place(stream: Stream, entry: Entry, batches: Map<Shard, Batch>, now: number): Accepted | Rejected {
    const shard = stream.shardFor(entry.hashHex);
    const { scale, writeBytesPerSecond, writeRecordsPerSecond } = realm.limits;
    const fits =
      shard.writtenBytes.takes(entry.dataBytes, writeBytesPerSecond * scale, now) &&
      shard.writtenRecords.takes(1, writeRecordsPerSecond * scale, now);
    if (!fits) {
      return {
        ErrorCode: 'ProvisionedThroughputExceededException',
        ErrorMessage: `Rate exceeded for shard ${shard.facts.shardId} in stream ${stream.name} under account ${realm.account}.`,
      };
    }
    const batch = batches.get(shard) ?? { lines: [], bytes: 0 };
    batches.set(shard, batch);
    const SequenceNumber = shard.sequenceAt(shard.log.end + batch.bytes);
    const line = formatLine({
      sequenceNumber: SequenceNumber,
      arrivedAt: shard.arrival(now),
      partitionKeyJson: JSON.stringify(entry.partitionKey),
      data: entry.data,
      isEncrypted: stream.settings.keyId !== undefined,
    });
    batch.lines.push(line);
    batch.bytes += Buffer.byteLength(line);
    return { ShardId: shard.facts.shardId, SequenceNumber };
  }

  return {
    PutRecord(body) {
      const request = parseBody(body);
      refuseOthers('PutRecord', request, [...STREAM, ...RECORD, 'SequenceNumberForOrdering']);
      const stream = catalogue.readable(named(request));
      const ordering = optionalText(request, 'SequenceNumberForOrdering');
      if (ordering !== undefined && !/^\d+$/.test(ordering)) {
        throw new ServiceError(
          'InvalidArgumentException',
          `SequenceNumberForOrdering ${ordering} is not a number`,
        );
      }
      const [result] = putAll(stream, [parseEntry(request, 'record', realm.limits.bytesPerRecord)]);
      if (result && 'ErrorCode' in result) throw new ServiceError(result.ErrorCode, result.ErrorMessage);
      return Buffer.from(JSON.stringify({ ...result, EncryptionType: encryptionOf(stream) }));
    },

    PutRecords(body) {
      const request = parseBody(body);
      refuseOthers('PutRecords', request, [...STREAM, 'Records']);
      const stream = catalogue.readable(named(request));
      const { recordsPerPut, bytesPerPut, bytesPerRecord, failRecordEvery } = realm.limits;
      const records = request['Records'];
      if (!Array.isArray(records) || records.length === 0 || records.length > recordsPerPut) {
        const found = Array.isArray(records) ? `${records.length} records` : typeof records;
        throw new ServiceError(
          'ValidationException',
          `Records holds ${found}; it has to hold 1 to ${recordsPerPut}`,
        );
      }
      const entries = records.map((record: unknown, at) =>
        parseEntry(record, `Records[${at}]`, bytesPerRecord),
      );
      const bytes = entries.reduce((sum, entry) => sum + entry.dataBytes, 0);
      if (bytes > bytesPerPut) {
        throw new ServiceError(
          'InvalidArgumentException',
          `Records holds ${bytes} bytes, more than ${bytesPerPut}`,
        );
      }
      const spared = entries.map(() => (offered += 1) % failRecordEvery !== 0 || failRecordEvery === 0);
      const placed = putAll(
        stream,
        entries.filter((_, at) => spared[at]),
      );
      let next = 0;
      const Records = entries.map((_, at) => (spared[at] ? placed[next++] : INTERNAL_FAILURE));
      const FailedRecordCount = Records.filter((result) => result && 'ErrorCode' in result).length;
      return Buffer.from(
        JSON.stringify({ FailedRecordCount, Records, EncryptionType: encryptionOf(stream) }),
      );
    },
  };
}

function encryptionOf(stream: Stream): 'KMS' | 'NONE' {
  return stream.settings.keyId === undefined ? 'NONE' : 'KMS';
}

const INTERNAL_FAILURE: Rejected = {
  ErrorCode: 'InternalFailure',
  ErrorMessage: 'Internal service failure.',
};

function parseEntry(record: unknown, where: string, bytesPerRecord: number): Entry {
  if (!isFields(record)) throw new ServiceError('SerializationException', `${where} is not an object`);
  const [data, partitionKey] = [record['Data'], record['PartitionKey']];
  if (typeof data !== 'string' || !isBase64(data)) {
    throw new ServiceError('SerializationException', `${where}.Data is not base64`);
  }
  if (typeof partitionKey !== 'string' || partitionKey === '' || partitionKey.length > 256) {
    throw new ServiceError('ValidationException', `${where}.PartitionKey has to have 1 to 256 characters`);
  }
  const dataBytes = (data.length / 4) * 3 - paddingOf(data) + Buffer.byteLength(partitionKey);
  if (dataBytes > bytesPerRecord) {
    throw new ServiceError(
      'ValidationException',
      `${where} has ${dataBytes} bytes, more than ${bytesPerRecord}`,
    );
  }
  const explicit = optionalText(record, 'ExplicitHashKey');
  const hashHex = explicit === undefined ? hash('md5', partitionKey, 'hex') : hashKeyHex(explicit);
  if (hashHex === undefined) {
    throw new ServiceError(
      'InvalidArgumentException',
      `${where}.ExplicitHashKey ${explicit} is not in 0..2^128-1`,
    );
  }
  return { data, dataBytes, partitionKey, hashHex };
}

let decoded = Buffer.allocUnsafe(2_048);

/** Node decodes both alphabets and stops or skips at what is in neither: then the count is short. */
function isBase64(data: string): boolean {
  if (data.length % 4 !== 0 || data.includes('-') || data.includes('_')) return false;
  const bytes = (data.length / 4) * 3 - paddingOf(data);
  if (decoded.length < bytes) decoded = Buffer.allocUnsafe(bytes);
  return decoded.write(data, 0, bytes, 'base64') === bytes;
}

function paddingOf(data: string): number {
  if (!data.endsWith('=')) return 0;
  return data.endsWith('==') ? 2 : 1;
}

/** A hash key as 32 hexadecimal digits, or undefined when it is no number of at most 128 bits. */
export function hashKeyHex(decimal: string): string | undefined {
  if (!/^(0|[1-9]\d{0,38})$/.test(decimal)) return undefined;
  const hex = BigInt(decimal).toString(16).padStart(32, '0');
  return hex.length === 32 ? hex : undefined;
}

function named(request: Record<string, unknown>): {
  StreamName?: string | undefined;
  StreamARN?: string | undefined;
} {
  return { StreamName: optionalText(request, 'StreamName'), StreamARN: optionalText(request, 'StreamARN') };
}

function optionalText(fields: Record<string, unknown>, name: string): string | undefined {
  const found = fields[name] ?? undefined;
  if (found === undefined || typeof found === 'string') return found;
  throw new ServiceError('SerializationException', `${name} is a ${typeof found}; it has to be a string`);
}
