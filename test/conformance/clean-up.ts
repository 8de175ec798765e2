import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';

/** Nothing is below the folder any more: no version, no delete marker, no upload. */
export async function removeFolder(client: S3Client, Bucket: string, Prefix: string): Promise<void> {
  const place = { Bucket, Prefix };
  // The first page, until it is empty: what is on it is gone then.
  for (;;) {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(place));
    if (Uploads.length === 0) break;
    for (const { Key, UploadId } of Uploads) {
      await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId }));
    }
  }
  for (;;) {
    const { Versions = [], DeleteMarkers = [] } = await client.send(new ListObjectVersionsCommand(place));
    const Objects = [...Versions, ...DeleteMarkers].map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (Objects.length === 0) return;
    const { Errors = [] } = await client.send(
      new DeleteObjectsCommand({ Bucket, Delete: { Objects, Quiet: true } }),
    );
    const [first] = Errors;
    if (first) {
      throw new Error(
        `${Errors.length} objects below ${Bucket}/${Prefix} stay, the first is ${first.Key}: ${first.Message}`,
      );
    }
  }
}
