import type { IncomingHttpHeaders } from 'node:http';
import { type Query, type Reply, Refusal, header } from '../exchange.ts';
import type { Clock } from '../service.ts';
import { xmlDocument } from '../xml.ts';
import type { Conflicts } from './conflicts.ts';
import type { Bucket, Version } from './model.ts';
import type { S3Settings } from './settings.ts';
import type { Store } from './store.ts';

/** One S3 request, routed and unframed. */
export interface Call {
  readonly bucket: string;
  /** Its UTF-8 bytes, one character each: so `<` is the order in which S3 lists. */
  readonly key: string;
  readonly query: Query;
  readonly headers: IncomingHttpHeaders;
  readonly body: AsyncIterable<Buffer>;
  /** Complete when the body has been read. */
  readonly trailers: ReadonlyMap<string, string>;
}

export interface Context {
  readonly store: Store;
  readonly conflicts: Conflicts;
  readonly clock: Clock;
  readonly account: string;
  readonly region: string;
  readonly settings: S3Settings;
}

export type Handler = (call: Call, context: Context) => Reply | Promise<Reply>;

export const NAMESPACE = 'http://s3.amazonaws.com/doc/2006-03-01/';
export const LARGEST_DOCUMENT_BYTES = 4 << 20;

export function toBytes(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u007f]*$/.test(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

export function fromBytes(key: string): string {
  // oxlint-disable-next-line no-control-regex
  return /^[\u0000-\u007f]*$/.test(key) ? key : Buffer.from(key, 'latin1').toString('utf8');
}

export function bucketOf(call: Pick<Call, 'bucket'>, { store }: Context): Bucket {
  const bucket = store.state.buckets.get(call.bucket);
  if (!bucket) throw new Refusal(404, 'NoSuchBucket', `The specified bucket does not exist: ${call.bucket}`);
  return bucket;
}

/** The newest version, unless that is a delete marker. */
export function currentOf(bucket: Bucket, key: string): Version | undefined {
  const newest = bucket.objects.get(key)?.at(-1);
  return newest?.isMarker ? undefined : newest;
}

/** Present only where the bucket has ever had versions. */
export function versionHeader(bucket: Bucket, version: Version): Record<string, string> {
  return bucket.versioning === 'Off' ? {} : { 'x-amz-version-id': version.id };
}

export function xmlReply(name: string, ...inner: readonly string[]): Reply {
  const body = xmlDocument(name, NAMESPACE, ...inner);
  return { status: 200, headers: { 'content-type': 'application/xml' }, body };
}

export function emptyReply(status: number, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: Buffer.alloc(0) };
}

export function isoTime(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString();
}

/** A whole number from a header or parameter, within bounds; undefined when it is absent. */
export function wholeNumber(
  name: string,
  text: string | undefined,
  least: number,
  most: number,
): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Refusal(
    400,
    'InvalidArgument',
    `${name} is "${text}"; it must be a whole number from ${least} to ${most}.`,
  );
}

export function malformed(): Refusal {
  return new Refusal(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate.');
}

/** S3 refuses on the bucket's owner before it looks at anything else. */
export function checkOwner(headers: IncomingHttpHeaders, name: string, account: string): void {
  const expected = header(headers, name);
  if (expected !== undefined && expected !== account) {
    throw new Refusal(403, 'AccessDenied', `Access Denied: ${name} is ${expected}, the owner is ${account}.`);
  }
}
