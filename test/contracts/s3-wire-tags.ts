import {
  CopyObjectCommand,
  DeleteObjectTaggingCommand,
  GetObjectTaggingCommand,
  PutObjectTaggingCommand,
  type Tag,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { FULL_CRC32, type Fact, type Story, outcome } from './s3-wire-story.ts';

const PAIR: Tag[] = [
  { Key: 'source', Value: 'flights' },
  { Key: 'kept until', Value: '2031-01-01' },
];

export function tags(fact: Fact): void {
  fact('tags that come with an object are its tags', async (s3) => {
    await s3.put('a', 'x', { Tagging: 'source=flights&kept%20until=2031-01-01' });
    expect(sorted(await tagsOf(s3, 'a'))).toEqual(sorted(PAIR));
  });

  fact('an object without tags has an empty set', async (s3) => {
    await s3.put('a', 'x');
    expect(await tagsOf(s3, 'a')).toEqual([]);
  });

  fact('a read says how many tags there are, and nothing where there are none', async (s3) => {
    await s3.put('a', 'x', { Tagging: 'a=1&b=2' });
    await s3.put('b', 'x');
    expect((await s3.get('a')).TagCount).toBe(2);
    expect((await s3.get('b')).TagCount).toBeUndefined();
  });

  fact('new tags take the place of all the old ones, and the object stays as it is', async (s3) => {
    const { ETag } = await s3.put('a', 'x', { Tagging: 'old=1' });
    await retag(s3, 'a', PAIR);
    expect(sorted(await tagsOf(s3, 'a'))).toEqual(sorted(PAIR));
    expect(await s3.head('a')).toMatchObject({ ETag, ContentLength: 1 });
    await s3.client.send(new DeleteObjectTaggingCommand({ Bucket: s3.bucket, Key: 'a' }));
    expect(await tagsOf(s3, 'a')).toEqual([]);
  });

  fact('an object that is written anew has not the tags of the one before', async (s3) => {
    await s3.put('a', 'x', { Tagging: 'old=1' });
    await s3.put('a', 'y');
    expect(await tagsOf(s3, 'a')).toEqual([]);
  });

  fact('each version has tags of its own', async (s3) => {
    await s3.versioning('Enabled');
    const { VersionId } = await s3.put('a', 'x', { Tagging: 'nth=1' });
    await s3.put('a', 'y', { Tagging: 'nth=2' });
    expect(await tagsOf(s3, 'a', VersionId)).toEqual([{ Key: 'nth', Value: '1' }]);
    await retag(s3, 'a', [{ Key: 'nth', Value: 'first' }], VersionId);
    expect(await tagsOf(s3, 'a', VersionId)).toEqual([{ Key: 'nth', Value: 'first' }]);
    expect(await tagsOf(s3, 'a')).toEqual([{ Key: 'nth', Value: '2' }]);
  });

  fact('a copy carries the tags, unless it is told others', async (s3) => {
    await s3.put('a', 'x', { Tagging: 'from=a' });
    const source = { Bucket: s3.bucket, CopySource: `${s3.bucket}/a` };
    await s3.client.send(new CopyObjectCommand({ ...source, Key: 'b' }));
    expect(await tagsOf(s3, 'b')).toEqual([{ Key: 'from', Value: 'a' }]);
    const told = { TaggingDirective: 'REPLACE', Tagging: 'own=c' } as const;
    await s3.client.send(new CopyObjectCommand({ ...source, ...told, Key: 'c' }));
    expect(await tagsOf(s3, 'c')).toEqual([{ Key: 'own', Value: 'c' }]);
  });

  fact('an upload of parts gets the tags that it was begun with', async (s3) => {
    const upload = await s3.begun('a', { ...FULL_CRC32, Tagging: 'source=flights' });
    await upload.complete([await upload.part(1, 'x')]);
    expect(await tagsOf(s3, 'a')).toEqual([{ Key: 'source', Value: 'flights' }]);
  });

  fact('more than ten tags are refused, and so is one key twice', async (s3) => {
    await s3.put('a', 'x', { Tagging: 'old=1' });
    const eleven = Array.from({ length: 11 }, (_, i) => ({ Key: `k${i}`, Value: '' }));
    expect(await outcome(retag(s3, 'a', eleven))).toBe('400 BadRequest');
    const twice = [
      { Key: 'a', Value: '1' },
      { Key: 'a', Value: '2' },
    ];
    expect(await outcome(retag(s3, 'a', twice))).toBe('400 InvalidTag');
    expect(await tagsOf(s3, 'a')).toEqual([{ Key: 'old', Value: '1' }]);
  });

  fact('what is not there has no tags', async (s3) => {
    expect(await outcome(tagsOf(s3, 'nowhere'))).toBe('404 NoSuchKey');
    expect(await outcome(retag(s3, 'nowhere', PAIR))).toBe('404 NoSuchKey');
  });
}

async function tagsOf(s3: Story, Key: string, VersionId?: string): Promise<Tag[]> {
  const place = { Bucket: s3.bucket, Key, VersionId };
  return (await s3.client.send(new GetObjectTaggingCommand(place))).TagSet ?? [];
}

function retag(s3: Story, Key: string, TagSet: Tag[], VersionId?: string) {
  const place = { Bucket: s3.bucket, Key, VersionId };
  return s3.client.send(new PutObjectTaggingCommand({ ...place, Tagging: { TagSet } }));
}

function sorted(set: readonly Tag[]): Tag[] {
  return set.toSorted((a, b) => ((a.Key ?? '') < (b.Key ?? '') ? -1 : 1));
}
