import {
  GetObjectAttributesCommand,
  type GetObjectAttributesCommandInput,
  type ObjectAttributes,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { FIVE_MIB, type Fact, type Story, md5, outcome, patterned } from './s3-wire-story.ts';

export function attributes(fact: Fact): void {
  fact(
    'an attribute of an object is told when it is asked for, the entity tag without quotes',
    async (s3) => {
      await s3.put('a', '123456789', { ChecksumCRC32: 'y/Q5Jg==' });
      const { ETag, ObjectSize } = await attributesOf(s3, 'a', ['ETag']);
      expect([ETag, ObjectSize]).toEqual([md5('123456789'), undefined]);
      expect(await attributesOf(s3, 'a', ['Checksum'])).toMatchObject({
        Checksum: { ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'FULL_OBJECT' },
      });
      expect(await attributesOf(s3, 'a', ['StorageClass'])).toMatchObject({ StorageClass: 'STANDARD' });
      expect(await attributesOf(s3, 'a', ['ObjectSize'])).toMatchObject({ ObjectSize: 9 });
      expect((await attributesOf(s3, 'a', ['ObjectParts'])).ObjectParts?.Parts ?? []).toEqual([]);
    },
  );

  fact('several attributes are told in one answer', async (s3) => {
    await s3.put('a', 'x', { ChecksumCRC32: 'jNwWgw==' });
    expect(await attributesOf(s3, 'a', ['ETag', 'Checksum', 'StorageClass', 'ObjectSize'])).toMatchObject({
      ETag: md5('x'),
      Checksum: { ChecksumCRC32: 'jNwWgw==' },
      StorageClass: 'STANDARD',
      ObjectSize: 1,
    });
  });

  fact('the parts of an object are told with size and checksum, in pages', async (s3) => {
    const upload = await s3.begun('a', { ChecksumAlgorithm: 'SHA256' });
    const first = await upload.part(1, patterned(FIVE_MIB, 1));
    const last = await upload.part(2, 'the last');
    await upload.complete([first, last]);
    const page = await attributesOf(s3, 'a', ['ObjectParts'], { MaxParts: 1 });
    expect(page.ObjectParts).toMatchObject({
      TotalPartsCount: 2,
      IsTruncated: true,
      Parts: [{ PartNumber: 1, Size: FIVE_MIB, ChecksumSHA256: first.ChecksumSHA256 }],
    });
    const PartNumberMarker = page.ObjectParts?.NextPartNumberMarker;
    const rest = await attributesOf(s3, 'a', ['ObjectParts'], { PartNumberMarker });
    expect(rest.ObjectParts).toMatchObject({
      TotalPartsCount: 2,
      IsTruncated: false,
      Parts: [{ PartNumber: 2, Size: 8, ChecksumSHA256: last.ChecksumSHA256 }],
    });
  });

  fact('the attributes of a version are its own', async (s3) => {
    await s3.versioning('Enabled');
    const { VersionId } = await s3.put('a', 'old');
    await s3.put('a', 'newer');
    expect(await attributesOf(s3, 'a', ['ObjectSize'], { VersionId })).toMatchObject({
      ObjectSize: 3,
      VersionId,
    });
    expect(await attributesOf(s3, 'a', ['ObjectSize'])).toMatchObject({ ObjectSize: 5 });
  });

  fact('what is not there has no attributes', async (s3) => {
    expect(await outcome(attributesOf(s3, 'nowhere', ['ETag']))).toBe('404 NoSuchKey');
  });
}

function attributesOf(
  s3: Story,
  Key: string,
  ObjectAttributes: ObjectAttributes[],
  more: Partial<GetObjectAttributesCommandInput> = {},
) {
  const asked = { Bucket: s3.bucket, Key, ObjectAttributes };
  return s3.client.send(new GetObjectAttributesCommand({ ...asked, ...more }));
}
