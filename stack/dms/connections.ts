import type {
  Connection as WireConnection,
  DescribeConnectionsMessage,
  DescribeConnectionsResponse,
  TestConnectionMessage,
  TestConnectionResponse,
} from '@aws-sdk/client-database-migration-service';
import type { Catalogue } from './catalogue.ts';
import { wrongState } from './identifier.ts';
import type { Connection, Endpoint } from './model.ts';
import { page } from './paging.ts';

/** Resolves when the endpoint can be used; rejects with why not. */
export type Probe = (endpoint: Endpoint) => Promise<void>;

export function connectionOperations(catalogue: Catalogue, probe: Probe) {
  function test(input: TestConnectionMessage): TestConnectionResponse {
    const instance = catalogue.instance(input.ReplicationInstanceArn);
    const endpoint = catalogue.endpoint(input.EndpointArn);
    if (instance.status !== 'available') throw wrongState(`${instance.id} is ${instance.status}`);
    const connection: Connection = {
      instanceArn: instance.arn,
      endpointArn: endpoint.arn,
      status: 'testing',
    };
    catalogue.setConnection(connection);
    run(connection);
    return { Connection: shown(connection) };
  }

  function run(connection: Connection): void {
    const finish = (outcome: Partial<Connection>) => () => {
      catalogue.later(() => {
        const stillThere = catalogue.endpoints().some(({ arn }) => arn === connection.endpointArn);
        if (stillThere) catalogue.setConnection({ ...connection, ...outcome });
      });
    };
    probe(catalogue.endpoint(connection.endpointArn)).then(
      finish({ status: 'successful' }),
      (error: unknown) => finish({ status: 'failed', failure: messageOf(error) })(),
    );
  }

  function describe(input: DescribeConnectionsMessage): DescribeConnectionsResponse {
    const { items, ...rest } = page(catalogue.connections(), input, FILTERS, {
      what: 'connections',
      most: 100,
    });
    return { Connections: items.map(shown), ...rest };
  }

  function shown(one: Connection): WireConnection {
    return {
      ReplicationInstanceArn: one.instanceArn,
      EndpointArn: one.endpointArn,
      Status: one.status,
      LastFailureMessage: one.failure,
      EndpointIdentifier: catalogue.endpoint(one.endpointArn).id,
      ReplicationInstanceIdentifier: catalogue.instance(one.instanceArn).id,
    };
  }

  function recover(): void {
    for (const one of catalogue.connections()) if (one.status === 'testing') run(one);
  }

  return { test, describe, recover };
}

const FILTERS = {
  'endpoint-arn': (one: Connection) => one.endpointArn,
  'replication-instance-arn': (one: Connection) => one.instanceArn,
};

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
