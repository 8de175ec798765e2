/** The digest of bytes, 16 of them. */
export type Md5 = (bytes: Uint8Array) => Uint8Array;

/** What a record of the Kinesis Producer Library was packed from, in the order in which it was packed. */
export type TakenApart =
  | { readonly kind: 'records'; readonly records: readonly Uint8Array[] }
  /** It begins as such a record and is none: what was found, and what would be right. */
  | { readonly kind: 'broken'; readonly message: string };

const MAGIC = [0xf3, 0x89, 0x9a, 0xc2];
const DIGEST = 16;

/** Does it begin as one that holds several? No text does, for the magic is no UTF-8. */
export function isAggregate(bytes: Uint8Array): boolean {
  return bytes[0] === MAGIC[0] && MAGIC.every((byte, at) => bytes[at] === byte);
}

/**
 * The payloads of a record for which `isAggregate` holds: magic, the protobuf message AggregatedRecord, MD5 of the
 * message. They are views of the same memory. All or nothing: a record that is damaged anywhere is broken.
 */
export function takeApart(bytes: Uint8Array, md5: Md5): TakenApart {
  if (bytes.length < MAGIC.length + DIGEST)
    return broken(`${bytes.length} bytes, too few for a message and its MD5`);
  const message = bytes.subarray(MAGIC.length, -DIGEST);
  const digest = md5(message);
  if (!bytes.subarray(-DIGEST).every((byte, at) => byte === digest[at]))
    return broken('16 bytes at its end that are not the MD5 of its message');
  const fields = fieldsOf(message);
  if (!fields) return broken('a message that is no protobuf');
  const [keys, hashKeys] = [fields.filter(isText(1)).length, fields.filter(isText(2)).length];
  const records: Uint8Array[] = [];
  for (const field of fields) {
    if (field.number > 3) continue;
    if (field.kind !== 'bytes') return broken(`a field ${field.number} that is no text`);
    if (field.number < 3) continue;
    const record = userRecord(field.value);
    const nth = records.length + 1;
    if (!record) return broken(`a user record ${nth} that is no protobuf with a key and data`);
    const { key, hashKey } = record;
    if (key >= keys || (hashKey !== undefined && hashKey >= hashKeys))
      return broken(`a user record ${nth} whose key is not in its table`);
    records.push(record.data);
  }
  return records.length === 0 ? broken('no user record') : { kind: 'records', records };
}

function broken(found: string): TakenApart {
  return {
    kind: 'broken',
    message: `the record begins as an aggregate and has ${found}; right would be an AggregatedRecord of user records, and its MD5`,
  };
}

interface UserRecord {
  /** Index of its partition key. */
  readonly key: number;
  /** Index of its explicit hash key. */
  readonly hashKey: number | undefined;
  readonly data: Uint8Array;
}

// Of a field that stands twice the last one counts, as protobuf has it.
function userRecord(bytes: Uint8Array): UserRecord | undefined {
  const fields = fieldsOf(bytes);
  const key = fields?.findLast(({ number }) => number === 1);
  const hashKey = fields?.findLast(({ number }) => number === 2);
  const data = fields?.findLast(({ number }) => number === 3);
  if (key?.kind !== 'varint' || data?.kind !== 'bytes') return undefined;
  if (hashKey !== undefined && hashKey.kind !== 'varint') return undefined;
  return { key: key.value, hashKey: hashKey?.value, data: data.value };
}

/** A field of a protobuf message. A number beyond 2^53 is not exact. */
type Field =
  | { readonly number: number; readonly kind: 'varint'; readonly value: number }
  | { readonly number: number; readonly kind: 'bytes'; readonly value: Uint8Array }
  | { readonly number: number; readonly kind: 'fixed' };

function isText(number: number): (field: Field) => boolean {
  return (field) => field.number === number && field.kind === 'bytes';
}

/** The fields of a whole message in their order; undefined when it is none. Groups count as none. */
function fieldsOf(bytes: Uint8Array): readonly Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): number | undefined => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = bytes[at];
      if (byte === undefined) return undefined;
      at += 1;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag < 8) return undefined;
    const number = Math.floor(tag / 8);
    const wire = tag % 8;
    if (wire === 0) {
      const value = varint();
      if (value === undefined) return undefined;
      fields.push({ number, kind: 'varint', value });
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : wire === 2 ? varint() : undefined;
    if (length === undefined || at + length > bytes.length) return undefined;
    const value = bytes.subarray(at, at + length);
    fields.push(wire === 2 ? { number, kind: 'bytes', value } : { number, kind: 'fixed' });
    at += length;
  }
  return fields;
}
