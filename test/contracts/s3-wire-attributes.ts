import { GetObjectAttributesCommand, type GetObjectAttributesCommandInput } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { FIVE_MIB, type Fact, type Story, md5, outcome, patterned } from './s3-wire-story.ts';

const EVERYTHING = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;

export function attributes(fact: Fact): void {
  fact('the attributes of an object are what is asked for, its entity tag without quotes', async (s3) => {
    await s3.put('a', '123456789', { ChecksumCRC32: 'y/Q5Jg==' });
    const found = await attributesOf(s3, 'a');
    expect(found).toMatchObject({
      ETag: md5('123456789'),
      Checksum: { ChecksumCRC32: 'y/Q5Jg==', ChecksumType: 'FULL_OBJECT' },
      StorageClass: 'STANDARD',
      ObjectSize: 9,
    });
    expect(found.ObjectParts?.Parts ?? []).toEqual([]);
    const { ETag, ObjectSize } = await attributesOf(s3, 'a', { ObjectAttributes: ['ObjectSize'] });
    expect([ETag, ObjectSize]).toEqual([undefined, 9]);
  });

  fact('the parts of an object are told with size and checksum, in pages', async (s3) => {
    const upload = await s3.begun('a', { ChecksumAlgorithm: 'SHA256' });
    const first = await upload.part(1, patterned(FIVE_MIB, 1));
    const last = await upload.part(2, 'the last');
    await upload.complete([first, last]);
    const page = await attributesOf(s3, 'a', { MaxParts: 1 });
    expect(page.ObjectParts).toMatchObject({
      TotalPartsCount: 2,
      IsTruncated: true,
      Parts: [{ PartNumber: 1, Size: FIVE_MIB, ChecksumSHA256: first.ChecksumSHA256 }],
    });
    const PartNumberMarker = page.ObjectParts?.NextPartNumberMarker;
    const rest = await attributesOf(s3, 'a', { PartNumberMarker });
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
    expect(await attributesOf(s3, 'a', { VersionId })).toMatchObject({ ObjectSize: 3, VersionId });
    expect(await attributesOf(s3, 'a')).toMatchObject({ ObjectSize: 5 });
  });

  fact('what is not there has no attributes', async (s3) => {
    expect(await outcome(attributesOf(s3, 'nowhere'))).toBe('404 NoSuchKey');
  });
}

function attributesOf(s3: Story, Key: string, more: Partial<GetObjectAttributesCommandInput> = {}) {
  const place = { Bucket: s3.bucket, Key, ObjectAttributes: [...EVERYTHING] };
  return s3.client.send(new GetObjectAttributesCommand({ ...place, ...more }));
}
