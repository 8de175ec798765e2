import { createHash } from 'node:crypto';
import protobuf from 'protobufjs';

export interface UserRecord {
  readonly partitionKey: string;
  readonly explicitHashKey?: string | undefined;
  readonly data: Uint8Array;
  readonly tags?: readonly { readonly key: string; readonly value?: string | undefined }[] | undefined;
}

const MAGIC = Buffer.of(0xf3, 0x89, 0x9a, 0xc2);

// What the Kinesis Producer Library writes, from its published format.
const { root } = protobuf.parse(`
  syntax = "proto2";
  message AggregatedRecord {
    repeated string partition_key_table     = 1;
    repeated string explicit_hash_key_table = 2;
    repeated Record records                 = 3;
  }
  message Tag { required string key = 1; optional string value = 2; }
  message Record {
    required uint64 partition_key_index     = 1;
    optional uint64 explicit_hash_key_index = 2;
    required bytes  data                    = 3;
    repeated Tag    tags                    = 4;
  }`);
const Message = root.lookupType('AggregatedRecord');

/** User records packed as a producer packs them, by an encoder that is not ours; every key stands once in its table. */
export function aggregate(records: readonly UserRecord[]): Buffer {
  const keys = [...new Set(records.map(({ partitionKey }) => partitionKey))];
  const hashKeys = [...new Set(records.flatMap(({ explicitHashKey }) => explicitHashKey ?? []))];
  return sealed(
    encoded({
      partitionKeyTable: keys,
      explicitHashKeyTable: hashKeys,
      records: records.map(({ partitionKey, explicitHashKey, data, tags = [] }) => ({
        partitionKeyIndex: keys.indexOf(partitionKey),
        ...(explicitHashKey !== undefined && { explicitHashKeyIndex: hashKeys.indexOf(explicitHashKey) }),
        data,
        tags,
      })),
    }),
  );
}

/** The bytes of an AggregatedRecord, whatever is wrong with it. */
export function encoded(message: Record<string, unknown>): Uint8Array {
  return Message.encode(message).finish();
}

/** Magic, message and the MD5 that belongs to it. */
export function sealed(message: Uint8Array): Buffer {
  return Buffer.concat([MAGIC, message, md5(message)]);
}

export function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}
