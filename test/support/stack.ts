import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { startStack } from '../../stack/server.ts';
import { makeTmpFolder, removeTmpFolder } from './tmp.ts';

/** The only keys that the stand-ins accept. */
export const STACK_CREDENTIALS = { accessKeyId: 'tributary', secretAccessKey: 'tributary-local' } as const;
export const STACK_REGION = 'eu-west-1';

/** Stand-ins of a test file's own, with an empty bucket. */
export interface OpenedStack {
  readonly url: string;
  readonly s3Client: S3Client;
  readonly bucket: string;
  /** What the SDK and our own processes need in their environment to speak to it. */
  readonly env: Readonly<Record<string, string>>;
  /** Another empty bucket, so that a test shares nothing. */
  makeBucket(): Promise<string>;
  /** Ends the stand-ins and removes what they stored. The caller owes it, in `afterAll` or at the test's end. */
  close(): Promise<void>;
}

export async function openStack(): Promise<OpenedStack> {
  const dir = await makeTmpFolder();
  const stack = await startStack({ dir, port: 0, region: STACK_REGION });
  const s3Client = new S3Client({
    endpoint: stack.url,
    region: STACK_REGION,
    forcePathStyle: true,
    credentials: STACK_CREDENTIALS,
  });
  async function makeBucket() {
    const bucket = `test-${randomUUID()}`;
    await s3Client.send(new CreateBucketCommand({ Bucket: bucket }));
    return bucket;
  }
  return {
    url: stack.url,
    s3Client,
    bucket: await makeBucket(),
    env: stackEnv(stack.url),
    makeBucket,
    async close() {
      s3Client.destroy();
      await stack.close();
      await removeTmpFolder(dir);
    },
  };
}

/** Settings for the stand-ins at `url` that hide whatever credentials the machine has. */
export function stackEnv(url: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: STACK_REGION,
    AWS_ACCESS_KEY_ID: STACK_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: STACK_CREDENTIALS.secretAccessKey,
  };
}
