import type { IncomingHttpHeaders } from 'node:http';
import { Refusal } from '../exchange.ts';
import { branch, childText, leaf } from '../xml.ts';
import { type Context, type Handler, bucketOf, currentOf, emptyReply, toBytes, xmlReply } from './call.ts';
import { checkWrite } from './conditions.ts';
import { readDocument } from './document-body.ts';
import { newVersionId } from './put.ts';
import type { Bucket, Change } from './model.ts';

const MOST_KEYS = 1_000;

export const deleteObject: Handler = (call, context) => {
  const bucket = bucketOf(call, context);
  const id = call.query.get('versionId');
  const outcome = removal(bucket, call.key, id, call.headers, context);
  context.store.commit(outcome.changes);
  context.conflicts.deleted(bucket.name, call.key);
  return emptyReply(204, {
    ...(outcome.versionId === undefined ? {} : { 'x-amz-version-id': outcome.versionId }),
    ...(outcome.isMarker ? { 'x-amz-delete-marker': 'true' } : {}),
  });
};

export const deleteObjects: Handler = async (call, context) => {
  // A damaged list would delete the wrong keys.
  const { root: asked } = await readDocument(call);
  const objects = asked?.children.filter(({ name }) => name === 'Object') ?? [];
  if (!asked || objects.length === 0 || objects.length > MOST_KEYS) {
    throw new Refusal(
      400,
      'MalformedXML',
      `The XML must name 1 to ${MOST_KEYS} objects, found ${objects.length}.`,
    );
  }
  const isQuiet = childText(asked, 'Quiet') === 'true';
  const bucket = bucketOf(call, context);
  const lines: string[] = [];
  for (const object of objects) {
    const [key, id, etag] = ['Key', 'VersionId', 'ETag'].map((name) => childText(object, name));
    try {
      if (key === undefined || key === '')
        throw new Refusal(400, 'UserKeyMustBeSpecified', 'The key must be given.');
      const conditions = etag === undefined ? {} : { 'if-match': etag };
      const outcome = removal(bucket, toBytes(key), id, conditions, context);
      // One after the other: a key may stand in the list twice.
      context.store.commit(outcome.changes);
      context.conflicts.deleted(bucket.name, toBytes(key));
      if (!isQuiet)
        lines.push(branch('Deleted', leaf('Key', key), leaf('VersionId', id), ...markerOf(outcome)));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const named = [leaf('Key', key), leaf('VersionId', id)];
      lines.push(branch('Error', ...named, leaf('Code', error.code), leaf('Message', error.message)));
    }
  }
  return xmlReply('DeleteResult', ...lines);
};

interface Removal {
  readonly changes: readonly Change[];
  readonly versionId?: string;
  readonly isMarker: boolean;
}

/** What a deletion does. Of a version it takes that one away; else, in a versioned bucket, it lays a marker on top. */
function removal(
  bucket: Bucket,
  key: string,
  id: string | undefined,
  conditions: IncomingHttpHeaders,
  { clock }: Context,
): Removal {
  const versions = bucket.objects.get(key) ?? [];
  const named = id === undefined ? undefined : versions.find((version) => version.id === id);
  checkWrite({ 'if-match': conditions['if-match'] }, id === undefined ? currentOf(bucket, key) : named);
  const place = { bucket: bucket.name, key };
  if (id !== undefined) {
    const changes: readonly Change[] = named ? [{ type: 'gone', ...place, id }] : [];
    return { changes, versionId: id, isMarker: named?.isMarker === true };
  }
  if (bucket.versioning === 'Off') {
    return {
      changes: versions.map((version) => ({ type: 'gone', ...place, id: version.id })),
      isMarker: false,
    };
  }
  const versionId = newVersionId(bucket);
  const marker = {
    id: versionId,
    modifiedMs: clock.now(),
    isMarker: true,
    etag: '',
    size: 0,
    headers: {},
    files: [],
  } as const;
  return { changes: [{ type: 'put', ...place, version: marker }], versionId, isMarker: true };
}

function markerOf({ isMarker, versionId }: Removal): string[] {
  return isMarker ? [leaf('DeleteMarker', true), leaf('DeleteMarkerVersionId', versionId)] : [];
}
