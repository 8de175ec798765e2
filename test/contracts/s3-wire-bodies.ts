import { Readable } from 'node:stream';
import { type PutObjectCommandInput, PutObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, md5, outcome, patterned } from './s3-wire-story.ts';

/** Of the nine digits that every CRC is published for. */
const DIGITS = '123456789';
const RIGHT = {
  ChecksumCRC32: 'y/Q5Jg==',
  ChecksumCRC32C: '4waSgw==',
  ChecksumCRC64NVME: 'rosUhgp5mIg=',
  ChecksumSHA1: '98O8HYCOBHMq32eZZczDTKeuNEE=',
  ChecksumSHA256: 'FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=',
} as const;
const WRONG = {
  ChecksumCRC32: 'AAAAAA==',
  ChecksumCRC32C: 'AAAAAA==',
  ChecksumCRC64NVME: 'AAAAAAAAAAA=',
  ChecksumSHA1: 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  ChecksumSHA256: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=',
  ContentMD5: 'AAAAAAAAAAAAAAAAAAAAAA==',
} as const;

export function bodiesAndChecksums(fact: Fact): void {
  fact('an object comes back as it was put, under its MD5', async (s3) => {
    const more = {
      ContentType: 'text/csv',
      ContentEncoding: 'gzip',
      Metadata: { source: 'flights', day: '2001-01-01' },
    };
    const body = patterned(100_000, 1);
    expect((await s3.put('a', body, more)).ETag).toBe(`"${md5(body)}"`);
    const found = await s3.get('a');
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(body)).toBe(true);
    expect(found).toMatchObject({ ...more, ETag: `"${md5(body)}"`, ContentLength: 100_000 });
    expect(await s3.head('a')).toMatchObject({ ...more, ETag: `"${md5(body)}"`, ContentLength: 100_000 });
  });

  fact('an object of no bytes is an object', async (s3) => {
    await s3.put('empty', '');
    expect(await s3.text('empty')).toBe('');
    expect(await s3.head('empty')).toMatchObject({
      ContentLength: 0,
      ETag: '"d41d8cd98f00b204e9800998ecf8427e"',
    });
  });

  fact('a stream is stored without the framing it came in', async (s3) => {
    const pieces = [patterned(70_000, 1), patterned(8_192, 2), patterned(200_000, 3), patterned(1, 4)];
    const input = { Bucket: s3.bucket, Key: 'a', Body: Readable.from(pieces), ContentLength: 278_193 };
    await s3.client.send(new PutObjectCommand(input));
    const found = await s3.get('a');
    expect(Buffer.from((await found.Body?.transformToByteArray()) ?? []).equals(Buffer.concat(pieces))).toBe(
      true,
    );
    expect(found.ContentEncoding ?? '').toBe('');
  });

  fact('a stream in pieces below 8 KiB is refused, the last one excepted', async (s3) => {
    const pieces = [patterned(8_191, 1), patterned(10, 2)];
    const input = { Bucket: s3.bucket, Key: 'a', Body: Readable.from(pieces), ContentLength: 8_201 };
    expect(await outcome(s3.client.send(new PutObjectCommand(input)))).toBe('403 InvalidChunkSizeError');
    expect(await s3.keys()).toEqual([]);
  });

  for (const [name, value] of Object.entries(RIGHT)) {
    fact(`${name}: the right one is stored and given back when it is asked for`, async (s3) => {
      await s3.put('a', DIGITS, { [name]: value });
      expect(await s3.head('a', { ChecksumMode: 'ENABLED' })).toMatchObject({
        [name]: value,
        ChecksumType: 'FULL_OBJECT',
      });
      expect(await s3.get('a', { ChecksumMode: 'ENABLED' })).toMatchObject({ [name]: value });
    });
  }

  for (const [name, value] of Object.entries(WRONG)) {
    fact(`${name}: a wrong one is refused, and what was there stays`, async (s3) => {
      await s3.put('a', 'before');
      const wrong: Partial<PutObjectCommandInput> = { [name]: value };
      expect(await outcome(s3.put('a', DIGITS, wrong))).toBe('400 BadDigest');
      expect(await outcome(s3.put('b', patterned(300_000, 1), wrong))).toBe('400 BadDigest');
      expect(await s3.text('a')).toBe('before');
      expect(await s3.keys()).toEqual(['a']);
    });
  }

  fact('a range is the bytes it names, at both ends', async (s3) => {
    await s3.put('a', '0123456789');
    expect(await s3.text('a', { Range: 'bytes=2-4' })).toBe('234');
    expect(await s3.text('a', { Range: 'bytes=7-' })).toBe('789');
    expect(await s3.text('a', { Range: 'bytes=-3' })).toBe('789');
    expect(await s3.text('a', { Range: 'bytes=8-100' })).toBe('89');
    expect(await s3.get('a', { Range: 'bytes=0-0' })).toMatchObject({
      ContentRange: 'bytes 0-0/10',
      ContentLength: 1,
    });
  });

  fact('a range that starts behind the end is refused', async (s3) => {
    await s3.put('a', '0123456789');
    expect(await outcome(s3.get('a', { Range: 'bytes=10-12' }))).toBe('416 InvalidRange');
  });
}
