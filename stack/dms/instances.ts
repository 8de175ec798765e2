import type {
  CreateReplicationInstanceMessage,
  CreateReplicationInstanceResponse,
  DeleteReplicationInstanceMessage,
  DeleteReplicationInstanceResponse,
  DescribeReplicationInstancesMessage,
  DescribeReplicationInstancesResponse,
  ReplicationInstance,
} from '@aws-sdk/client-database-migration-service';
import type { Catalogue } from './catalogue.ts';
import { invalid, newIdentifier, resourcePart, wrongState } from './identifier.ts';
import type { Instance } from './model.ts';
import { page } from './paging.ts';
import { fromTagList } from './tags.ts';

/** Instances cost nothing here and hold nothing: tasks run in the stack. */
export function instanceOperations(catalogue: Catalogue) {
  const { clock } = catalogue.realm;

  function create(input: CreateReplicationInstanceMessage): CreateReplicationInstanceResponse {
    const taken = catalogue.instances().map(({ id }) => id);
    const id = newIdentifier(input.ReplicationInstanceIdentifier, 'ReplicationInstanceIdentifier', taken);
    if (!input.ReplicationInstanceClass) throw invalid('ReplicationInstanceClass must be given');
    const instance: Instance = {
      arn: catalogue.arn('rep', resourcePart(input.ResourceIdentifier)),
      id,
      class: input.ReplicationInstanceClass,
      status: 'creating',
      createdAt: clock.now(),
      engineVersion: input.EngineVersion ?? '3.6.1',
      storageGb: input.AllocatedStorage ?? 50,
    };
    catalogue.setInstance(instance);
    catalogue.setTags(instance.arn, fromTagList(input.Tags));
    settle(instance);
    return { ReplicationInstance: shown(instance) };
  }

  function describe(input: DescribeReplicationInstancesMessage): DescribeReplicationInstancesResponse {
    const { items, ...rest } = page(catalogue.instances(), input, FILTERS, {
      what: 'replication instances',
      most: 100,
    });
    return { ReplicationInstances: items.map(shown), ...rest };
  }

  function remove(input: DeleteReplicationInstanceMessage): DeleteReplicationInstanceResponse {
    const instance = catalogue.instance(input.ReplicationInstanceArn);
    if (instance.status !== 'available') throw wrongState(`${instance.id} is ${instance.status}`);
    const tasks = catalogue.tasks().filter(({ instanceArn }) => instanceArn === instance.arn);
    if (tasks.length > 0) {
      throw wrongState(`${instance.id} has tasks: ${tasks.map(({ id }) => id).join(', ')}`);
    }
    const deleting: Instance = { ...instance, status: 'deleting' };
    catalogue.setInstance(deleting);
    settle(deleting);
    return { ReplicationInstance: shown(deleting) };
  }

  function settle(instance: Instance): void {
    catalogue.later(() => {
      if (instance.status === 'deleting') catalogue.remove('instance', instance.arn);
      else catalogue.setInstance({ ...instance, status: 'available' });
    });
  }

  /** Goes on with what a stop of the stack interrupted. */
  function recover(): void {
    for (const one of catalogue.instances()) if (one.status !== 'available') settle(one);
  }

  return { create, describe, remove, recover };
}

const FILTERS = {
  'replication-instance-arn': (one: Instance) => one.arn,
  'replication-instance-id': (one: Instance) => one.id,
  'replication-instance-class': (one: Instance) => one.class,
  'engine-version': (one: Instance) => one.engineVersion,
};

function shown(one: Instance): ReplicationInstance {
  return {
    ReplicationInstanceArn: one.arn,
    ReplicationInstanceIdentifier: one.id,
    ReplicationInstanceClass: one.class,
    ReplicationInstanceStatus: one.status,
    InstanceCreateTime: new Date(one.createdAt),
    EngineVersion: one.engineVersion,
    AllocatedStorage: one.storageGb,
    MultiAZ: false,
    PubliclyAccessible: false,
  };
}
