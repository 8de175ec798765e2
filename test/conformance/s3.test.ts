import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { afterAll, describe, onTestFinished } from 'vitest';
import { type Cannot, keepsTheS3Contract } from '../contracts/s3-wire.ts';
import { asked, notHere } from './asked.ts';
import { removeFolder } from './clean-up.ts';
import { folderClient } from './folder-client.ts';

/** What the bucket of somebody else cannot be asked for, beside what the client refuses by itself. */
const NOT_HERE: Cannot = {
  'versioning is off until it is enabled': 'it needs a bucket that never had versions',
  'what was there before versioning is the version "null"': 'it needs a bucket that never had versions',
};

const { s3, region, endpoint } = asked();
if (!s3) throw new Error('no bucket was asked for');
const { bucket, folder } = s3;
const config: S3ClientConfig = {
  region,
  ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
  // A refusal is to be seen; what the network breaks is tried again.
  maxAttempts: 3,
  requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, socketTimeout: 60_000 }),
};
const whole = new S3Client(config);
let cases = 0;

afterAll(async () => {
  await removeFolder(whole, bucket, folder);
  whole.destroy();
});

describe('S3', () => {
  keepsTheS3Contract(async () => {
    cases += 1;
    const own = `${folder}${cases}/`;
    onTestFinished(() => removeFolder(whole, bucket, own));
    return {
      client: folderClient(config, bucket, own),
      bucket,
      region,
      withKeys: () => notHere('it signs with keys that the stand-ins know'),
    };
  }, NOT_HERE);
});
