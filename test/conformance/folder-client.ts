import {
  GetBucketVersioningCommand,
  S3Client,
  type S3ClientConfig,
  type ServiceOutputTypes,
} from '@aws-sdk/client-s3';
import { notHere } from './asked.ts';

/** What touches nothing but objects below a folder, or only looks. Whatever is not named here is not done. */
const HARMLESS =
  /^(HeadBucket|GetBucketLocation|GetBucketVersioning|(Put|Get|Head|Copy|Delete)Object|DeleteObjects|ListObjects(V2)?|ListObjectVersions|ListMultipartUploads|ListParts|GetObjectAttributes|(Get|Put|Delete)ObjectTagging|RestoreObject|CreateMultipartUpload|UploadPart(Copy)?|(Complete|Abort)MultipartUpload)Command$/;
const LONGEST_KEY_BYTES = 1_024;

/**
 * A client for which a folder of a bucket is a bucket of its own: keys go out below the folder and come back
 * without it. A command that would reach beyond ends the case as one that is not asked.
 */
export function folderClient(config: S3ClientConfig, bucket: string, folder: string): S3Client {
  const client = new S3Client(config);
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const input: Fields = { ...args.input };
        if (commandName === 'PutBucketVersioningCommand' && (await isSo(config, bucket, input))) {
          return { response: {}, output: { $metadata: {} } };
        }
        if (!HARMLESS.test(commandName))
          notHere(`${commandName.replace(/Command$/, '')} is about more than its objects`);
        if (input['Bucket'] !== bucket) notHere('it asks for another bucket');
        const below = inFolder(input, commandName, bucket, folder);
        const result = await next({ ...args, input: below });
        return {
          ...result,
          output: outOfFolder({ ...result.output }, folder) as unknown as ServiceOutputTypes,
        };
      },
    { step: 'initialize', name: 'folder' },
  );
  return client;
}

type Fields = Record<string, unknown>;

async function isSo(config: S3ClientConfig, Bucket: string, input: Fields): Promise<boolean> {
  const plain = new S3Client(config);
  const { Status } = await plain.send(new GetBucketVersioningCommand({ Bucket }));
  const wanted = input['VersioningConfiguration'] as { Status?: string } | undefined;
  return Status !== undefined && Status === wanted?.Status;
}

function inFolder(input: Fields, command: string, bucket: string, folder: string): Fields {
  const below = (key: unknown): unknown => {
    if (typeof key !== 'string') return key;
    const bytes = Buffer.byteLength(key);
    if (bytes <= LONGEST_KEY_BYTES && bytes + folder.length > LONGEST_KEY_BYTES) {
      notHere('its folder leaves no room for so long a key');
    }
    return folder + key;
  };
  const changed: Fields = { ...input };
  for (const name of ['Key', 'StartAfter', 'Marker', 'KeyMarker']) {
    if (changed[name] !== undefined) changed[name] = below(changed[name]);
  }
  // A list without a prefix is one of the whole folder.
  if (command.startsWith('List') && command !== 'ListPartsCommand') {
    changed['Prefix'] = below(input['Prefix'] ?? '');
  }
  const copySource = input['CopySource'];
  if (typeof copySource === 'string') {
    if (!copySource.startsWith(`${bucket}/`)) notHere('it copies from another bucket');
    changed['CopySource'] = `${bucket}/${folder}${copySource.slice(bucket.length + 1)}`;
  }
  const list = input['Delete'] as { Objects?: Fields[] } | undefined;
  if (list) {
    const Objects = (list.Objects ?? []).map((one) => ({ ...one, Key: below(one['Key']) }));
    changed['Delete'] = { ...list, Objects };
  }
  return changed;
}

const LISTS = ['Contents', 'CommonPrefixes', 'Versions', 'DeleteMarkers', 'Uploads', 'Deleted', 'Errors'];
const NAMES = ['Key', 'Prefix', 'StartAfter', 'Marker', 'NextMarker', 'KeyMarker', 'NextKeyMarker'];

function outOfFolder(output: Fields, folder: string): Fields {
  const changed: Fields = { ...output };
  for (const name of NAMES) {
    const value = changed[name];
    if (typeof value === 'string' && value.startsWith(folder)) changed[name] = value.slice(folder.length);
  }
  for (const name of LISTS) {
    const list = changed[name];
    if (Array.isArray(list)) changed[name] = list.map((one: Fields) => outOfFolder(one, folder));
  }
  return changed;
}
