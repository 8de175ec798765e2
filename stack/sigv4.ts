import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { type Exchange, Refusal, encode, header } from './exchange.ts';

/** The one identity that is known, and the region it must sign for. */
export interface KeyPair {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** What a verified request was signed with: enough to verify the chunks of an aws-chunked body. */
export interface Signed {
  readonly signature: string;
  readonly signingKey: Buffer;
  /** As in `x-amz-date`. */
  readonly instant: string;
  /** `date/region/service/aws4_request`. */
  readonly scope: string;
}

export const UNSIGNED_PAYLOAD = 'UNSIGNED-PAYLOAD';
const ALGORITHM = 'AWS4-HMAC-SHA256';
const LARGEST_SKEW_MS = 15 * 60_000;
const LONGEST_PRESIGNED_SECONDS = 7 * 24 * 3600;

/**
 * Verifies the signature of a request, by header or in the query, over a body whose hash is `payloadHash`
 * (for S3 what `x-amz-content-sha256` says). Refuses an unknown key, a wrong signature, a wrong service and a
 * time more than 15 minutes from the machine's; that one cannot be jumped, for clients sign by their own.
 */
export function verifySignature(
  exchange: Exchange,
  service: string,
  payloadHash: string,
  keys: KeyPair,
): Signed {
  const claim = exchange.query.has('X-Amz-Signature') ? presigned(exchange) : byHeader(exchange);
  const [accessKeyId, date, region, named, end, ...more] = claim.credential.split('/');
  if (
    date === undefined ||
    region === undefined ||
    named !== service ||
    end !== 'aws4_request' ||
    more.length > 0
  ) {
    const right = `KEY/DATE/REGION/${service}/aws4_request`;
    throw new Refusal(
      400,
      'AuthorizationHeaderMalformed',
      `The credential "${claim.credential}" is not ${right}.`,
    );
  }
  if (region !== keys.region) {
    const what = `the region '${region}' is wrong; expecting '${keys.region}'`;
    throw new Refusal(400, 'AuthorizationHeaderMalformed', `The authorization header is malformed; ${what}`);
  }
  if (accessKeyId !== keys.accessKeyId) {
    throw new Refusal(
      403,
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
    );
  }
  if (!claim.instant.startsWith(date)) {
    throw new Refusal(
      400,
      'AuthorizationHeaderMalformed',
      `The credential is of ${date}, the request of ${claim.instant}.`,
    );
  }
  checkTime(claim);
  checkHeadersSigned(exchange, claim.signedHeaders);

  const scope = `${date}/${region}/${service}/aws4_request`;
  const signingKey = signingKeyOf(keys.secretAccessKey, date, region, service);
  const canonical = canonicalRequest(exchange, claim.signedHeaders, payloadHash);
  const signature = sign(signingKey, [ALGORITHM, claim.instant, scope, sha256(canonical)].join('\n'));
  if (!sameText(signature, claim.signature)) {
    throw new Refusal(
      403,
      'SignatureDoesNotMatch',
      'The request signature we calculated does not match the signature you provided. ' +
        `Check your key and signing method. Canonical request: ${JSON.stringify(canonical)}`,
    );
  }
  return { signature, signingKey, instant: claim.instant, scope };
}

/** The signature of one part of an aws-chunked body; each signs the one before it. */
export function signChunk(
  signed: Signed,
  kind: 'PAYLOAD' | 'TRAILER',
  previous: string,
  hashes: readonly string[],
): string {
  return sign(
    signed.signingKey,
    [`${ALGORITHM}-${kind}`, signed.instant, signed.scope, previous, ...hashes].join('\n'),
  );
}

export function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

export function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

interface Claim {
  readonly credential: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
  readonly instant: string;
  /** Only of a presigned request. */
  readonly expiresSeconds?: number;
}

function byHeader({ headers }: Exchange): Claim {
  const authorization = headers.authorization;
  if (authorization === undefined)
    throw new Refusal(403, 'AccessDenied', 'Access Denied: the request is not signed.');
  const fields = new Map(
    authorization
      .slice(ALGORITHM.length)
      .split(',')
      .map((field): [string, string] => {
        const equals = field.indexOf('=');
        return [field.slice(0, equals).trim(), field.slice(equals + 1).trim()];
      }),
  );
  const [credential, signedHeaders, signature] = ['Credential', 'SignedHeaders', 'Signature'].map((n) =>
    fields.get(n),
  );
  const instant = header(headers, 'x-amz-date');
  if (!authorization.startsWith(ALGORITHM) || !credential || !signedHeaders || !signature || !instant) {
    throw new Refusal(400, 'AuthorizationHeaderMalformed', `Only ${ALGORITHM} with x-amz-date is accepted.`);
  }
  return { credential, signedHeaders: signedHeaders.split(';'), signature, instant };
}

function presigned({ query }: Exchange): Claim {
  const credential = query.get('X-Amz-Credential');
  const signedHeaders = query.get('X-Amz-SignedHeaders');
  const signature = query.get('X-Amz-Signature');
  const instant = query.get('X-Amz-Date');
  const expiresSeconds = Number(query.get('X-Amz-Expires'));
  const isRight =
    query.get('X-Amz-Algorithm') === ALGORITHM && credential && signedHeaders && signature && instant;
  if (!isRight || !(expiresSeconds > 0 && expiresSeconds <= LONGEST_PRESIGNED_SECONDS)) {
    throw new Refusal(
      400,
      'AuthorizationQueryParametersError',
      'Query-string authentication requires X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, ' +
        `X-Amz-SignedHeaders and X-Amz-Expires of 1 to ${LONGEST_PRESIGNED_SECONDS} seconds.`,
    );
  }
  return { credential, signedHeaders: signedHeaders.split(';'), signature, instant, expiresSeconds };
}

function checkTime({ instant, expiresSeconds }: Claim): void {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(instant);
  const [, year, month, day, hour, minute, second] = parts ?? [];
  const signedMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  const ageMs = Date.now() - signedMs;
  if (expiresSeconds !== undefined && ageMs > expiresSeconds * 1000) {
    throw new Refusal(403, 'AccessDenied', 'Request has expired');
  }
  if (!(ageMs > -LARGEST_SKEW_MS && (expiresSeconds !== undefined || ageMs < LARGEST_SKEW_MS))) {
    throw new Refusal(
      403,
      'RequestTimeTooSkewed',
      `The difference between the request time (${instant}) and the current time is too large.`,
    );
  }
}

function checkHeadersSigned({ headers }: Exchange, signedHeaders: readonly string[]): void {
  const unsigned = Object.keys(headers).find(
    (name) => name.startsWith('x-amz-') && !signedHeaders.includes(name),
  );
  // An HTTP/2 client has no host header, it signs the pseudo-header in its place.
  const isHostSigned = signedHeaders.includes('host') || signedHeaders.includes(':authority');
  const missing = isHostSigned ? unsigned : 'host';
  if (missing !== undefined) {
    throw new Refusal(
      403,
      'AccessDenied',
      `There were headers present in the request which were not signed: ${missing}`,
    );
  }
}

function canonicalRequest(exchange: Exchange, signedHeaders: readonly string[], payloadHash: string): string {
  const query = [...exchange.query]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]): [string, string] => [encode(name), encode(value)])
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`);
  const lines = signedHeaders.map(
    (name) => `${name}:${(header(exchange.headers, name) ?? '').trim().replace(/ +/g, ' ')}\n`,
  );
  return [
    exchange.method,
    canonicalPath(exchange.path),
    query.join('&'),
    lines.join(''),
    signedHeaders.join(';'),
    payloadHash,
  ].join('\n');
}

/** Encoded anew, for clients differ in which harmless characters they leave as they are. */
function canonicalPath(path: string): string {
  return path
    .split('/')
    .map((segment) => (/^[\w.~-]*$/.test(segment) ? segment : encode(decodeURIComponent(segment))))
    .join('/');
}

const signingKeys = new Map<string, Buffer>();

function signingKeyOf(secret: string, date: string, region: string, service: string): Buffer {
  const name = [secret, date, region, service].join('/');
  const known = signingKeys.get(name);
  if (known) return known;
  if (signingKeys.size > 100) signingKeys.clear();
  const key = [date, region, service, 'aws4_request'].reduce<string | Buffer>(
    (previous, part) => createHmac('sha256', previous).update(part).digest(),
    `AWS4${secret}`,
  );
  signingKeys.set(name, Buffer.from(key));
  return Buffer.from(key);
}

function sign(key: Buffer, text: string): string {
  return createHmac('sha256', key).update(text).digest('hex');
}
