import type { FailureName } from '../lake/failures.ts';
import { failure } from './failure.ts';

/** What the names of AWS errors mean to the lake. */
export type ErrorMeanings = Readonly<Record<string, FailureName>>;

const EVERYWHERE: ErrorMeanings = {
  AccessDenied: 'AccessDenied',
  AccessDeniedException: 'AccessDenied',
  ExpiredToken: 'AccessDenied',
  ExpiredTokenException: 'AccessDenied',
  InvalidAccessKeyId: 'AccessDenied',
  SignatureDoesNotMatch: 'AccessDenied',
  NoSuchBucket: 'BucketMissing',
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
    const name =
      meanings[error.name] ?? EVERYWHERE[error.name] ?? (isUnanswered(error) ? 'Unreachable' : undefined);
    const where = place === undefined ? '' : `${place}: `;
    throw name ? failure(name, `${where}${error.name}: ${error.message}`, error) : error;
  }
}

/** No answer came, or only a server error: whether it happened must be looked up. */
export function isUnanswered(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('code' in error && typeof error.code === 'string' && SOCKET_ERRORS.has(error.code)) return true;
  if (error.name === 'TimeoutError') return true;
  const status =
    '$metadata' in error ? (error.$metadata as { httpStatusCode?: number }).httpStatusCode : undefined;
  return status !== undefined && status >= 500;
}
