import { type Reply, Refusal, header } from '../exchange.ts';
import {
  type Call,
  type Context,
  type Handler,
  bucketOf,
  emptyReply,
  versionHeader,
  wholeNumber,
} from './call.ts';
import { checksumHeaders } from './checksums.ts';
import { checkRead } from './conditions.ts';
import type { Version } from './model.ts';
import { checkReadable, restoreHeader } from './restore.ts';
import { versionOf } from './version-of.ts';

export const getObject: Handler = (call, context) => {
  const { version, start, end, reply } = answer(call, context);
  if (reply.status === 304) return reply;
  checkReadable(version, context.clock.now(), 'object');
  return { ...reply, body: context.store.read(version, start, end) };
};

export const headObject: Handler = (call, context) => answer(call, context).reply;

interface Answer {
  readonly version: Version;
  /** The bytes asked for; `end` is not among them. */
  readonly start: number;
  readonly end: number;
  /** Without its body. */
  readonly reply: Reply;
}

function answer(call: Call, context: Context): Answer {
  const bucket = bucketOf(call, context);
  const version = versionOf(bucket, call.key, call.query.get('versionId'));
  const known = {
    etag: `"${version.etag}"`,
    'last-modified': new Date(version.modifiedMs).toUTCString(),
    ...versionHeader(bucket, version),
  };
  if (checkRead(call.headers, version) === 'unmodified') {
    return { version, start: 0, end: 0, reply: emptyReply(304, known) };
  }
  const asked = byPart(call, version) ?? byRange(call, version);
  const { start, end } = asked ?? { start: 0, end: version.size };
  const isChecksumWanted = asked === undefined && header(call.headers, 'x-amz-checksum-mode') === 'ENABLED';
  const headers = {
    ...version.headers,
    ...overrides(call),
    ...known,
    'accept-ranges': 'bytes',
    'content-length': String(end - start),
    ...(asked && version.size > 0 ? { 'content-range': `bytes ${start}-${end - 1}/${version.size}` } : {}),
    ...(call.query.has('partNumber') && version.etag.includes('-')
      ? { 'x-amz-mp-parts-count': String(version.files.length) }
      : {}),
    ...(version.tags && version.tags.length > 0
      ? { 'x-amz-tagging-count': String(version.tags.length) }
      : {}),
    ...restoreHeader(version, context.clock.now()),
    ...(isChecksumWanted && version.checksum ? checksumHeaders(version.checksum) : {}),
  };
  return { version, start, end, reply: emptyReply(asked ? 206 : 200, headers) };
}

function byPart({ query, headers }: Call, version: Version): { start: number; end: number } | undefined {
  const number = wholeNumber('partNumber', query.get('partNumber'), 1, 10_000);
  if (number === undefined) return undefined;
  if (headers.range !== undefined)
    throw new Refusal(400, 'InvalidRequest', 'Range and partNumber exclude each other.');
  const parts = version.etag.includes('-') ? version.files.map(({ size }) => size) : [version.size];
  const size = parts[number - 1];
  if (size === undefined) {
    throw new Refusal(
      416,
      'InvalidPartNumber',
      `The requested part number ${number} is not satisfiable: there are ${parts.length}.`,
    );
  }
  const start = parts.slice(0, number - 1).reduce((sum, one) => sum + one, 0);
  return { start, end: start + size };
}

/** Several ranges, or what is no range at all, mean the whole object; one that starts behind its end is 416. */
function byRange({ headers }: Call, { size }: Version): { start: number; end: number } | undefined {
  const found = /^bytes=(\d*)-(\d*)$/.exec(headers.range?.trim() ?? '');
  const [, first = '', last = ''] = found ?? [];
  if (first === '' && last === '') return undefined;
  const isSuffix = first === '';
  const start = isSuffix ? Math.max(0, size - Number(last)) : Number(first);
  const end = isSuffix || last === '' ? size : Math.min(size, Number(last) + 1);
  if (!isSuffix && last !== '' && Number(last) < Number(first)) return undefined;
  if (start < end) return { start, end };
  throw new Refusal(
    416,
    'InvalidRange',
    `The requested range is not satisfiable: ${headers.range} of ${size} bytes.`,
    {
      'content-range': `bytes */${size}`,
    },
  );
}

function overrides({ query }: Call): Record<string, string> {
  const asked = [...query].filter(([name]) => name.startsWith('response-'));
  return Object.fromEntries(asked.map(([name, value]) => [name.slice('response-'.length), value]));
}
