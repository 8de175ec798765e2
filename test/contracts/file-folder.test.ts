import { randomUUID } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
import { LocalFolder } from '../../activities/files/local.ts';
import { S3Prefix } from '../../activities/files/prefix.ts';
import { type OpenedStack, openStack } from '../support/stack.ts';
import { tmpFolder } from '../support/tmp.ts';
import { type OpenedVersitygw, openVersitygw, versitygwBinary } from '../support/versitygw.ts';
import { type OpenedFolder, keepsTheFileFolderContract } from './file-folder.ts';

describe('LocalFolder', () => {
  keepsTheFileFolderContract(async () => {
    const home = await tmpFolder();
    const write = async (folder: string, item: string, content: string | Uint8Array) => {
      const file = path.join(home, folder, item);
      await mkdir(path.dirname(file), { recursive: true });
      await writeFile(file, content);
    };
    await mkdir(path.join(home, 'in'));
    return {
      files: new LocalFolder(),
      folder: path.join(home, 'in'),
      missing: path.join(home, 'elsewhere'),
      write: (item, content) => write('in', item, content),
      remove: (item) => rm(path.join(home, 'in', item)),
      writeBeside: (item, content) => write('in-2', item, content),
    };
  });
});

function prefixOf(s3: S3Client, bucket: string): OpenedFolder {
  const put = async (Key: string, Body: string | Uint8Array) => {
    await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body: Buffer.from(Body) }));
  };
  return {
    files: new S3Prefix(s3),
    folder: `s3://${bucket}/in coming`,
    missing: `s3://missing-${randomUUID()}/in coming`,
    write: (item, content) => put(`in coming/${item}`, content),
    remove: async (item) => {
      await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: `in coming/${item}` }));
    },
    writeBeside: (item, content) => put(`in coming-2/${item}`, content),
  };
}

describe('S3Prefix, on the stand-in', () => {
  let stack: OpenedStack;
  beforeAll(async () => {
    stack = await openStack();
  });
  afterAll(() => stack.close());

  keepsTheFileFolderContract(async () => prefixOf(stack.s3Client, await stack.makeBucket()));
});

const binary = versitygwBinary();

describe.skipIf(binary === undefined)('S3Prefix, on versitygw', () => {
  let gateway: OpenedVersitygw;
  beforeAll(async () => {
    gateway = await openVersitygw(binary ?? '');
  });
  afterAll(() => gateway.close());

  // It lists keys as XML alone, which has no way to write those.
  keepsTheFileFolderContract(async () => prefixOf(gateway.s3Client, await gateway.makeBucket()), {
    hasControlCharacters: false,
  });
});
