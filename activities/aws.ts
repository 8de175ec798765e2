import type { FailureName } from '../lake/failures.ts';
import { failure } from './failure.ts';

/** What the names of AWS errors mean to the lake. */
export type ErrorMeanings = Readonly<Record<string, FailureName>>;

/** Of S3's and Kinesis's error pages, and of the SDK's own. */
const EVERYWHERE: ErrorMeanings = {
  AccessDenied: 'AccessDenied',
  AccessDeniedException: 'AccessDenied',
  ExpiredToken: 'AccessDenied',
  ExpiredTokenException: 'AccessDenied',
  InvalidAccessKeyId: 'AccessDenied',
  SignatureDoesNotMatch: 'AccessDenied',
  CredentialsProviderError: 'AccessDenied',
  IncompleteSignature: 'AccessDenied',
  IncompleteSignatureException: 'AccessDenied',
  InvalidClientTokenId: 'AccessDenied',
  InvalidSignatureException: 'AccessDenied',
  InvalidToken: 'AccessDenied',
  MissingAuthenticationToken: 'AccessDenied',
  MissingAuthenticationTokenException: 'AccessDenied',
  RequestExpired: 'AccessDenied',
  RequestTimeTooSkewed: 'AccessDenied',
  UnrecognizedClientException: 'AccessDenied',
  KMSAccessDeniedException: 'AccessDenied',
  KMSDisabledException: 'AccessDenied',
  KMSInvalidStateException: 'AccessDenied',
  KMSNotFoundException: 'AccessDenied',
  KMSOptInRequired: 'AccessDenied',
  'KMS.DisabledException': 'AccessDenied',
  'KMS.KMSInvalidStateException': 'AccessDenied',
  'KMS.NotFoundException': 'AccessDenied',
  NoSuchBucket: 'BucketMissing',
  // In another region than the worker's.
  AuthorizationHeaderMalformed: 'BucketMissing',
  PermanentRedirect: 'BucketMissing',
  KMSThrottlingException: 'Throttled',
  SlowDown: 'Throttled',
  Throttling: 'Throttled',
  ThrottlingException: 'Throttled',
  TooManyRequestsException: 'Throttled',
  RequestLimitExceeded: 'Throttled',
  InternalError: 'Unreachable',
  InternalFailure: 'Unreachable',
  ServiceUnavailable: 'Unreachable',
  TimeoutError: 'Unreachable',
};

/** Nobody answered: the request may have been carried out, or never have arrived. */
const SOCKET_ERRORS = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN']);

/**
 * Every AWS call goes through here. An error whose name has a meaning becomes that failure; any
 * other stays itself, so Temporal retries it and an operator reads AWS's own words.
 *
 * `place` says for the operator what was asked of what: `GET travel-lake/spec/…`.
 *
 * A call cut short rethrows the signal's reason. The SDK's own AbortError would reach Temporal as a
 * cancellation that nobody asked for, and a paused attempt would hang until its timeout.
 */
export async function awsCall<T>(
  signal: AbortSignal,
  call: () => Promise<T>,
  meanings: ErrorMeanings = {},
  place?: string,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Error)) throw error;
    const name = meanings[error.name] ?? EVERYWHERE[error.name] ?? byStatus(error);
    const where = place === undefined ? '' : `${place}: `;
    throw name ? failure(name, `${where}${error.name}: ${error.message}`, error) : error;
  }
}

/** What an error says whose name says nothing: the answer to a HEAD has no body to name it in. */
function byStatus(error: Error): FailureName | undefined {
  if (isUnanswered(error)) return 'Unreachable';
  const status = statusOf(error);
  return status === 401 || status === 403 ? 'AccessDenied' : undefined;
}

/** No answer came, or only a server error: whether it happened must be looked up. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && SOCKET_ERRORS.has(error.code)) return true;
  if (error.name === 'TimeoutError') return true;
  const status = statusOf(error);
  return status !== undefined && status >= 500;
}

function statusOf(error: Error): number | undefined {
  return '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined;
}
