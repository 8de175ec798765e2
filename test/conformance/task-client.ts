import type { DatabaseMigrationServiceClient } from '@aws-sdk/client-database-migration-service';
import { notHere } from './asked.ts';

const LOOKS = /^Describe(ReplicationTasks|TableStatistics|Endpoints)Command$/;
const CHANGES = /^(Start|Stop)ReplicationTaskCommand$/;

export interface Bounds {
  /** Only tasks with these ARNs may be started and stopped, and only where `mayStart`. */
  readonly arns: readonly string[];
  readonly mayStart: boolean;
}

/**
 * Let a client look at tasks, and start, stop and resume those within the bounds. A command that would reach beyond
 * ends the case as one that is not asked.
 */
export function keepWithin(
  client: DatabaseMigrationServiceClient,
  { arns, mayStart }: Bounds,
): DatabaseMigrationServiceClient {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      (args) => {
        if (!LOOKS.test(commandName)) {
          const name = commandName.replace(/Command$/, '');
          if (!CHANGES.test(commandName)) notHere(`${name} is more than looking, starting and stopping`);
          if (!mayStart) notHere('there is no --start');
          const input: Readonly<Record<string, unknown>> = { ...args.input };
          if (!arns.includes(String(input['ReplicationTaskArn']))) notHere('it is about another task');
          if (input['StartReplicationTaskType'] === 'reload-target')
            notHere('it would load everything again');
        }
        return next(args);
      },
    { step: 'initialize', name: 'keepWithin' },
  );
  return client;
}
