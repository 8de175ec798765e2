import type { Cannot } from './s3-wire.ts';

/** Found by running the suite on versitygw 1.8.0. */
export const VERSITYGW_CANNOT: Cannot = {
  'an access key that nobody has is refused': 'it says 404 XAdminUserNotFound',
  'a stream is stored without the framing it came in': 'it keeps aws-chunked as a content encoding',
  'a stream in pieces below 8 KiB is refused, the last one excepted': 'it says so with 400, where S3 has 403',
  'where there are versions, a delete marker counts as absent': 'it counts as present',
  'what a delete marker hides is not there to be replaced': 'it is replaced',
  'a copy onto a key that exists is refused when it asks for that': 'it copies',
  'a copy can ask that its source is not what it was': 'it says 304',
  'an upload is gone once it is completed': 'it completes it again',
  'a key with empty segments comes back as it was': 'keys are paths of files',
  'a key with dots for segments comes back as it was': 'keys are paths of files',
  'a key that ends in a slash comes back as it was': 'keys are paths of files',
  'a key of 1,024 bytes comes back as it was': 'a segment has at most 255 bytes',
  'a key and one below it are two objects': 'keys are paths of files',
};
