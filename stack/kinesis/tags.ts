import type {
  AddTagsToStreamInput,
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  ListTagsForStreamInput,
  ListTagsForStreamOutput,
  RemoveTagsFromStreamInput,
  Tag,
  TagResourceInput,
  UntagResourceInput,
} from '@aws-sdk/client-kinesis';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import type { Stream } from './stream.ts';

const MOST = 50;

type Tags = Readonly<Record<string, string>>;

/** Tags of streams, by the operations of old and by those that take the ARN of a resource. */
export function tagging(catalogue: Catalogue) {
  function add(stream: Stream, tags: Tags): void {
    const { tags: present } = stream.settings;
    const more = Object.keys(tags).filter((key) => !Object.hasOwn(present, key));
    if (Object.keys(tags).length === 0)
      throw new ServiceError('ValidationException', 'Tags has to hold 1 to 50');
    const all = { ...present, ...checkTags(tags, Object.keys(present).length + more.length) };
    catalogue.record({ kind: 'tags', id: stream.id, tags: all });
  }

  function remove(stream: Stream, keys: readonly string[]): void {
    if (keys.length === 0 || keys.length > MOST) {
      throw new ServiceError('ValidationException', `TagKeys holds ${keys.length}; it has to hold 1 to 50`);
    }
    const left = Object.entries(stream.settings.tags).filter(([key]) => !keys.includes(key));
    catalogue.record({ kind: 'tags', id: stream.id, tags: Object.fromEntries(left) });
  }

  function resource(arn: string | undefined): Stream {
    if (!arn?.includes('/consumer/')) return catalogue.stream({ StreamARN: arn ?? '' });
    throw new ServiceError('InvalidArgumentException', `tags of a consumer are not built here: ${arn}`);
  }

  return {
    addTagsToStream: (input: AddTagsToStreamInput): void => add(catalogue.stream(input), input.Tags ?? {}),

    removeTagsFromStream: (input: RemoveTagsFromStreamInput): void =>
      remove(catalogue.stream(input), input.TagKeys ?? []),

    listTagsForStream: (input: ListTagsForStreamInput): ListTagsForStreamOutput => {
      const { ExclusiveStartTagKey: after, Limit: limit = MOST } = input;
      if (!Number.isInteger(limit) || limit < 1 || limit > MOST) {
        throw new ServiceError('ValidationException', `Limit ${limit} is not in 1..50`);
      }
      const rest = tagsOf(catalogue.stream(input)).filter(
        ({ Key = '' }) => after === undefined || Key > after,
      );
      return { Tags: rest.slice(0, limit), HasMoreTags: rest.length > limit };
    },

    tagResource: (input: TagResourceInput): void => add(resource(input.ResourceARN), input.Tags ?? {}),

    untagResource: (input: UntagResourceInput): void =>
      remove(resource(input.ResourceARN), input.TagKeys ?? []),

    listTagsForResource: (input: ListTagsForResourceInput): ListTagsForResourceOutput => ({
      Tags: tagsOf(resource(input.ResourceARN)),
    }),
  };
}

/** The tags, or a refusal of the first that is none. `total`: how many the stream will have. */
export function checkTags(tags: Tags, total: number): Tags {
  for (const [key, value] of Object.entries(tags)) {
    if (key.length < 1 || key.length > 128 || key.startsWith('aws:')) {
      const said = `The tag key "${key}" has to have 1 to 128 characters and not to begin with aws:`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    if (typeof value !== 'string' || value.length > 256) {
      throw new ServiceError('InvalidArgumentException', `The tag ${key} has to have up to 256 characters`);
    }
  }
  const count = Math.max(total, Object.keys(tags).length);
  if (count > MOST) {
    throw new ServiceError('InvalidArgumentException', `${count} tags are more than ${MOST} of one stream`);
  }
  return tags;
}

function tagsOf(stream: Stream): Tag[] {
  return Object.entries(stream.settings.tags)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([Key, Value]) => ({ Key, Value }));
}
