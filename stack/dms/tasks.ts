import type {
  CreateReplicationTaskMessage,
  CreateReplicationTaskResponse,
  DeleteReplicationTaskMessage,
  DeleteReplicationTaskResponse,
  DescribeReplicationTasksMessage,
  DescribeReplicationTasksResponse,
  ModifyReplicationTaskMessage,
  ModifyReplicationTaskResponse,
} from '@aws-sdk/client-database-migration-service';
import type { Catalogue } from './catalogue.ts';
import { type Strike, staleMs } from './faults-at.ts';
import { invalid, newIdentifier, refuseOthers, resourcePart, wrongState } from './identifier.ts';
import { parseMappings } from './mappings.ts';
import type { MigrationType, Task } from './model.ts';
import { page } from './paging.ts';
import { checkStart, checkStop } from './positions.ts';
import { shownTask } from './shown-task.ts';
import { fromTagList } from './tags.ts';
import { parseTaskSettings } from './task-settings.ts';

const TYPES: readonly MigrationType[] = ['full-load', 'full-load-and-cdc', 'cdc'];
const CREATED = [
  'ReplicationTaskIdentifier',
  'SourceEndpointArn',
  'TargetEndpointArn',
  'ReplicationInstanceArn',
  'MigrationType',
  'TableMappings',
  'ReplicationTaskSettings',
  'CdcStartPosition',
  'CdcStopPosition',
  'Tags',
  'ResourceIdentifier',
];
const MODIFIED = [
  'ReplicationTaskArn',
  'ReplicationTaskIdentifier',
  'TableMappings',
  'ReplicationTaskSettings',
  'CdcStartPosition',
  'CdcStopPosition',
];

/** `dropSlot` frees what a task holds at its source; it may fail, for the source may be gone. */
export function taskOperations(
  catalogue: Catalogue,
  dropSlot: (task: Task) => Promise<void>,
  strike: Strike,
) {
  const { clock } = catalogue.realm;

  function create(input: CreateReplicationTaskMessage): CreateReplicationTaskResponse {
    refuseOthers('CreateReplicationTask', input, CREATED);
    const taken = catalogue.tasks().map(({ id }) => id);
    const id = newIdentifier(input.ReplicationTaskIdentifier, 'ReplicationTaskIdentifier', taken);
    const source = catalogue.endpoint(input.SourceEndpointArn);
    const target = catalogue.endpoint(input.TargetEndpointArn);
    const instance = catalogue.instance(input.ReplicationInstanceArn);
    if (source.type !== 'source' || target.type !== 'target') {
      throw invalid(`${source.id} is a ${source.type} and ${target.id} a ${target.type}`);
    }
    if (instance.status !== 'available') throw wrongState(`${instance.id} is ${instance.status}`);
    const type = TYPES.find((one) => one === input.MigrationType);
    if (!type) throw invalid(`MigrationType ${input.MigrationType} has to be one of ${TYPES.join(', ')}`);
    const settings = input.ReplicationTaskSettings ?? '{}';
    const mappings = input.TableMappings ?? '';
    check({ settings, mappings, start: input.CdcStartPosition, stop: input.CdcStopPosition });
    const task: Task = {
      arn: catalogue.arn('task', resourcePart(input.ResourceIdentifier)),
      id,
      sourceArn: source.arn,
      targetArn: target.arn,
      instanceArn: instance.arn,
      type,
      mappings,
      settings,
      status: 'creating',
      createdAt: clock.now(),
      startPosition: input.CdcStartPosition,
      stopPosition: input.CdcStopPosition,
    };
    catalogue.setTask(task);
    catalogue.setTags(task.arn, fromTagList(input.Tags));
    settle(task);
    return { ReplicationTask: shownTask(task, catalogue.tables(task.arn), clock.now()) };
  }

  function modify(input: ModifyReplicationTaskMessage): ModifyReplicationTaskResponse {
    if (input.MigrationType !== undefined) throw invalid('the MigrationType of a task is fixed');
    refuseOthers('ModifyReplicationTask', input, MODIFIED);
    const task = idle(input.ReplicationTaskArn, 'modified');
    const wanted = input.ReplicationTaskIdentifier;
    const others = catalogue.tasks().flatMap(({ id }) => (id === task.id ? [] : [id]));
    const id = wanted === undefined ? task.id : newIdentifier(wanted, 'ReplicationTaskIdentifier', others);
    const settings = input.ReplicationTaskSettings ?? task.settings;
    const mappings = input.TableMappings ?? task.mappings;
    check({ settings, mappings, start: input.CdcStartPosition, stop: input.CdcStopPosition });
    const modifying = catalogue.setTask({
      ...task,
      id,
      settings,
      mappings,
      startPosition: input.CdcStartPosition ?? task.startPosition,
      stopPosition: input.CdcStopPosition ?? task.stopPosition,
      status: 'modifying',
      statusBefore: task.status,
    });
    settle(modifying);
    return { ReplicationTask: shownTask(modifying, catalogue.tables(task.arn), clock.now()) };
  }

  function describe(input: DescribeReplicationTasksMessage): DescribeReplicationTasksResponse {
    const { items, ...rest } = page(catalogue.tasks(), input, FILTERS, { what: 'Tasks', most: 100 });
    const shown = items.map(({ arn, id }) => {
      const ageMs = staleMs(strike, 'ShowTask', id);
      const { TableMappings, ReplicationTaskSettings, ...facts } = shownTask(
        catalogue.taskAgo(arn, ageMs),
        catalogue.tablesAgo(arn, ageMs),
        clock.now(),
      );
      return input.WithoutSettings === true ? facts : { ...facts, TableMappings, ReplicationTaskSettings };
    });
    return { ReplicationTasks: shown, ...rest };
  }

  function remove(input: DeleteReplicationTaskMessage): DeleteReplicationTaskResponse {
    const task = idle(input.ReplicationTaskArn, 'deleted');
    const deleting = catalogue.setTask({ ...task, status: 'deleting' });
    settle(deleting);
    return { ReplicationTask: shownTask(deleting, catalogue.tables(task.arn), clock.now()) };
  }

  function idle(arn: string | undefined, verb: string): Task {
    const task = catalogue.task(arn);
    if (['ready', 'stopped', 'failed'].includes(task.status)) return task;
    throw wrongState(`Replication task ${task.arn} is ${task.status} and cannot be ${verb}`);
  }

  function settle({ arn }: Task): void {
    catalogue.later(() => {
      const task = catalogue.task(arn);
      if (task.status === 'creating') catalogue.setTask({ ...task, status: 'ready' });
      if (task.status === 'modifying') catalogue.setTask({ ...task, status: task.statusBefore ?? 'ready' });
      if (task.status !== 'deleting') return;
      const gone = (): void => catalogue.later(() => catalogue.remove('task', arn));
      dropSlot(task).then(gone, gone);
    });
  }

  function recover(): void {
    const settling: readonly string[] = ['creating', 'modifying', 'deleting'];
    for (const task of catalogue.tasks()) if (settling.includes(task.status)) settle(task);
  }

  return { create, modify, describe, remove, recover };
}

function check(given: {
  settings: string;
  mappings: string;
  start?: string | undefined;
  stop?: string | undefined;
}) {
  parseTaskSettings(given.settings);
  parseMappings(given.mappings);
  checkStart(given.start);
  checkStop(given.stop);
}

const FILTERS = {
  'replication-task-arn': (one: Task) => one.arn,
  'replication-task-id': (one: Task) => one.id,
  'migration-type': (one: Task) => one.type,
  'endpoint-arn': (one: Task) => one.sourceArn,
  'replication-instance-arn': (one: Task) => one.instanceArn,
};
