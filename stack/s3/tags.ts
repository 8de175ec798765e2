import type { IncomingHttpHeaders } from 'node:http';
import { type Reply, Refusal, decode, header } from '../exchange.ts';
import { type XmlElement, branch, childText, leaf } from '../xml.ts';
import { malformed, xmlReply } from './call.ts';
import type { Tags } from './model.ts';

export const MOST_OBJECT_TAGS = 10;
export const MOST_BUCKET_TAGS = 50;
const LONGEST_KEY = 128;
const LONGEST_VALUE = 256;
const ALLOWED = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** The tags that a write carries in `x-amz-tagging`, which reads like a query; undefined when it carries none. */
export function tagsOfHeader(headers: IncomingHttpHeaders): Tags | undefined {
  const text = header(headers, 'x-amz-tagging');
  if (text === undefined) return undefined;
  const tags = text
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const [key, value] = equals < 0 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
      return [plain(key), plain(value)] as const;
    });
  return checkTags(tags, MOST_OBJECT_TAGS);
}

/** The tags of a `Tagging` document. */
export function tagsOfDocument(root: XmlElement | undefined, most: number): Tags {
  const [set] = root?.name === 'Tagging' ? root.children.filter(({ name }) => name === 'TagSet') : [];
  if (!set) throw malformed();
  const tags = set.children.map((tag) => {
    const [key, value] = [childText(tag, 'Key'), childText(tag, 'Value')];
    if (tag.name !== 'Tag' || key === undefined || value === undefined) throw malformed();
    return [key, value] as const;
  });
  return checkTags(tags, most);
}

export function tagsReply(tags: Tags): Reply {
  const lines = tags.map(([key, value]) => branch('Tag', leaf('Key', key), leaf('Value', value)));
  return xmlReply('Tagging', branch('TagSet', ...lines));
}

function plain(text: string): string {
  return decode(text.replaceAll('+', '%20'));
}

function checkTags(tags: Tags, most: number): Tags {
  if (tags.length > most) {
    throw new Refusal(
      400,
      'BadRequest',
      `Tags cannot be greater than ${most} in number, found ${tags.length}.`,
    );
  }
  for (const [key, value] of tags) {
    const isAllowed = ALLOWED.test(key) && ALLOWED.test(value) && !/^aws:/i.test(key);
    if (key === '' || key.length > LONGEST_KEY || value.length > LONGEST_VALUE || !isAllowed) {
      throw new Refusal(
        400,
        'InvalidTag',
        `The tag "${key}" = "${value}" is not valid: 1 to ${LONGEST_KEY} characters and at most ${LONGEST_VALUE}, ` +
          'letters, digits, spaces and _.:/=+-@, and no key that starts with aws:.',
      );
    }
  }
  if (new Set(tags.map(([key]) => key)).size < tags.length) {
    throw new Refusal(400, 'InvalidTag', 'Cannot provide multiple Tags with the same key.');
  }
  return tags;
}
