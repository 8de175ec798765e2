import type { GetRecordsCommand } from '@aws-sdk/client-kinesis';
import { Growing } from './growing.ts';
import type { StreamRecord } from './port.ts';

/**
 * Let the records of a GetRecords pass by the SDK's own reading of its answer, which takes several times the CPU of all
 * else about a read; the rest of the answer, errors among it, stays the SDK's. Gives, once the command was sent, the
 * records of its last answer; undefined where that was not read here, and the SDK's output has them.
 */
export function recordsBeside(command: GetRecordsCommand): () => readonly StreamRecord[] | undefined {
  let records: readonly StreamRecord[] | undefined;
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { response } = result;
      if (!isAnswer(response)) return result;
      const body = await whole(response.body);
      const read = readAnswer(body.bytes());
      records = read?.records;
      response.body = read
        ? Buffer.from(JSON.stringify({ ...read.rest, Records: [] }))
        : Buffer.from(body.bytes());
      body.clear();
      if (spare.length < SPARE) spare.push(body);
      return result;
    },
    // The innermost: it hands the deserializer what came of the answer.
    { step: 'deserialize', priority: 'low', name: 'recordsBeside' },
  );
  return () => records;
}

interface Answer {
  readonly statusCode: number;
  body: unknown;
}

function isAnswer(response: unknown): response is Answer {
  return (
    typeof response === 'object' &&
    response !== null &&
    'statusCode' in response &&
    response.statusCode === 200
  );
}

/** Memory for bodies: making it anew costs more than filling it. A few are kept, each of a page's size. */
const spare: Growing[] = [];
const SPARE = 3;
const BODY_BYTES = 1024 * 1024;

async function whole(body: unknown): Promise<Growing> {
  const bytes = spare.pop() ?? new Growing(BODY_BYTES);
  for await (const chunk of body as AsyncIterable<Uint8Array>) bytes.addBytes(chunk);
  return bytes;
}

interface ReadAnswer {
  readonly records: readonly StreamRecord[];
  /** The answer, whatever its `Records` are. */
  readonly rest: object;
}

/** Undefined for what is no answer with a list of records: the SDK then says so. */
function readAnswer(body: Buffer): ReadAnswer | undefined {
  const cut = withoutData(body);
  const parsed = cut && parse(cut.rest);
  const records = parsed && recordsOf(parsed);
  if (records && records.length === cut.data.length && records.every(({ Data }) => Data === ''))
    return { rest: parsed, records: records.map((record, n) => streamRecord(record, cut.data[n])) };
  const all = parse(body.toString('utf8'));
  const found = all && recordsOf(all);
  return found && { rest: all, records: found.map((record) => streamRecord(record)) };
}

const OPENING = Buffer.from('"Data":"');
const QUOTE = 0x22;
const PADDING = 0x3d;

/**
 * An answer whose data are cut out, and these, decoded, one behind the other in one memory. Within a JSON text a quote
 * is always escaped, so that the opening is none of a text. Undefined where data is no base64 as it stands.
 */
function withoutData(body: Buffer): { readonly rest: string; readonly data: readonly Buffer[] } | undefined {
  const decoded = Buffer.allocUnsafeSlow(Math.ceil(body.length * 0.75));
  const rest: string[] = [];
  const data: Buffer[] = [];
  let from = 0;
  let at = 0;
  for (;;) {
    const opening = body.indexOf(OPENING, from);
    if (opening === -1) break;
    const begin = opening + OPENING.length;
    const end = body.indexOf(QUOTE, begin);
    if (end === -1) return undefined;
    const length = decodedLength(body, begin, end);
    if (decoded.write(body.toString('latin1', begin, end), at, 'base64') !== length) return undefined;
    // Of what is not ASCII, partition keys alone, nothing is kept.
    rest.push(body.toString('latin1', from, begin));
    data.push(decoded.subarray(at, at + length));
    at += length;
    from = end;
  }
  rest.push(body.toString('latin1', from));
  return { rest: rest.join(''), data };
}

/** What base64 comes to that has nothing but its own characters, a padding among them. */
function decodedLength(body: Buffer, begin: number, end: number): number {
  if (end === begin) return 0;
  const padding = Number(body[end - 1] === PADDING) + Number(body[end - 2] === PADDING);
  return ((end - begin) / 4) * 3 - padding;
}

interface WireRecord {
  readonly SequenceNumber?: string;
  /** Seconds since the epoch, to the millisecond. */
  readonly ApproximateArrivalTimestamp?: number;
  /** In base64. */
  readonly Data?: string;
}

function recordsOf(parsed: Readonly<Record<string, unknown>>): readonly WireRecord[] | undefined {
  const records = parsed['Records'] ?? [];
  return Array.isArray(records) ? records : undefined;
}

/** Undefined for what is no JSON object. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function streamRecord(record: WireRecord, data?: Uint8Array): StreamRecord {
  return {
    sequence: record.SequenceNumber ?? '',
    arrivedAtMs: Math.round((record.ApproximateArrivalTimestamp ?? 0) * 1000),
    data: data ?? Buffer.from(record.Data ?? '', 'base64'),
  };
}
