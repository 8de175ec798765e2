import { randomBytes, randomUUID } from 'node:crypto';
import { type Exchange, type Reply, Refusal, header, readAll } from './exchange.ts';
import { openPayload, declaredHash } from './payload.ts';
import { route } from './s3/route.ts';
import { type S3, s3Error } from './s3/service.ts';
import type { JsonService } from './service.ts';
import { type KeyPair, sha256, verifySignature } from './sigv4.ts';
import { answerSts, stsError } from './sts.ts';

/** A verified request that is ready to be done: once, twice or not at all. */
export interface Job {
  readonly service: string;
  readonly operation: string;
  /** What it is about: `bucket/key`, a stream, the name or ARN of a task, an endpoint or an instance. */
  readonly key: string;
  readonly body: AsyncIterable<Buffer>;
  /** Does it with that body. Refusals are answers; a rejection is a defect or a client that went away. */
  run(body: AsyncIterable<Buffer>): Promise<Reply>;
  /** An error as this service writes it. */
  refuse(refusal: Refusal): Reply;
}

export interface Services {
  readonly s3: S3;
  readonly json: readonly JsonService[];
  readonly keys: KeyPair;
  readonly account: string;
}

const LARGEST_CALL_BYTES = 16 << 20;

/**
 * Finds whose request it is and verifies its signature. What is refused here is given back as a reply, in the
 * format of the service that was meant.
 */
export async function prepare(exchange: Exchange, services: Services): Promise<Job | Reply> {
  const target = header(exchange.headers, 'x-amz-target');
  if (target !== undefined) return orRefusal(jsonError, () => jsonJob(exchange, target, services));
  const isForm = exchange.headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true;
  if (exchange.method === 'POST' && exchange.path === '/' && isForm) {
    return orRefusal(stsError, () => stsJob(exchange, services));
  }
  const refuse = (refusal: Refusal): Reply => s3Error(refusal, exchange.path);
  return orRefusal(refuse, async () => s3Job(exchange, services, refuse));
}

function s3Job(exchange: Exchange, { s3, keys }: Services, refuse: Job['refuse']): Job {
  const declared = declaredHash(exchange);
  const signed = verifySignature(exchange, 's3', declared, keys);
  const { method, path, query, headers } = exchange;
  const { operation, bucket, key } = route(method, path, query, headers);
  const { body, trailers } = openPayload(exchange, declared, signed);
  return {
    service: 's3',
    operation,
    key: `${bucket}/${Buffer.from(key, 'latin1').toString('utf8')}`,
    body,
    refuse,
    run: async (given) => {
      const call = { bucket, key, query, headers, body: given, trailers };
      const reply = await orRefusal(refuse, () => s3.answer(operation, call));
      return { ...reply, headers: { ...reply.headers, 'x-amz-request-id': randomBytes(8).toString('hex') } };
    },
  };
}

async function jsonJob(exchange: Exchange, target: string, { json, keys }: Services): Promise<Job> {
  const body = await readAll(exchange.body, LARGEST_CALL_BYTES);
  const [prefix = '', operation = ''] = target.split('.');
  const service = prefix.startsWith('AmazonDMS') ? 'dms' : prefix.replace(/_.*$/, '').toLowerCase();
  verifySignature(exchange, service, sha256(body.toString('latin1')), keys);
  const found = json.find((one) => one.target === prefix);
  if (!found) throw new Refusal(400, 'UnknownOperationException', `${target} is not implemented here.`);
  return {
    service,
    operation,
    key: SUBJECT.exec(body.toString('latin1'))?.[1] ?? '',
    body: once(body),
    refuse: jsonError,
    run: async (given) => found.handle(operation, await readAll(given, LARGEST_CALL_BYTES)),
  };
}

/** What a JSON call is about. */
const SUBJECT =
  /"(?:StreamName|StreamARN|(?:ReplicationTask|Endpoint|ReplicationInstance)(?:Arn|Identifier))"\s*:\s*"([^"]*)"/;

async function stsJob(exchange: Exchange, { keys, account }: Services): Promise<Job> {
  const body = await readAll(exchange.body, LARGEST_CALL_BYTES);
  verifySignature(exchange, 'sts', sha256(body.toString('latin1')), keys);
  const operation = new URLSearchParams(body.toString('utf8')).get('Action') ?? '';
  return {
    service: 'sts',
    operation,
    key: '',
    body: once(body),
    refuse: stsError,
    run: async () =>
      orRefusal(stsError, async () => answerSts(operation, { account, user: keys.accessKeyId })),
  };
}

/** A body that is in memory already. */
export async function* once(body: Buffer): AsyncGenerator<Buffer> {
  if (body.length > 0) yield body;
}

async function orRefusal<T>(refuse: Job['refuse'], act: () => Promise<T>): Promise<T | Reply> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof Refusal) return refuse(error);
    throw error;
  }
}

/** JSON services have names of their own for what is wrong with a signature. */
const JSON_CODES: Readonly<Record<string, string>> = {
  AccessDenied: 'MissingAuthenticationTokenException',
  InvalidAccessKeyId: 'UnrecognizedClientException',
  SignatureDoesNotMatch: 'InvalidSignatureException',
  RequestTimeTooSkewed: 'InvalidSignatureException',
  AuthorizationHeaderMalformed: 'IncompleteSignatureException',
};

function jsonError({ status, code, message, headers }: Refusal): Reply {
  const type = JSON_CODES[code] ?? code;
  return {
    status: status === 403 ? 400 : status,
    headers: {
      ...headers,
      'content-type': 'application/x-amz-json-1.1',
      'x-amzn-errortype': type,
      'x-amzn-requestid': randomUUID(),
    },
    body: Buffer.from(JSON.stringify({ __type: type, message })),
  };
}
