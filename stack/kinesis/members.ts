import { ServiceError } from '../json-service.ts';

/** Refuses, by name, what an operation does not heed: dropped in silence here, it might change what AWS does. */
export function refuseOthers(
  operation: string,
  request: Readonly<Record<string, unknown>>,
  heeded: readonly string[],
): void {
  const other = Object.keys(request).find((name) => request[name] !== null && !heeded.includes(name));
  if (other !== undefined)
    throw new ServiceError('InvalidArgumentException', `${operation}.${other} is not built here`);
}
