import { UploadPartCopyCommand, type UploadPartCopyCommandInput } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import {
  FIVE_MIB,
  type Fact,
  type MultipartStory,
  type Story,
  md5,
  outcome,
  patterned,
} from './s3-wire-story.ts';

const WHOLE = patterned(FIVE_MIB + 1_000, 1);

export function partCopies(fact: Fact): void {
  fact('an object is copied in ranges, each a part', async (s3) => {
    await s3.put('from', WHOLE);
    const upload = await s3.begun('to', { ChecksumAlgorithm: 'CRC64NVME' });
    const first = await copyPart(s3, upload, 1, { CopySourceRange: `bytes=0-${FIVE_MIB - 1}` });
    const second = await copyPart(s3, upload, 2, {
      CopySourceRange: `bytes=${FIVE_MIB}-${WHOLE.length - 1}`,
    });
    expect(first.ETag).toBe(`"${md5(WHOLE.subarray(0, FIVE_MIB))}"`);
    await upload.complete([first, second], { MpuObjectSize: WHOLE.length });
    const found = await s3.get('to');
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(WHOLE)).toBe(true);
  });

  fact('a part that is copied without a range is the whole source', async (s3) => {
    await s3.put('from', 'the bytes');
    const upload = await s3.begun('to', {});
    const part = await copyPart(s3, upload, 1);
    expect(part.ETag).toBe(`"${md5('the bytes')}"`);
    await upload.complete([part]);
    expect(await s3.text('to')).toBe('the bytes');
  });

  fact('nothing but the bytes comes with a part that is copied', async (s3) => {
    await s3.put('from', 'the bytes', {
      ContentType: 'text/csv',
      Metadata: { a: '1' },
      Tagging: 'source=flights',
    });
    const upload = await s3.begun('to', { ContentType: 'text/plain', Metadata: { b: '2' } });
    await upload.complete([await copyPart(s3, upload, 1)]);
    const head = await s3.head('to');
    expect(head).toMatchObject({ ContentType: 'text/plain', Metadata: { b: '2' } });
    expect((await s3.get('to')).TagCount).toBeUndefined();
  });

  fact('a range that goes beyond the source is refused', async (s3) => {
    await s3.put('from', '0123456789');
    const upload = await s3.begun('to', {});
    const beyond = copyPart(s3, upload, 1, { CopySourceRange: 'bytes=5-10' });
    expect(await outcome(beyond)).toMatch(/^(400 InvalidArgument|416 InvalidRange)$/);
    expect(await outcome(copyPart(s3, upload, 1, { CopySourceRange: 'bytes=-5' }))).toBe(
      '400 InvalidArgument',
    );
  });

  fact('a part asks that its source is what it was', async (s3) => {
    await s3.put('from', 'the bytes');
    const upload = await s3.begun('to', {});
    expect(await outcome(copyPart(s3, upload, 1, { CopySourceIfMatch: md5('other') }))).toBe(
      '412 PreconditionFailed',
    );
    expect(await outcome(copyPart(s3, upload, 1, { CopySourceIfMatch: md5('the bytes') }))).toBe('done');
  });

  fact('a part can be copied of an old version', async (s3) => {
    await s3.versioning('Enabled');
    const { VersionId } = await s3.put('from', 'old');
    await s3.put('from', 'new');
    const upload = await s3.begun('to', {});
    const CopySource = `${s3.bucket}/from?versionId=${VersionId}`;
    await upload.complete([await copyPart(s3, upload, 1, { CopySource })]);
    expect(await s3.text('to')).toBe('old');
  });

  fact('a part of what is not there, or for no upload, is refused', async (s3) => {
    await s3.put('from', 'the bytes');
    const upload = await s3.begun('to', {});
    const CopySource = `${s3.bucket}/nowhere`;
    expect(await outcome(copyPart(s3, upload, 1, { CopySource }))).toBe('404 NoSuchKey');
    await upload.complete([await copyPart(s3, upload, 1)]);
    expect(await outcome(copyPart(s3, upload, 2))).toBe('404 NoSuchUpload');
  });
}

async function copyPart(
  s3: Story,
  { place }: MultipartStory,
  PartNumber: number,
  more: Partial<UploadPartCopyCommandInput> = {},
) {
  const source = { ...place, PartNumber, CopySource: `${s3.bucket}/from` };
  const { CopyPartResult } = await s3.client.send(new UploadPartCopyCommand({ ...source, ...more }));
  const { LastModified: _, ...told } = CopyPartResult ?? {};
  return { ...told, PartNumber };
}
