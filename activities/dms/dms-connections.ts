import {
  type DatabaseMigrationServiceClient,
  DescribeConnectionsCommand,
  DescribeReplicationTasksCommand,
  TestConnectionCommand,
} from '@aws-sdk/client-database-migration-service';
import { awsCall } from '../aws.ts';
import { failure } from '../failure.ts';
import { DMS_MEANINGS, type DmsTasksOptions } from './dms.ts';
import type { Connection, Connections, SeenConnection } from './port.ts';

/** Connections of the Database Migration Service. */
export class DmsConnections implements Connections {
  readonly #client: DatabaseMigrationServiceClient;
  readonly #once: DatabaseMigrationServiceClient;

  constructor({ client, once }: DmsTasksOptions) {
    this.#client = client;
    this.#once = once;
  }

  async ofTask(task: string, signal: AbortSignal): Promise<readonly Connection[]> {
    const Name = task.startsWith('arn:') ? 'replication-task-arn' : 'replication-task-id';
    const command = new DescribeReplicationTasksCommand({
      Filters: [{ Name, Values: [task] }],
      WithoutSettings: true,
    });
    const { ReplicationTasks: [found] = [] } = await awsCall(
      signal,
      () => this.#client.send(command, { abortSignal: signal }),
      { ...DMS_MEANINGS, ResourceNotFoundFault: 'DmsTaskMissing' },
      `describe ${task}`,
    );
    if (!found) throw failure('DmsTaskMissing', `DMS has no replication task ${task}`);
    const instanceArn = found.ReplicationInstanceArn ?? '';
    return [found.SourceEndpointArn ?? '', found.TargetEndpointArn ?? ''].map((endpointArn) => ({
      instanceArn,
      endpointArn,
    }));
  }

  async test(
    { instanceArn, endpointArn }: Connection,
    signal: AbortSignal,
  ): Promise<'accepted' | { readonly refused: string }> {
    const command = new TestConnectionCommand({
      ReplicationInstanceArn: instanceArn,
      EndpointArn: endpointArn,
    });
    try {
      const send = () => this.#once.send(command, { abortSignal: signal });
      await awsCall(signal, send, DMS_MEANINGS, `test the connection to ${endpointArn}`);
      return 'accepted';
    } catch (error) {
      if (error instanceof Error && error.name === 'InvalidResourceStateFault')
        return { refused: error.message };
      throw error;
    }
  }

  async describe(
    { instanceArn, endpointArn }: Connection,
    signal: AbortSignal,
  ): Promise<SeenConnection | undefined> {
    const command = new DescribeConnectionsCommand({
      Filters: [
        { Name: 'endpoint-arn', Values: [endpointArn] },
        { Name: 'replication-instance-arn', Values: [instanceArn] },
      ],
    });
    try {
      const send = () => this.#client.send(command, { abortSignal: signal });
      const { Connections: [found] = [] } = await awsCall(
        signal,
        send,
        DMS_MEANINGS,
        `connections to ${endpointArn}`,
      );
      return (
        found && {
          endpoint: found.EndpointIdentifier ?? endpointArn,
          status: found.Status ?? '',
          lastFailure: found.LastFailureMessage ?? null,
        }
      );
    } catch (error) {
      // One that was never tested is no resource yet.
      if (error instanceof Error && error.name === 'ResourceNotFoundFault') return undefined;
      throw error;
    }
  }
}
