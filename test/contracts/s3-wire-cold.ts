import {
  CopyObjectCommand,
  ListObjectsV2Command,
  RestoreObjectCommand,
  type RestoreRequest,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { FULL_CRC32, type Fact, type Story, outcome } from './s3-wire-story.ts';

/** What holds without waiting for a restore: that takes hours on AWS. */
export function coldClasses(fact: Fact): void {
  for (const cold of ['GLACIER', 'DEEP_ARCHIVE'] as const) {
    fact(`an object of class ${cold} says so in head and list, and does not give its bytes`, async (s3) => {
      await s3.put('a', '12345', { StorageClass: cold });
      expect(await s3.head('a')).toMatchObject({ StorageClass: cold, ContentLength: 5 });
      expect((await s3.head('a')).Restore).toBeUndefined();
      const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
      expect(Contents).toMatchObject([{ Key: 'a', Size: 5, StorageClass: cold }]);
      expect(await outcome(s3.get('a'))).toBe('403 InvalidObjectState');
      await expect(s3.get('a')).rejects.toMatchObject({ StorageClass: cold });
    });
  }

  fact('an object of a cold class is not copied before it is restored', async (s3) => {
    await s3.put('a', 'x', { StorageClass: 'GLACIER' });
    const copy = new CopyObjectCommand({ Bucket: s3.bucket, Key: 'b', CopySource: `${s3.bucket}/a` });
    expect(await outcome(s3.client.send(copy))).toBe('403 InvalidObjectState');
    expect(await s3.keys()).toEqual(['a']);
  });

  fact('a copy can move an object to a cold class', async (s3) => {
    await s3.put('a', 'x');
    const cold = { StorageClass: 'GLACIER' } as const;
    const place = { Bucket: s3.bucket, Key: 'a', CopySource: `${s3.bucket}/a` };
    await s3.client.send(new CopyObjectCommand({ ...place, ...cold }));
    expect(await s3.head('a')).toMatchObject(cold);
    expect(await outcome(s3.get('a'))).toBe('403 InvalidObjectState');
  });

  fact('a restore that was asked for is on its way, and is not asked for twice', async (s3) => {
    await s3.put('a', 'x', { StorageClass: 'GLACIER' });
    expect(await s3.client.send(restore(s3, bulk))).toMatchObject({ $metadata: { httpStatusCode: 202 } });
    expect((await s3.head('a')).Restore).toBe('ongoing-request="true"');
    expect(await outcome(s3.client.send(restore(s3, bulk)))).toBe('409 RestoreAlreadyInProgress');
    expect(await outcome(s3.get('a'))).toBe('403 InvalidObjectState');
  });

  fact('a list that asks for it says that a restore is on its way', async (s3) => {
    await s3.put('a', 'x', { StorageClass: 'GLACIER' });
    await s3.put('b', 'x');
    await s3.client.send(restore(s3, bulk));
    const asked = { Bucket: s3.bucket, OptionalObjectAttributes: ['RestoreStatus' as const] };
    const { Contents } = await s3.client.send(new ListObjectsV2Command(asked));
    expect(Contents?.map(({ RestoreStatus }) => RestoreStatus?.IsRestoreInProgress)).toEqual([
      true,
      undefined,
    ]);
  });

  for (const hot of ['STANDARD', 'STANDARD_IA', 'GLACIER_IR'] as const) {
    fact(`a restore of an object of class ${hot} is refused`, async (s3) => {
      await s3.put('a', 'x', { StorageClass: hot });
      expect(await outcome(s3.client.send(restore(s3, bulk)))).toBe('403 InvalidObjectState');
      expect(await s3.text('a')).toBe('x');
    });
  }

  fact('a restore for no days is refused', async (s3) => {
    await s3.put('a', 'x', { StorageClass: 'GLACIER' });
    const asked = outcome(s3.client.send(restore(s3, { GlacierJobParameters: { Tier: 'Bulk' } })));
    expect(await asked).toMatch(/^400 /);
    expect((await s3.head('a')).Restore).toBeUndefined();
  });

  fact('an upload of parts can be cold', async (s3) => {
    const upload = await s3.begun('a', { ...FULL_CRC32, StorageClass: 'DEEP_ARCHIVE' });
    await upload.complete([await upload.part(1, 'x')]);
    expect(await s3.head('a')).toMatchObject({ StorageClass: 'DEEP_ARCHIVE' });
    expect(await outcome(s3.get('a'))).toBe('403 InvalidObjectState');
  });
}

const bulk: RestoreRequest = { Days: 1, GlacierJobParameters: { Tier: 'Bulk' } };

function restore(s3: Story, RestoreRequest: RestoreRequest): RestoreObjectCommand {
  return new RestoreObjectCommand({ Bucket: s3.bucket, Key: 'a', RestoreRequest });
}
