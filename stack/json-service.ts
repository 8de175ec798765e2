import { JsonCodec } from '@aws-sdk/core/protocols';
import type { JsonReply, JsonService } from './service.ts';

type Schema = Parameters<ReturnType<JsonCodec['createSerializer']>['write']>[0];

/** A refusal that reaches the client as the exception of that name. */
export class ServiceError extends Error {
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** The body of a request in, the body of its answer out. */
export type Operation = (body: Buffer) => Buffer | Promise<Buffer>;

/**
 * An operation by the SDK's own schemas, which its clients export as `<Operation>$`: blobs, timestamps
 * and nesting come out as the client expects them. Neither those exports nor `JsonCodec` is a documented
 * contract; the wire contract suites fail when an upgrade changes them.
 */
export function operation(schema: readonly unknown[], run: (input: never) => object | void): Operation {
  const [input, output] = [schemaOf(schema[4]), schemaOf(schema[5])];
  return async (body) => {
    const read: unknown = await CODEC.createDeserializer().read(
      input,
      body.length > 0 ? body.toString() : '{}',
    );
    checkMembers(input, read);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema is that of the handler's input
    const answer = run(read as never);
    if (answer === undefined) return Buffer.from('{}');
    const writer = CODEC.createSerializer();
    writer.write(output, answer);
    return Buffer.from(writer.flush());
  };
}

/** One service of AWS JSON 1.1. An operation that is not in the table is refused by name. */
export function jsonService(service: {
  readonly target: string;
  readonly operations: Readonly<Record<string, Operation>>;
  readonly close: () => Promise<void>;
}): JsonService {
  const operations = new Map(Object.entries(service.operations));
  return {
    target: service.target,
    close: service.close,
    async handle(name, body) {
      const run = operations.get(name);
      try {
        if (!run)
          throw new ServiceError('UnknownOperationException', `${service.target} has no ${name} here`);
        return { status: 200, headers: JSON_1_1, body: await run(body) };
      } catch (error) {
        return refusal(error);
      }
    },
  };
}

/** The parsed body of an operation that goes past the schemas for speed. */
export function parseBody(body: Buffer): Record<string, unknown> {
  const parsed: unknown = JSON.parse(body.toString());
  if (isFields(parsed)) return parsed;
  throw new ServiceError('SerializationException', 'the body is not a JSON object');
}

export function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The SDK's numbers for the schemas of plain members. */
const SIMPLE = new Map<unknown, string>([
  [0, 'string'],
  [1, 'number'],
  [2, 'boolean'],
]);
const EPOCH_SECONDS = 7;

const JSON_1_1 = { 'content-type': 'application/x-amz-json-1.1' };

const CODEC = new JsonCodec({ timestampFormat: { useTrait: true, default: EPOCH_SECONDS }, jsonName: false });
CODEC.setSerdeContext({
  base64Decoder: (text: string) => Buffer.from(text, 'base64'),
  base64Encoder: (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64'),
  utf8Decoder: (text: string) => Buffer.from(text),
  utf8Encoder: (bytes: Uint8Array | string) => Buffer.from(bytes).toString(),
  streamCollector: () => Promise.reject(new Error('no operation of JSON 1.1 streams')),
});

function refusal(error: unknown): JsonReply {
  const refused =
    error instanceof SyntaxError ? new ServiceError('SerializationException', error.message) : error;
  if (!(refused instanceof ServiceError)) throw error;
  const body = Buffer.from(JSON.stringify({ __type: refused.type, message: refused.message }));
  return { status: refused.status, headers: { ...JSON_1_1, 'x-amzn-errortype': refused.type }, body };
}

/** Operations name their schemas by functions, since schemas may be circular. */
function schemaOf(reference: unknown): Schema {
  const schema: unknown = typeof reference === 'function' ? reference() : reference;
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no type of theirs says what they export
  return schema as Schema;
}

/** The codec converts blobs and timestamps and lets everything else through as it came. */
function checkMembers(schema: unknown, value: unknown): void {
  const [names, members]: unknown[] = Array.isArray(schema) ? schema.slice(4, 6) : [];
  if (!isFields(value) || !Array.isArray(names) || !Array.isArray(members)) return;
  for (const [at, name] of names.entries()) {
    const wanted = SIMPLE.get(members[at]);
    const found = value[String(name)] ?? undefined;
    if (wanted !== undefined && found !== undefined && typeof found !== wanted) {
      throw new ServiceError(
        'SerializationException',
        `${name} is a ${typeof found}; it has to be a ${wanted}`,
      );
    }
  }
}
