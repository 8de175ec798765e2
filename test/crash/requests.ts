import type { S3Client } from '@aws-sdk/client-s3';
import type { ObjectStore } from '../../activities/objects/port.ts';
import type { Trap } from './points.ts';

const { signal } = new AbortController();

/** Lays a trap at each request of a client, before it is signed and sent. `look`: at the same bucket, without one. */
export function trapRequests(client: S3Client, trap: Trap, look: ObjectStore): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        const key = ('Key' in args.input && args.input.Key) || '';
        const request = commandName.replace(/Command$/, '');
        return trap.around({ key, request, isThere: () => look.head(key, signal) }, () => next(args));
      },
    { step: 'initialize', name: 'trap', priority: 'high' },
  );
}
