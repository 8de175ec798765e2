import { Refusal, readAll } from '../exchange.ts';
import { branch, childText, leaf, parseXml } from '../xml.ts';
import {
  type Handler,
  LARGEST_DOCUMENT_BYTES,
  bucketOf,
  emptyReply,
  isoTime,
  malformed,
  wholeNumber,
  xmlReply,
} from './call.ts';
import { NEW_BUCKET_BLOCK } from './document-kinds.ts';

export const listBuckets: Handler = ({ query }, { store, account }) => {
  const most = wholeNumber('max-buckets', query.get('max-buckets'), 1, 10_000) ?? 10_000;
  const after = query.get('continuation-token') ?? '';
  const prefix = query.get('prefix') ?? '';
  const all = [...store.state.buckets.values()]
    .filter(({ name }) => name.startsWith(prefix) && name > after)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const shown = all.slice(0, most);
  return xmlReply(
    'ListAllMyBucketsResult',
    branch('Owner', leaf('ID', account)),
    branch(
      'Buckets',
      ...shown.map((b) => branch('Bucket', leaf('Name', b.name), leaf('CreationDate', isoTime(b.createdMs)))),
    ),
    leaf('ContinuationToken', all.length > shown.length ? shown.at(-1)?.name : undefined),
  );
};

export const createBucket: Handler = async (call, { store, clock, region }) => {
  const name = call.bucket;
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) || /\.\.|^\d+\.\d+\.\d+\.\d+$/.test(name)) {
    throw new Refusal(400, 'InvalidBucketName', `The specified bucket is not valid: ${name}`);
  }
  const text = (await readAll(call.body, LARGEST_DOCUMENT_BYTES)).toString('utf8').trim();
  const configuration = text === '' ? undefined : parseXml(text);
  if (text !== '' && !configuration) throw malformed();
  const asked = configuration && childText(configuration, 'LocationConstraint');
  if (asked !== undefined && asked !== region) {
    throw new Refusal(
      400,
      'IllegalLocationConstraintException',
      `The ${asked} location constraint is not this region, ${region}.`,
    );
  }
  if (store.state.buckets.has(name)) {
    throw new Refusal(
      409,
      'BucketAlreadyOwnedByYou',
      `Your previous request to create ${name} succeeded and you already own it.`,
    );
  }
  store.commit([
    { type: 'bucket', bucket: name, atMs: clock.now() },
    { type: 'document', bucket: name, kind: 'publicAccessBlock', document: { text: NEW_BUCKET_BLOCK } },
  ]);
  return emptyReply(200, { location: `/${name}` });
};

export const headBucket: Handler = (call, context) => {
  bucketOf(call, context);
  return emptyReply(200, { 'x-amz-bucket-region': context.region });
};

export const deleteBucket: Handler = (call, context) => {
  const bucket = bucketOf(call, context);
  if (bucket.objects.size > 0) {
    throw new Refusal(409, 'BucketNotEmpty', `The bucket ${bucket.name} you tried to delete is not empty.`);
  }
  const uploads = [...context.store.state.uploads.values()].filter((upload) => upload.bucket === bucket.name);
  context.store.commit([
    ...uploads.map(({ id }) => ({ type: 'uploadGone', upload: id }) as const),
    { type: 'bucketGone', bucket: bucket.name },
  ]);
  return emptyReply(204);
};

export const getBucketLocation: Handler = (call, context) => {
  bucketOf(call, context);
  // us-east-1 is older than the notion of a location, and has none.
  const { region } = context;
  const reply = xmlReply('LocationConstraint', region === 'us-east-1' ? '' : region);
  return reply;
};

export const getBucketVersioning: Handler = (call, context) => {
  const { versioning } = bucketOf(call, context);
  return xmlReply('VersioningConfiguration', leaf('Status', versioning === 'Off' ? undefined : versioning));
};

export const putBucketVersioning: Handler = async (call, context) => {
  const document = parseXml((await readAll(call.body, LARGEST_DOCUMENT_BYTES)).toString('utf8'));
  const status = document && childText(document, 'Status');
  if (status !== 'Enabled' && status !== 'Suspended') throw malformed();
  if (document && childText(document, 'MfaDelete') === 'Enabled') {
    throw new Refusal(501, 'NotImplemented', 'MfaDelete is not implemented.');
  }
  const { name } = bucketOf(call, context);
  context.store.commit([{ type: 'versioning', bucket: name, to: status }]);
  return emptyReply(200);
};
