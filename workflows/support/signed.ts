import { failure } from './failure.ts';

/** For validators: fails unless it says why and who asks. */
export function signed(request: { readonly reason: string; readonly by: string }): void {
  if (typeof request?.reason !== 'string' || request.reason === '')
    throw failure('MalformedInput', 'reason is missing: say why');
  if (typeof request.by !== 'string' || request.by === '')
    throw failure('MalformedInput', 'by is missing: say who asks');
}

/** For validators: fails unless it is a list of at least one. */
export function listed(name: string, value: unknown): void {
  if (!Array.isArray(value) || value.length === 0)
    throw failure('MalformedInput', `${name} must be a list of at least one`);
}
