import type { GetRecordsCommand } from '@aws-sdk/client-kinesis';
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
      records = undefined;
      const body = await whole(response.body);
      const parsed = parse(body);
      const found = parsed && (parsed['Records'] ?? []);
      if (!Array.isArray(found)) {
        response.body = body;
        return result;
      }
      records = found.map(streamRecord);
      response.body = Buffer.from(JSON.stringify({ ...parsed, Records: [] }));
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

async function whole(body: unknown): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Undefined for what is no JSON object: the SDK then says so. */
function parse(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString('utf8'));
    return typeof parsed === 'object' && parsed !== null
      ? (parsed as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    return undefined;
  }
}

function streamRecord(record: {
  readonly SequenceNumber?: string;
  /** Seconds since the epoch, to the millisecond. */
  readonly ApproximateArrivalTimestamp?: number;
  /** In base64. */
  readonly Data?: string;
}): StreamRecord {
  return {
    sequence: record.SequenceNumber ?? '',
    arrivedAtMs: Math.round((record.ApproximateArrivalTimestamp ?? 0) * 1000),
    data: Buffer.from(record.Data ?? '', 'base64'),
  };
}
