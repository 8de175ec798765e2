import { expect, test } from 'vitest';
import { awsCall } from '../../activities/aws.ts';

const { signal } = new AbortController();

function refusedWith(name: string, status = 400): Promise<unknown> {
  const error = Object.assign(new Error('no'), { name, $metadata: { httpStatusCode: status } });
  return awsCall(signal, () => Promise.reject(error), {}, 'GetRecords payment-events');
}

test.each([
  ['keys that AWS does not know', 'UnrecognizedClientException'],
  ['a wrong secret', 'InvalidSignatureException'],
  ['no credentials at all', 'CredentialsProviderError'],
  ['an ended session', 'ExpiredTokenException'],
  ['a clock that is wrong', 'RequestTimeTooSkewed'],
  ["a stream's key that is disabled", 'KMSDisabledException'],
  ["an object's key that is disabled", 'KMS.DisabledException'],
])('%s (%s) waits for a person', async (_, name) => {
  await expect(refusedWith(name)).rejects.toMatchObject({
    type: 'AccessDenied',
    message: expect.stringContaining('GetRecords payment-events') as unknown,
  });
});

test('a bucket of another region waits for a person', async () => {
  await expect(refusedWith('PermanentRedirect', 301)).rejects.toMatchObject({ type: 'BucketMissing' });
});

test('a refusal by a name nobody knows waits for a person', async () => {
  await expect(refusedWith('SomethingNew', 403)).rejects.toMatchObject({ type: 'AccessDenied' });
});

test('an error without a meaning stays what AWS said', async () => {
  await expect(refusedWith('ValidationException')).rejects.toMatchObject({ name: 'ValidationException' });
});
