import { branch, leaf } from '../xml.ts';
import { type Call, type Context, type Handler, bucketOf, currentOf, toBytes, xmlReply } from './call.ts';
import { objectFacts, optionalFacts } from './list-line.ts';
import type { Bucket } from './model.ts';
import {
  AFTER_KEY,
  AFTER_PREFIX,
  type Asked,
  askedOf,
  keyWriter,
  pageSize,
  readToken,
  walk,
  writeToken,
} from './walk.ts';

export const listObjectsV2: Handler = (call, context) => {
  const { query } = call;
  const bucket = bucketOf(call, context);
  const asked = askedOf(query);
  const most = pageSize('max-keys', query);
  const { text, encodingType } = keyWriter(query);
  const token = query.get('continuation-token');
  const startAfter = toBytes(query.get('start-after') ?? '');
  const isOwnerTold = query.get('fetch-owner') === 'true';
  const start = token === undefined ? after(startAfter, asked) : readToken(token);
  const page = pageOf(call, context, { bucket, asked, most, start, isOwnerTold });
  return xmlReply(
    'ListBucketResult',
    leaf('Name', bucket.name),
    leaf('Prefix', text(asked.prefix)),
    leaf('Delimiter', asked.delimiter === '' ? undefined : text(asked.delimiter)),
    leaf('MaxKeys', most),
    leaf('KeyCount', page.count),
    leaf('IsTruncated', page.isTruncated),
    leaf('ContinuationToken', token),
    leaf('NextContinuationToken', page.isTruncated ? writeToken(page.bound) : undefined),
    leaf('StartAfter', startAfter === '' ? undefined : text(startAfter)),
    encodingType,
    ...page.lines,
  );
};

/** The older list goes on behind a key, and names that key only where a delimiter may hide the last one. */
export const listObjects: Handler = (call, context) => {
  const { query } = call;
  const bucket = bucketOf(call, context);
  const asked = askedOf(query);
  const most = pageSize('max-keys', query);
  const { text, encodingType } = keyWriter(query);
  const marker = toBytes(query.get('marker') ?? '');
  const start = after(marker, asked);
  const page = pageOf(call, context, { bucket, asked, most, start, isOwnerTold: true });
  const isNextTold = page.isTruncated && asked.delimiter !== '';
  return xmlReply(
    'ListBucketResult',
    leaf('Name', bucket.name),
    leaf('Prefix', text(asked.prefix)),
    leaf('Marker', text(marker)),
    leaf('NextMarker', isNextTold ? text(page.last) : undefined),
    leaf('Delimiter', asked.delimiter === '' ? undefined : text(asked.delimiter)),
    leaf('MaxKeys', most),
    leaf('IsTruncated', page.isTruncated),
    encodingType,
    ...page.lines,
  );
};

interface Wanted {
  readonly bucket: Bucket;
  readonly asked: Asked;
  readonly most: number;
  readonly start: string;
  readonly isOwnerTold: boolean;
}

interface Page {
  /** Rendered: the objects, then the common prefixes. */
  readonly lines: readonly string[];
  readonly count: number;
  /** The last key or prefix that is on it. */
  readonly last: string;
  /** Where the next page starts. */
  readonly bound: string;
  readonly isTruncated: boolean;
}

function pageOf(call: Call, context: Context, { bucket, asked, most, start, isOwnerTold }: Wanted): Page {
  const { text } = keyWriter(call.query);
  const optional = optionalFacts(call, context);
  const owner = isOwnerTold ? branch('Owner', leaf('ID', context.account)) : '';
  const contents: string[] = [];
  const prefixes: string[] = [];
  let [bound, last, isTruncated] = [start, '', false];
  for (const found of walk(bucket.keys, asked, start, (key) => currentOf(bucket, key) !== undefined)) {
    if (contents.length + prefixes.length >= most) {
      isTruncated = most > 0;
      break;
    }
    if (found.kind === 'prefix') {
      prefixes.push(branch('CommonPrefixes', leaf('Prefix', text(found.prefix))));
      last = found.prefix;
      bound = last + AFTER_PREFIX;
    } else {
      const version = currentOf(bucket, found.key);
      const facts = version ? [...objectFacts(version), owner, optional(version)] : [];
      contents.push(branch('Contents', leaf('Key', text(found.key)), ...facts));
      last = found.key;
      bound = last + AFTER_KEY;
    }
  }
  const count = contents.length + prefixes.length;
  return { lines: [...contents, ...prefixes], count, last, bound, isTruncated };
}

/** Behind a key, or behind all keys below it when it is a common prefix. */
function after(key: string, { delimiter }: Asked): string {
  if (key === '') return '';
  return key + (delimiter !== '' && key.endsWith(delimiter) ? AFTER_PREFIX : AFTER_KEY);
}
