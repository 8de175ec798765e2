import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  AbortMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { FIVE_MIB, FULL_CRC32, type Fact, md5, outcome, patterned } from './s3-wire-story.ts';

const FIRST = patterned(FIVE_MIB, 1);
const SECOND = patterned(FIVE_MIB + 17, 2);
const LAST = patterned(1_000, 3);

export function multipart(fact: Fact): void {
  fact('parts are one object in the order of their numbers', async (s3) => {
    const upload = await s3.begun('a', {
      ...FULL_CRC32,
      ContentType: 'text/csv',
      Metadata: { transfer: '17' },
    });
    const [last, first, second] = [
      await upload.part(3, LAST),
      await upload.part(1, FIRST),
      await upload.part(2, SECOND),
    ];
    await upload.complete([first, second, last]);
    const found = await s3.get('a');
    const body = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
    expect(body.equals(Buffer.concat([FIRST, SECOND, LAST]))).toBe(true);
    const ofParts = md5(Buffer.concat([FIRST, SECOND, LAST].map((part) => Buffer.from(md5(part), 'hex'))));
    expect(found).toMatchObject({
      ETag: `"${ofParts}-3"`,
      ContentType: 'text/csv',
      Metadata: { transfer: '17' },
    });
    const across = await s3.get('a', { Range: `bytes=${FIVE_MIB - 2}-${FIVE_MIB + 1}` });
    const bytes = Buffer.from((await across.Body?.transformToByteArray()) ?? []);
    expect(bytes.equals(Buffer.concat([FIRST.subarray(-2), SECOND.subarray(0, 2)]))).toBe(true);
  });

  fact('a full-object CRC32 is that of the whole, whatever the parts', async (s3) => {
    const upload = await s3.begun('a');
    const parts = [await upload.part(1, FIRST), await upload.part(2, SECOND), await upload.part(3, LAST)];
    const whole = base64Crc32(Buffer.concat([FIRST, SECOND, LAST]));
    expect(await upload.complete(parts, { ChecksumCRC32: whole, ChecksumType: 'FULL_OBJECT' })).toMatchObject(
      {
        ChecksumCRC32: whole,
      },
    );
    const asked = { ChecksumMode: 'ENABLED' } as const;
    expect(await s3.head('a', asked)).toMatchObject({ ChecksumCRC32: whole, ChecksumType: 'FULL_OBJECT' });
  });

  fact('a full-object CRC64NVME is that of the whole', async (s3) => {
    const upload = await s3.begun('a', { ChecksumAlgorithm: 'CRC64NVME' });
    await upload.complete([await upload.part(1, Buffer.from('123456789'))]);
    const asked = { ChecksumMode: 'ENABLED' } as const;
    expect(await s3.head('a', asked)).toMatchObject({
      ChecksumCRC64NVME: 'rosUhgp5mIg=',
      ChecksumType: 'FULL_OBJECT',
    });
  });

  fact('a composite SHA256 is one of the parts', async (s3) => {
    const upload = await s3.begun('a', { ChecksumAlgorithm: 'SHA256' });
    await upload.complete([await upload.part(1, FIRST), await upload.part(2, LAST)]);
    const ofParts = [FIRST, LAST].map((part) => createHash('sha256').update(part).digest());
    const expected = `${createHash('sha256').update(Buffer.concat(ofParts)).digest('base64')}-2`;
    const asked = { ChecksumMode: 'ENABLED' } as const;
    expect(await s3.head('a', asked)).toMatchObject({ ChecksumSHA256: expected, ChecksumType: 'COMPOSITE' });
  });

  fact('an upload that asked for no checksum has none to be held to', async (s3) => {
    const upload = await s3.begun('a', {});
    const { ChecksumCRC32, ...part } = await upload.part(1, LAST);
    expect(await outcome(upload.complete([{ ...part, ChecksumCRC32 }]))).toBe('400 InvalidPart');
    expect(await outcome(upload.complete([part]))).toBe('done');
  });

  fact('a part with a checksum of another kind is refused', async (s3) => {
    const upload = await s3.begun('a', { ChecksumAlgorithm: 'SHA256' });
    const part = new UploadPartCommand({
      ...upload.place,
      PartNumber: 1,
      Body: LAST,
      ChecksumAlgorithm: 'CRC32',
    });
    expect(await outcome(s3.client.send(part))).toBe('400 InvalidRequest');
  });

  fact('a wrong checksum of the whole is refused, and nothing is stored', async (s3) => {
    const upload = await s3.begun('a');
    const part = await upload.part(1, FIRST);
    const wrong = { ChecksumCRC32: 'AAAAAA==', ChecksumType: 'FULL_OBJECT' } as const;
    expect(await outcome(upload.complete([part], wrong))).toBe('400 BadDigest');
    expect(await s3.keys()).toEqual([]);
  });

  fact('a wrong size of the whole is refused', async (s3) => {
    const upload = await s3.begun('a');
    const part = await upload.part(1, LAST);
    expect(await outcome(upload.complete([part], { MpuObjectSize: 999 }))).toBe('400 InvalidRequest');
    expect(await s3.keys()).toEqual([]);
    expect(await outcome(upload.complete([part], { MpuObjectSize: 1_000 }))).toBe('done');
  });

  fact('a small part that is not the last is refused', async (s3) => {
    const upload = await s3.begun('a');
    const parts = [await upload.part(1, LAST), await upload.part(2, LAST)];
    expect(await outcome(upload.complete(parts))).toBe('400 EntityTooSmall');
  });

  fact('a part that was never sent, or with another tag, is refused', async (s3) => {
    const upload = await s3.begun('a');
    const part = await upload.part(1, LAST);
    expect(await outcome(upload.complete([{ ...part, PartNumber: 2 }]))).toBe('400 InvalidPart');
    expect(await outcome(upload.complete([{ ...part, ETag: `"${md5('other')}"` }]))).toBe('400 InvalidPart');
  });

  fact('parts out of order are refused', async (s3) => {
    const upload = await s3.begun('a');
    const parts = [await upload.part(1, FIRST), await upload.part(2, FIRST)];
    expect(await outcome(upload.complete(parts.toReversed()))).toBe('400 InvalidPartOrder');
  });

  fact('an upload is gone once it is completed', async (s3) => {
    const upload = await s3.begun('a');
    const part = await upload.part(1, LAST);
    await upload.complete([part]);
    expect(await outcome(upload.part(2, LAST))).toBe('404 NoSuchUpload');
    expect(await outcome(upload.complete([part]))).toBe('404 NoSuchUpload');
  });

  fact('an upload is gone once it is aborted', async (s3) => {
    const upload = await s3.begun('a');
    const part = await upload.part(1, LAST);
    await s3.client.send(new AbortMultipartUploadCommand(upload.place));
    expect(await outcome(upload.complete([part]))).toBe('404 NoSuchUpload');
    expect(await outcome(s3.client.send(new ListPartsCommand(upload.place)))).toBe('404 NoSuchUpload');
    expect(await s3.keys()).toEqual([]);
  });

  fact('a part sent again takes the place of the first', async (s3) => {
    const upload = await s3.begun('a');
    const before = await upload.part(1, 'before');
    const after = await upload.part(1, 'after');
    expect(await outcome(upload.complete([before]))).toBe('400 InvalidPart');
    await upload.complete([after]);
    expect(await s3.text('a')).toBe('after');
  });

  fact('an upload and its parts are found again by key', async (s3) => {
    const upload = await s3.begun('raw/a');
    await s3.begun('other');
    for (const number of [1, 2, 3]) await upload.part(number, `part ${number}`);
    const place = { Bucket: s3.bucket, Prefix: 'raw/' };
    const { Uploads } = await s3.client.send(new ListMultipartUploadsCommand(place));
    expect(Uploads?.map(({ Key, UploadId }) => [Key, UploadId])).toEqual([['raw/a', upload.place.UploadId]]);
    const page = await s3.client.send(new ListPartsCommand({ ...upload.place, MaxParts: 2 }));
    expect(page).toMatchObject({ IsTruncated: true, NextPartNumberMarker: '2' });
    const marker = page.NextPartNumberMarker;
    const rest = await s3.client.send(new ListPartsCommand({ ...upload.place, PartNumberMarker: marker }));
    expect(rest.Parts?.map(({ PartNumber, ETag, Size }) => [PartNumber, ETag, Size])).toEqual([
      [3, `"${md5('part 3')}"`, 6],
    ]);
  });

  fact('a part of the object can be read by its number', async (s3) => {
    const upload = await s3.begun('a');
    await upload.complete([await upload.part(1, FIRST), await upload.part(2, 'the last')]);
    const found = await s3.get('a', { PartNumber: 2 });
    expect(await found.Body?.transformToString()).toBe('the last');
    expect(found).toMatchObject({
      PartsCount: 2,
      ContentRange: `bytes ${FIVE_MIB}-${FIVE_MIB + 7}/${FIVE_MIB + 8}`,
    });
  });
}

function base64Crc32(bytes: Buffer): string {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return crc.toString('base64');
}
