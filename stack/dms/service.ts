import * as dms from '@aws-sdk/client-database-migration-service';
import type { S3Client } from '@aws-sdk/client-s3';
import { join } from 'node:path';
import { jsonService, operation } from '../json-service.ts';
import type { Clock, JsonService } from '../service.ts';
import { Catalogue } from './catalogue.ts';
import { connectionOperations } from './connections.ts';
import { endpointOperations } from './endpoints.ts';
import type { Strike } from './faults-at.ts';
import { instanceOperations } from './instances.ts';
import { Runs } from './runs.ts';
import { startOperations } from './starts.ts';
import { tableOperations } from './tables.ts';
import { tagOperations } from './tags.ts';
import { taskOperations } from './tasks.ts';

export interface DmsOptions {
  /** Where what is known of instances, endpoints and tasks lies; made if it is missing. */
  readonly dir: string;
  readonly clock: Clock;
  readonly account: string;
  readonly region: string;
  /** The rules in force, which strike the steps of a task too. */
  readonly strike: Strike;
}

export interface Dms extends JsonService {
  /** S3 answers now: tasks that ran when the stack ended go on. */
  open(s3: S3Client): Promise<void>;
}

/**
 * DMS from Postgres to S3, as far as the lake uses it. What was acknowledged survives kill -9, and so do the tasks: a
 * change may land twice, none is lost.
 */
export function createDms({ dir, strike, ...realm }: DmsOptions): Dms {
  const catalogue = new Catalogue(dir, realm);
  const runs = new Runs(catalogue, strike, join(dir, 'drafts'));
  const instances = instanceOperations(catalogue);
  const endpoints = endpointOperations(catalogue);
  const connections = connectionOperations(catalogue, (endpoint) => runs.probe(endpoint));
  const tasks = taskOperations(catalogue, (task) => runs.clean(task), strike);
  const starts = startOperations(catalogue, runs);
  const tables = tableOperations(catalogue, (arn, names) => runs.reload(arn, names), strike);
  const tags = tagOperations(catalogue);
  const service = jsonService({
    target: 'AmazonDMSv20160101',
    operations: {
      CreateReplicationInstance: operation(dms.CreateReplicationInstance$, instances.create),
      DescribeReplicationInstances: operation(dms.DescribeReplicationInstances$, instances.describe),
      DeleteReplicationInstance: operation(dms.DeleteReplicationInstance$, instances.remove),
      CreateEndpoint: operation(dms.CreateEndpoint$, endpoints.create),
      ModifyEndpoint: operation(dms.ModifyEndpoint$, endpoints.modify),
      DescribeEndpoints: operation(dms.DescribeEndpoints$, endpoints.describe),
      DeleteEndpoint: operation(dms.DeleteEndpoint$, endpoints.remove),
      TestConnection: operation(dms.TestConnection$, connections.test),
      DescribeConnections: operation(dms.DescribeConnections$, connections.describe),
      CreateReplicationTask: operation(dms.CreateReplicationTask$, tasks.create),
      ModifyReplicationTask: operation(dms.ModifyReplicationTask$, tasks.modify),
      DescribeReplicationTasks: operation(dms.DescribeReplicationTasks$, tasks.describe),
      DeleteReplicationTask: operation(dms.DeleteReplicationTask$, tasks.remove),
      StartReplicationTask: operation(dms.StartReplicationTask$, starts.start),
      StopReplicationTask: operation(dms.StopReplicationTask$, starts.stop),
      DescribeTableStatistics: operation(dms.DescribeTableStatistics$, tables.describe),
      ReloadTables: operation(dms.ReloadTables$, tables.reloadTables),
      AddTagsToResource: operation(dms.AddTagsToResource$, tags.add),
      RemoveTagsFromResource: operation(dms.RemoveTagsFromResource$, tags.remove),
      ListTagsForResource: operation(dms.ListTagsForResource$, tags.list),
    },
    close: async () => {
      await runs.close();
      catalogue.close();
    },
  });
  return {
    ...service,
    async open(s3) {
      await runs.open(s3);
      for (const part of [instances, endpoints, connections, tasks]) part.recover();
    },
  };
}
