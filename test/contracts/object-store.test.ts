import { afterAll, beforeAll, describe } from 'vitest';
import { S3ObjectStore } from '../../activities/objects/s3.ts';
import { MemoryObjectStore } from '../fakes/memory-object-store.ts';
import { type OpenedStack, openStack } from '../support/stack.ts';
import { type OpenedVersitygw, openVersitygw, versitygwBinary } from '../support/versitygw.ts';
import { keepsTheObjectStoreContract } from './object-store.ts';

describe('MemoryObjectStore', () => {
  keepsTheObjectStoreContract(async () => new MemoryObjectStore());
});

describe('S3ObjectStore, on the stand-in', () => {
  let stack: OpenedStack;
  beforeAll(async () => {
    stack = await openStack();
  });
  afterAll(() => stack.close());

  keepsTheObjectStoreContract(async () => new S3ObjectStore(stack.s3Client, await stack.makeBucket()));
});

const binary = versitygwBinary();

describe.skipIf(binary === undefined)('S3ObjectStore, on versitygw', () => {
  let gateway: OpenedVersitygw;
  beforeAll(async () => {
    gateway = await openVersitygw(binary ?? '');
  });
  afterAll(() => gateway.close());

  keepsTheObjectStoreContract(async () => new S3ObjectStore(gateway.s3Client, await gateway.makeBucket()));
});
