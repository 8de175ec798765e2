import { CopyObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { type Fact, type Story, md5, outcome } from './s3-wire-story.ts';

const RACERS = Array.from({ length: 50 }, (_, i) => `racer ${i}`);

export function conditions(fact: Fact): void {
  fact('of 50 creates of one key at once exactly one wins', async (s3) => {
    const outcomes = await Promise.all(
      RACERS.map((body) => outcome(s3.put('ledger/1', body, { IfNoneMatch: '*' }))),
    );
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
    expect(outcomes.filter((one) => one === '412 PreconditionFailed')).toHaveLength(49);
    expect(await s3.text('ledger/1')).toBe(RACERS[outcomes.indexOf('done')]);
  });

  fact('of 50 replacements of one state exactly one wins', async (s3) => {
    const { ETag } = await s3.put('view', 'first');
    const outcomes = await Promise.all(
      RACERS.map((body) => outcome(s3.put('view', body, { IfMatch: ETag }))),
    );
    expect(outcomes.filter((one) => one === 'done')).toHaveLength(1);
    expect(outcomes.filter((one) => one === '412 PreconditionFailed')).toHaveLength(49);
    expect(await s3.text('view')).toBe(RACERS[outcomes.indexOf('done')]);
  });

  fact('a create of a key that exists is refused, and the object stays', async (s3) => {
    await s3.put('a', 'first');
    expect(await outcome(s3.put('a', 'second', { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
    expect(await s3.text('a')).toBe('first');
  });

  fact('a replacement needs the entity tag that is there', async (s3) => {
    const { ETag } = await s3.put('a', 'first');
    expect(await outcome(s3.put('a', 'no', { IfMatch: md5('other') }))).toBe('412 PreconditionFailed');
    expect(await outcome(s3.put('a', 'second', { IfMatch: ETag }))).toBe('done');
    expect(await s3.text('a')).toBe('second');
  });

  fact('a replacement of what is not there is 404, not 412', async (s3) => {
    expect(await outcome(s3.put('a', 'x', { IfMatch: md5('x') }))).toBe('404 NoSuchKey');
    expect(await s3.keys()).toEqual([]);
  });

  fact('a deletion can be conditional', async (s3) => {
    const { ETag } = await s3.put('a', 'first');
    const remove = (etag: string | undefined) =>
      outcome(s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'a', IfMatch: etag })));
    expect(await remove(`"${md5('other')}"`)).toBe('412 PreconditionFailed');
    expect(await remove(ETag)).toBe('done');
    expect(await s3.keys()).toEqual([]);
  });

  fact('a key that was deleted can be created again', async (s3) => {
    await s3.put('a', 'first');
    await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'a' }));
    expect(await outcome(s3.put('a', 'second', { IfNoneMatch: '*' }))).toBe('done');
  });

  fact('where there are versions, a delete marker counts as absent', async (s3) => {
    await s3.versioning('Enabled');
    await s3.put('a', 'first');
    await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'a' }));
    expect(await outcome(s3.put('a', 'second', { IfNoneMatch: '*' }))).toBe('done');
    expect(await s3.text('a')).toBe('second');
  });

  fact('what a delete marker hides is not there to be replaced', async (s3) => {
    await s3.versioning('Enabled');
    const { ETag } = await s3.put('a', 'first');
    await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'a' }));
    expect(await outcome(s3.put('a', 'second', { IfMatch: ETag }))).toBe('404 NoSuchKey');
  });

  fact('an upload of parts completes on its condition alone, and can be tried again', async (s3) => {
    await s3.put('a', 'first');
    const upload = await s3.begun('a');
    const part = await upload.part(1, 'second');
    expect(await outcome(upload.complete([part], { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
    expect(await s3.text('a')).toBe('first');
    await s3.client.send(new DeleteObjectCommand({ Bucket: s3.bucket, Key: 'a' }));
    expect(await outcome(upload.complete([part], { IfNoneMatch: '*' }))).toBe('done');
    expect(await s3.text('a')).toBe('second');
  });

  fact('a copy onto a key that exists is refused when it asks for that', async (s3) => {
    await s3.put('from', 'new');
    await s3.put('to', 'old');
    expect(await outcome(copy(s3, { IfNoneMatch: '*' }))).toBe('412 PreconditionFailed');
    expect(await s3.text('to')).toBe('old');
    expect(await outcome(copy(s3, { IfMatch: md5('old') }))).toBe('done');
    expect(await s3.text('to')).toBe('new');
  });

  fact('a read can be conditional', async (s3) => {
    const { ETag } = await s3.put('a', 'first');
    expect(await outcome(s3.get('a', { IfNoneMatch: ETag }))).toMatch(/^304/);
    expect(await outcome(s3.get('a', { IfMatch: `"${md5('other')}"` }))).toBe('412 PreconditionFailed');
    expect(await outcome(s3.get('a', { IfModifiedSince: new Date(Date.now() - 3_600_000) }))).toBe('done');
    expect(await outcome(s3.get('a', { IfUnmodifiedSince: new Date(Date.now() - 3_600_000) }))).toBe(
      '412 PreconditionFailed',
    );
    expect(await outcome(s3.get('a', { IfMatch: ETag }))).toBe('done');
  });
}

function copy(s3: Story, more: { IfNoneMatch?: string; IfMatch?: string }): Promise<unknown> {
  return s3.client.send(
    new CopyObjectCommand({ Bucket: s3.bucket, Key: 'to', CopySource: `${s3.bucket}/from`, ...more }),
  );
}
