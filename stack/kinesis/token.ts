import { z } from 'zod';
import { ServiceError } from '../json-service.ts';

const cursor = z.object({
  streamId: z.string(),
  shardId: z.string(),
  position: z.number().int().nonnegative(),
  /** Milliseconds since the epoch. */
  issuedAt: z.number(),
});

const pageToken = z.object({
  streamId: z.string(),
  after: z.string(),
  filter: z
    .object({ Type: z.string(), ShardId: z.string().exactOptional(), timeMs: z.number().exactOptional() })
    .optional(),
  issuedAt: z.number(),
});

/** A place in one shard, as an iterator carries it. */
export type Cursor = z.infer<typeof cursor>;

/** What every page of one listing repeats, and where the next page begins. */
export type PageToken = z.infer<typeof pageToken>;

/** Iterators and page tokens carry all they mean, so they survive a restart of the stand-in. */
export function formatToken(value: Cursor | PageToken): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

export function parseCursor(token: string): Cursor {
  return parsed(cursor, token, 'ShardIterator');
}

export function parsePageToken(token: string): PageToken {
  return parsed(pageToken, token, 'NextToken');
}

function parsed<Value>(schema: z.ZodType<Value>, token: string, name: string): Value {
  const text = Buffer.from(token, 'base64url').toString();
  const read = z.string().transform(toJson).pipe(schema).safeParse(text);
  if (read.success) return read.data;
  throw new ServiceError('InvalidArgumentException', `Invalid ${name}: this service did not issue it.`);
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
