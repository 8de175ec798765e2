import {
  DeleteObjectCommand,
  GetBucketVersioningCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandInput,
} from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, type Story, outcome } from './s3-wire-story.ts';

export function versions(fact: Fact): void {
  fact('versioning is off until it is enabled', async (s3) => {
    const status = async () =>
      (await s3.client.send(new GetBucketVersioningCommand({ Bucket: s3.bucket }))).Status;
    expect(await status()).toBeUndefined();
    await s3.versioning('Enabled');
    expect(await status()).toBe('Enabled');
  });

  fact('every write is a version that can be read', async (s3) => {
    await s3.versioning('Enabled');
    const [first, second] = [await s3.put('a', 'first'), await s3.put('a', 'second')];
    expect(first.VersionId).not.toBe(second.VersionId);
    expect(await s3.text('a')).toBe('second');
    expect(await s3.text('a', { VersionId: first.VersionId })).toBe('first');
    expect((await listed(s3)).versions).toEqual([
      ['a', second.VersionId, true],
      ['a', first.VersionId, false],
    ]);
  });

  fact('a deletion is a marker, and without the marker the object is back', async (s3) => {
    await s3.versioning('Enabled');
    await s3.put('a', 'first');
    const { DeleteMarker, VersionId } = await remove(s3, 'a');
    expect(DeleteMarker).toBe(true);
    expect(await outcome(s3.get('a'))).toBe('404 NoSuchKey');
    expect(await s3.keys()).toEqual([]);
    expect(await listed(s3)).toMatchObject({ markers: [['a', VersionId, true]] });
    expect(await outcome(s3.get('a', { VersionId }))).toBe('405 MethodNotAllowed');
    expect(await remove(s3, 'a', VersionId)).toMatchObject({ DeleteMarker: true, VersionId });
    expect(await s3.text('a')).toBe('first');
  });

  fact('a version that is deleted is gone, and the one before is current', async (s3) => {
    await s3.versioning('Enabled');
    await s3.put('a', 'first');
    const { VersionId } = await s3.put('a', 'second');
    await remove(s3, 'a', VersionId);
    expect(await s3.text('a')).toBe('first');
    expect(await outcome(s3.get('a', { VersionId }))).toBe('404 NoSuchVersion');
  });

  fact('what was there before versioning is the version "null"', async (s3) => {
    await s3.put('a', 'before');
    await s3.versioning('Enabled');
    await s3.put('a', 'after');
    expect(await s3.text('a', { VersionId: 'null' })).toBe('before');
  });

  fact(
    'where versioning is suspended a write replaces the version "null" and keeps the others',
    async (s3) => {
      await s3.versioning('Enabled');
      const { VersionId } = await s3.put('a', 'kept');
      await s3.versioning('Suspended');
      await s3.put('a', 'replaced');
      await s3.put('a', 'last');
      expect((await listed(s3)).versions).toEqual([
        ['a', 'null', true],
        ['a', VersionId, false],
      ]);
      expect(await s3.text('a')).toBe('last');
      expect(await s3.text('a', { VersionId })).toBe('kept');
    },
  );

  fact('versions are listed in pages, the newest of a key first', async (s3) => {
    await s3.versioning('Enabled');
    const ids: (string | undefined)[] = [];
    for (const key of ['a', 'a', 'a', 'b']) ids.push((await s3.put(key, 'x')).VersionId);
    const first = await listed(s3, { MaxKeys: 2 });
    expect(first.IsTruncated).toBe(true);
    const rest = await listed(s3, {
      KeyMarker: first.NextKeyMarker,
      VersionIdMarker: first.NextVersionIdMarker,
    });
    expect(rest.IsTruncated).toBe(false);
    expect([...first.versions, ...rest.versions].map(([, id]) => id)).toEqual([
      ids[2],
      ids[1],
      ids[0],
      ids[3],
    ]);
  });
}

function remove(s3: Story, key: string, versionId?: string) {
  return s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: key, VersionId: versionId }));
}

async function listed(s3: Story, more: Partial<ListObjectVersionsCommandInput> = {}) {
  const answer = await s3.client.send(new ListObjectVersionsCommand({ Bucket: s3.bucket, ...more }));
  return {
    ...answer,
    versions: (answer.Versions ?? []).map((one) => [one.Key, one.VersionId, one.IsLatest] as const),
    markers: (answer.DeleteMarkers ?? []).map((one) => [one.Key, one.VersionId, one.IsLatest] as const),
  };
}
