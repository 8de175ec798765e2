import { ServiceError } from '../json-service.ts';
import type { Realm } from './catalogue.ts';
import type { Stream } from './stream.ts';
import { type PageToken, parsePageToken } from './token.ts';

/** The token of a next page, if one is given: alone, and in time. `beside`: what it does not go with. */
export function openPage<Input extends { readonly NextToken?: string | undefined }>(
  { clock, limits }: Realm,
  input: Input,
  beside: readonly (keyof Input & string)[],
): PageToken | undefined {
  if (input.NextToken === undefined) return undefined;
  const both = beside.find((name) => input[name] !== undefined);
  if (both !== undefined)
    throw new ServiceError('InvalidArgumentException', `NextToken and ${both} cannot be given together.`);
  const token = parsePageToken(input.NextToken);
  if (clock.now() - token.issuedAt <= limits.tokenLifeMs) return token;
  throw new ServiceError(
    'ExpiredNextTokenException',
    `NextToken has expired after ${limits.tokenLifeMs} ms.`,
  );
}

export function pageSize(found: number | undefined, otherwise: number): number {
  const size = found ?? otherwise;
  if (Number.isInteger(size) && size >= 1 && size <= 10_000) return size;
  throw new ServiceError('ValidationException', `a page of ${size} is not in 1..10000`);
}

/** Whoever names a creation time means that stream, and none made later under its name. */
export function refuseOtherCreation(
  stream: Stream,
  { StreamCreationTimestamp: wanted }: { readonly StreamCreationTimestamp?: Date | undefined },
): void {
  if (wanted === undefined || Math.floor(wanted.getTime() / 1_000) === stream.createdAt) return;
  throw new ServiceError(
    'ResourceNotFoundException',
    `No stream ${stream.name} was created at ${wanted.toISOString()}`,
  );
}
