import {
  DeleteObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, type Story, md5, outcome } from './s3-wire-story.ts';

export function keysAndLists(fact: Fact): void {
  fact('a list has pages of 1,000 keys, none twice and none missing', async (s3) => {
    const expected = await many(s3, 1_001);
    const first = await page(s3);
    expect(first).toMatchObject({ KeyCount: 1_000, IsTruncated: true });
    const second = await page(s3, { ContinuationToken: first.NextContinuationToken });
    expect(second).toMatchObject({ KeyCount: 1, IsTruncated: false });
    expect([...first.keys, ...second.keys]).toEqual(expected);
  });

  fact('a list goes on where it was, although keys before that place are gone', async (s3) => {
    await many(s3, 6);
    const first = await page(s3, { MaxKeys: 3 });
    const Objects = first.keys.map((key) => ({ Key: key ?? '' }));
    await s3.client.send(new DeleteObjectsCommand({ Bucket: s3.bucket, Delete: { Objects } }));
    const rest = await page(s3, { MaxKeys: 3, ContinuationToken: first.NextContinuationToken });
    expect(rest.keys).toEqual(['key-00003', 'key-00004', 'key-00005']);
  });

  fact('keys are listed in the order of their UTF-8 bytes', async (s3) => {
    for (const key of ['😀', '｡', 'ä', 'a', 'Z', '_']) await s3.put(key, '');
    expect(await s3.keys()).toEqual(['Z', '_', 'a', 'ä', '｡', '😀']);
  });

  fact('a list can start after a key, there or not', async (s3) => {
    for (const key of ['a', 'b', 'c']) await s3.put(key, '');
    expect((await page(s3, { StartAfter: 'a' })).keys).toEqual(['b', 'c']);
    expect((await page(s3, { StartAfter: 'aa' })).keys).toEqual(['b', 'c']);
  });

  fact('a delimiter folds what lies behind it into one prefix', async (s3) => {
    for (const key of ['day=1/a', 'day=1/b', 'day=2/a', 'readme', 'zone/a/b']) await s3.put(key, '');
    expect(await page(s3, { Delimiter: '/' })).toMatchObject({
      keys: ['readme'],
      prefixes: ['day=1/', 'day=2/', 'zone/'],
    });
    expect(await page(s3, { Delimiter: '/', Prefix: 'day=1/' })).toMatchObject({
      keys: ['day=1/a', 'day=1/b'],
      prefixes: [],
    });
    expect((await page(s3, { Prefix: 'day=' })).keys).toEqual(['day=1/a', 'day=1/b', 'day=2/a']);
  });

  fact('a page of prefixes goes on behind the last one', async (s3) => {
    for (const key of ['a/1', 'a/2', 'b/1', 'c']) await s3.put(key, '');
    const first = await page(s3, { Delimiter: '/', MaxKeys: 1 });
    expect(first).toMatchObject({ prefixes: ['a/'], keys: [], IsTruncated: true });
    const rest = await page(s3, { Delimiter: '/', ContinuationToken: first.NextContinuationToken });
    expect(rest).toMatchObject({ prefixes: ['b/'], keys: ['c'], IsTruncated: false });
  });

  fact('a list says size and entity tag', async (s3) => {
    await s3.put('a', '12345');
    const { Contents } = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket }));
    expect(Contents).toMatchObject([
      { Key: 'a', Size: 5, ETag: `"${md5('12345')}"`, StorageClass: 'STANDARD' },
    ]);
    expect(Math.abs((Contents?.[0]?.LastModified?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
  });

  for (const [what, key] of [
    ['with spaces and signs', "a b+c&d=e?f#g'h(i)*!"],
    ['with percent signs', '100%/%41'],
    ['of other scripts', 'ключ/鍵/🔑'],
    ['with angle brackets', '<a>&amp;"b"'],
    ['with line breaks', 'a\nb\r\tc'],
    ['with empty segments', 'a//b'],
    ['with dots for segments', 'a/../b/./c'],
    ['that ends in a slash', 'folder/'],
    ['of 1,024 bytes', 'k'.repeat(1_024)],
  ] as const) {
    fact(`a key ${what} comes back as it was`, async (s3) => {
      await s3.put(key, 'here');
      expect(await s3.text(key)).toBe('here');
      expect(await s3.keys()).toEqual([key]);
    });
  }

  fact('a key of 1,025 bytes is refused', async (s3) => {
    expect(await outcome(s3.put('ü'.repeat(512) + 'k', ''))).toBe('400 KeyTooLongError');
  });

  fact('a key and one below it are two objects', async (s3) => {
    await s3.put('a', '1');
    await s3.put('a/b', '2');
    expect([await s3.text('a'), await s3.text('a/b')]).toEqual(['1', '2']);
    expect(await page(s3, { Delimiter: '/' })).toMatchObject({ keys: ['a'], prefixes: ['a/'] });
  });

  fact('many objects are deleted in one call, and what was not there counts as deleted', async (s3) => {
    for (const key of ['a', 'b', 'c']) await s3.put(key, '');
    const Objects = ['a', 'c', 'nowhere'].map((Key) => ({ Key }));
    const { Deleted, Errors } = await s3.client.send(
      new DeleteObjectsCommand({ Bucket: s3.bucket, Delete: { Objects } }),
    );
    expect(Deleted?.map(({ Key }) => Key)).toEqual(['a', 'c', 'nowhere']);
    expect(Errors ?? []).toEqual([]);
    expect(await s3.keys()).toEqual(['b']);
  });
}

async function page(s3: Story, more: Partial<ListObjectsV2CommandInput> = {}) {
  const answer = await s3.client.send(new ListObjectsV2Command({ Bucket: s3.bucket, ...more }));
  return {
    ...answer,
    keys: (answer.Contents ?? []).map(({ Key }) => Key),
    prefixes: (answer.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
  };
}

async function many(s3: Story, count: number): Promise<string[]> {
  const keys = Array.from({ length: count }, (_, i) => `key-${String(i).padStart(5, '0')}`);
  for (let at = 0; at < count; at += 50)
    await Promise.all(keys.slice(at, at + 50).map((key) => s3.put(key, 'x')));
  return keys;
}
