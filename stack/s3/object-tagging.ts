import { type Call, type Context, type Handler, bucketOf, emptyReply, versionHeader } from './call.ts';
import { readDocument } from './document-body.ts';
import type { Tags } from './model.ts';
import { MOST_OBJECT_TAGS, tagsOfDocument, tagsReply } from './tags.ts';
import { versionOf } from './version-of.ts';

export const getObjectTagging: Handler = (call, context) => {
  const { version, told } = taggedOf(call, context);
  const reply = tagsReply(version.tags ?? []);
  return { ...reply, headers: { ...reply.headers, ...told } };
};

export const putObjectTagging: Handler = async (call, context) => {
  const { root } = await readDocument(call);
  return emptyReply(200, retag(call, context, tagsOfDocument(root, MOST_OBJECT_TAGS)));
};

export const deleteObjectTagging: Handler = (call, context) => emptyReply(204, retag(call, context, []));

/** All of the version's tags are these; the version stays the same one. */
function retag(call: Call, context: Context, tags: Tags): Record<string, string> {
  const { bucket, version, told } = taggedOf(call, context);
  context.store.commit([{ type: 'tags', bucket: bucket.name, key: call.key, id: version.id, tags }]);
  return told;
}

function taggedOf(call: Call, context: Context) {
  const bucket = bucketOf(call, context);
  const version = versionOf(bucket, call.key, call.query.get('versionId'));
  return { bucket, version, told: versionHeader(bucket, version) };
}
