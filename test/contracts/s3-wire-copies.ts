import { CopyObjectCommand, type CopyObjectCommandInput } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { FIVE_MIB, type Fact, type Story, md5, outcome, patterned } from './s3-wire-story.ts';

export function copies(fact: Fact): void {
  fact('a copy carries bytes and metadata', async (s3) => {
    await s3.put('from', 'the bytes', { ContentType: 'text/csv', Metadata: { a: '1' } });
    const { CopyObjectResult } = await copy(s3, 'from');
    expect(CopyObjectResult?.ETag).toBe(`"${md5('the bytes')}"`);
    expect(await s3.text('to')).toBe('the bytes');
    expect(await s3.head('to')).toMatchObject({ ContentType: 'text/csv', Metadata: { a: '1' } });
  });

  fact('a copy can carry metadata of its own', async (s3) => {
    await s3.put('from', 'the bytes', { ContentType: 'text/csv', Metadata: { a: '1' } });
    await copy(s3, 'from', { MetadataDirective: 'REPLACE', ContentType: 'text/plain', Metadata: { b: '2' } });
    expect(await s3.head('to')).toMatchObject({ ContentType: 'text/plain', Metadata: { b: '2' } });
  });

  fact('a copy asks that its source is what it was', async (s3) => {
    await s3.put('from', 'the bytes');
    expect(await outcome(copy(s3, 'from', { CopySourceIfMatch: md5('other') }))).toBe(
      '412 PreconditionFailed',
    );
    expect(await outcome(copy(s3, 'from', { CopySourceIfMatch: md5('the bytes') }))).toBe('done');
  });

  fact('a copy can ask that its source is not what it was', async (s3) => {
    await s3.put('from', 'the bytes');
    expect(await outcome(copy(s3, 'from', { CopySourceIfNoneMatch: md5('the bytes') }))).toBe(
      '412 PreconditionFailed',
    );
    expect(await outcome(copy(s3, 'from', { CopySourceIfNoneMatch: md5('other') }))).toBe('done');
  });

  fact('a copy of what is not there is refused', async (s3) => {
    expect(await outcome(copy(s3, 'nowhere'))).toBe('404 NoSuchKey');
  });

  fact('a copy of an object to itself must change something', async (s3) => {
    await s3.put('to', 'the bytes');
    expect(await outcome(copy(s3, 'to'))).toBe('400 InvalidRequest');
    expect(await outcome(copy(s3, 'to', { MetadataDirective: 'REPLACE', Metadata: { a: '1' } }))).toBe(
      'done',
    );
    expect(await s3.head('to')).toMatchObject({ Metadata: { a: '1' } });
  });

  fact('a source is named percent-encoded', async (s3) => {
    await s3.put('from +ü%2F?', 'the bytes');
    await copy(s3, 'from +ü%2F?');
    expect(await s3.text('to')).toBe('the bytes');
  });

  fact('a copy of an old version is a copy of that version', async (s3) => {
    await s3.versioning('Enabled');
    const { VersionId } = await s3.put('from', 'old');
    await s3.put('from', 'new');
    const CopySource = `${s3.bucket}/from?versionId=${VersionId}`;
    expect(await copy(s3, 'from', { CopySource })).toMatchObject({ CopySourceVersionId: VersionId });
    expect(await s3.text('to')).toBe('old');
  });

  fact('a copy of many parts is one object with an MD5 of its own', async (s3) => {
    const body = patterned(FIVE_MIB, 1);
    const upload = await s3.begun('from', { ChecksumAlgorithm: 'SHA256' });
    await upload.complete([await upload.part(1, body), await upload.part(2, 'the last')]);
    const whole = Buffer.concat([body, Buffer.from('the last')]);
    const { CopyObjectResult } = await copy(s3, 'from');
    expect(CopyObjectResult?.ETag).toBe(`"${md5(whole)}"`);
    expect(await s3.head('to')).toMatchObject({ ContentLength: FIVE_MIB + 8, ETag: `"${md5(whole)}"` });
  });
}

function copy(s3: Story, from: string, more: Partial<CopyObjectCommandInput> = {}) {
  const source = { Bucket: s3.bucket, Key: 'to', CopySource: `${s3.bucket}/${encodeURIComponent(from)}` };
  return s3.client.send(new CopyObjectCommand({ ...source, ...more }));
}
