import { type Query, Refusal, encode } from '../exchange.ts';
import { leaf } from '../xml.ts';
import { fromBytes, toBytes, wholeNumber } from './call.ts';
import type { SortedKeys } from './sorted-keys.ts';

/** Behind every key that starts with what stands before it: keys are bytes, so none holds a character above 255. */
export const AFTER_PREFIX = '\u0100';
/** The next possible key: nothing lies between a key and the key with a zero byte behind it. */
export const AFTER_KEY = '\0';
export const LARGEST_PAGE = 1_000;

export type Found =
  { readonly kind: 'key'; readonly key: string } | { readonly kind: 'prefix'; readonly prefix: string };

export interface Asked {
  readonly prefix: string;
  readonly delimiter: string;
}

/** What every list is asked with. Keys are byte strings. */
export function askedOf(query: Query): Asked {
  return { prefix: toBytes(query.get('prefix') ?? ''), delimiter: toBytes(query.get('delimiter') ?? '') };
}

export function pageSize(name: string, query: Query): number {
  return Math.min(wholeNumber(name, query.get(name), 0, 2 ** 31 - 1) ?? LARGEST_PAGE, LARGEST_PAGE);
}

/**
 * The keys not below `bound` that are shown, those that share a prefix up to the delimiter as that prefix, once.
 * A prefix is jumped over, however many keys are behind it.
 */
export function* walk(
  keys: SortedKeys,
  { prefix, delimiter }: Asked,
  bound: string,
  isShown: (key: string) => boolean,
): Generator<Found> {
  let from = bound > prefix ? bound : prefix;
  for (;;) {
    let jump: string | undefined;
    for (const key of keys.from(from)) {
      if (!key.startsWith(prefix)) return;
      if (!isShown(key)) continue;
      const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
      if (cut < 0) {
        yield { kind: 'key', key };
        continue;
      }
      jump = key.slice(0, cut + delimiter.length);
      yield { kind: 'prefix', prefix: jump };
      break;
    }
    if (jump === undefined) return;
    from = jump + AFTER_PREFIX;
  }
}

/** How keys are written in a list: as they are, or percent-encoded where the client asks for it. */
export function keyWriter(query: Query): { text: (key: string) => string; encodingType: string } {
  const asked = query.get('encoding-type');
  if (asked === undefined || asked === '') return { text: fromBytes, encodingType: '' };
  if (asked !== 'url')
    throw new Refusal(400, 'InvalidArgument', `Invalid Encoding Method specified in Request: ${asked}`);
  const text = (key: string): string => encode(fromBytes(key)).replaceAll('%2F', '/');
  return { text, encodingType: leaf('EncodingType', 'url') };
}

/** A place in a list that only this server reads. */
export function writeToken(bound: string): string {
  return Buffer.from(`from:${bound}`, 'utf8').toString('base64url');
}

export function readToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString('utf8');
  if (text.startsWith('from:')) return text.slice('from:'.length);
  throw new Refusal(400, 'InvalidArgument', `The continuation token provided is incorrect: ${token}`);
}
