import type {
  AddTagsToResourceMessage,
  ListTagsForResourceMessage,
  ListTagsForResourceResponse,
  RemoveTagsFromResourceMessage,
  Tag,
} from '@aws-sdk/client-database-migration-service';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';

export function tagOperations(catalogue: Catalogue) {
  function known(arn: string | undefined): string {
    const all = [...catalogue.instances(), ...catalogue.endpoints(), ...catalogue.tasks()];
    if (arn !== undefined && all.some((one) => one.arn === arn)) return arn;
    throw new ServiceError('ResourceNotFoundFault', `Resource ${arn} was not found`);
  }

  function add(input: AddTagsToResourceMessage): object {
    const arn = known(input.ResourceArn);
    catalogue.setTags(arn, { ...catalogue.tags(arn), ...fromTagList(input.Tags) });
    return {};
  }

  function remove(input: RemoveTagsFromResourceMessage): object {
    const arn = known(input.ResourceArn);
    const kept = Object.entries(catalogue.tags(arn)).filter(([key]) => !(input.TagKeys ?? []).includes(key));
    catalogue.setTags(arn, Object.fromEntries(kept));
    return {};
  }

  function list(input: ListTagsForResourceMessage): ListTagsForResourceResponse {
    const arns = input.ResourceArnList ?? [input.ResourceArn];
    const tags = arns.flatMap((asked) => {
      const arn = known(asked);
      return Object.entries(catalogue.tags(arn)).map(([Key, Value]) => ({ Key, Value, ResourceArn: arn }));
    });
    return { TagList: tags };
  }

  return { add, remove, list };
}

export function fromTagList(tags: readonly Tag[] | undefined): Record<string, string> {
  return Object.fromEntries((tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}
