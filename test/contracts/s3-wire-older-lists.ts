import { ListObjectsCommand, type ListObjectsCommandInput } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, type Story, md5 } from './s3-wire-story.ts';

/** ListObjects as it was before its second version, which older tools still ask for. */
export function olderLists(fact: Fact): void {
  fact('the older list says the same of an object', async (s3) => {
    await s3.put('a', '12345');
    const { Contents } = await page(s3);
    expect(Contents).toMatchObject([
      { Key: 'a', Size: 5, ETag: `"${md5('12345')}"`, StorageClass: 'STANDARD' },
    ]);
  });

  fact('the older list goes on behind a key, there or not', async (s3) => {
    for (const key of ['a', 'b', 'c', 'd']) await s3.put(key, '');
    const first = await page(s3, { MaxKeys: 2 });
    expect(first).toMatchObject({ keys: ['a', 'b'], IsTruncated: true, MaxKeys: 2 });
    const rest = await page(s3, { Marker: 'b' });
    expect(rest).toMatchObject({ keys: ['c', 'd'], IsTruncated: false, Marker: 'b' });
    expect((await page(s3, { Marker: 'bb' })).keys).toEqual(['c', 'd']);
  });

  fact('the older list names where it ended only beside a delimiter', async (s3) => {
    for (const key of ['a', 'b/1', 'b/2', 'c']) await s3.put(key, '');
    expect((await page(s3, { MaxKeys: 2 })).NextMarker).toBeUndefined();
    const first = await page(s3, { MaxKeys: 2, Delimiter: '/' });
    expect(first).toMatchObject({ keys: ['a'], prefixes: ['b/'], IsTruncated: true, NextMarker: 'b/' });
    const rest = await page(s3, { Delimiter: '/', Marker: first.NextMarker });
    expect(rest).toMatchObject({ keys: ['c'], prefixes: [], IsTruncated: false });
  });

  fact('the older list keeps to its prefix', async (s3) => {
    for (const key of ['day=1/a', 'day=2/a', 'zone/a']) await s3.put(key, '');
    expect((await page(s3, { Prefix: 'day=' })).keys).toEqual(['day=1/a', 'day=2/a']);
    expect(await page(s3, { Prefix: 'day=', Delimiter: '/' })).toMatchObject({
      keys: [],
      prefixes: ['day=1/', 'day=2/'],
    });
  });
}

async function page(s3: Story, more: Partial<ListObjectsCommandInput> = {}) {
  const answer = await s3.client.send(new ListObjectsCommand({ Bucket: s3.bucket, ...more }));
  return {
    ...answer,
    keys: (answer.Contents ?? []).map(({ Key }) => Key),
    prefixes: (answer.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
  };
}
