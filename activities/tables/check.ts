import type { Parked } from '../../lake/decisions.ts';
import { type SettingFinding, mendedSettings, reviewSettings } from '../../lake/dms-settings.ts';
import type { DatabaseContext } from './context.ts';

export interface CheckedDatabase {
  /** ARN */
  readonly task: string;
  readonly migrationType: 'full-load' | 'cdc' | 'full-load-and-cdc';
  /** `schema.table`, as declared. */
  readonly tables: readonly string[];
  readonly findings: readonly Parked[];
}

const OPEN_ENDED = { continuous: 'full-load-and-cdc', load: 'full-load', changes: 'cdc' } as const;

/** What of a task and its endpoint would lose data or break order, each with what to change. It only looks. */
export async function checkTask(context: DatabaseContext): Promise<CheckedDatabase> {
  const { task, source, tables } = context;
  const migrationType = task.migrationType as CheckedDatabase['migrationType'];
  const findings = [
    ...settingFindings(context),
    ...unnumbered(context),
    ...(await otherWriters(context)),
    ...sharedFolders(context),
    ...nestedFolders(context),
    ...kindFinding(context),
  ];
  return {
    task: task.arn,
    migrationType,
    tables: [...tables.keys()].filter((name) => name in source.tables),
    findings,
  };
}

/**
 * One for each of task, mappings and endpoint: a change of DMS is one call. Its item names what is found: who lets that
 * pass lets pass nothing that is found later.
 */
function settingFindings({ task }: DatabaseContext): Parked[] {
  const found = reviewSettings(task).filter(({ harm }) => harm !== 'hides errors');
  const changes = mendedSettings(task, found);
  return (['task', 'mappings', 's3'] as const).flatMap((of) => {
    const mine = found.filter((finding) => finding.of === of);
    if (mine.length === 0) return [];
    const message = `${PLACES[of]} of ${task.arn}: ${mine.map(sentence).join('; ')}. Right would be, for ${CALLS[of]}: ${JSON.stringify(changes[of])}`;
    return [
      {
        item: `${task.identifier} ${of} ${mine.map(({ setting }) => setting).join('+')}`,
        failure: 'DmsSettings',
        message,
        allowed: ['retry', 'approve'] as const,
      },
    ];
  });
}

const PLACES = { task: 'settings', mappings: 'table mappings', s3: 'settings of the S3 target' } as const;
const CALLS = {
  task: 'modify-replication-task --replication-task-settings',
  mappings: 'modify-replication-task --table-mappings',
  s3: 'modify-endpoint --s3-settings',
} as const;

function sentence({ harm, setting, found, because }: SettingFinding): string {
  return `${setting} is ${found}, which ${harm}: ${because}`;
}

/** A rule may number the changes of some tables only. */
function unnumbered({ tables, task }: DatabaseContext): Parked[] {
  const all = [...tables.values()];
  const without = all.filter(({ landed }) => landed.changeColumn === undefined).map(({ name }) => name);
  // Where none is numbered, the settings say so.
  if (task.migrationType === 'full-load' || without.length === 0 || without.length === all.length) return [];
  const some = `${without.slice(0, MOST_NAMED).join(', ')}${without.length > MOST_NAMED ? ` and ${without.length - MOST_NAMED} more` : ''}`;
  const message = `no rule of ${task.arn} adds AR_H_CHANGE_SEQ to ${some}, as one does to other tables: nothing orders the changes of one transaction there; right would be an object-locator that these tables fit`;
  const item = `${task.identifier} unnumbered`;
  return [{ item, failure: 'DmsSettings', message, allowed: ['retry', 'approve'] }];
}

/** Names of one kind in a message. */
const MOST_NAMED = 10;

/** Two tasks that write to one folder write the same file names: one overwrites the other. */
async function otherWriters({ tasks, task, signal }: DatabaseContext): Promise<Parked[]> {
  const others = (await tasks.writers(task.targetArn, signal)).filter((arn) => arn !== task.arn);
  if (others.length === 0) return [];
  const message = `${others.join(', ')} write to ${task.targetArn} too: tasks that land the same table overwrite each other's files; right would be an endpoint of its own for each`;
  const item = `${task.identifier} writers`;
  return [{ item, failure: 'DmsSettings', message, allowed: ['retry', 'approve'] }];
}

/** Rules may land two tables of a source under one name. */
function sharedFolders({ tables, task }: DatabaseContext): Parked[] {
  const byFolder = new Map<string, string[]>();
  for (const { name, folder } of tables.values())
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), name]);
  return [...byFolder]
    .filter(([, names]) => names.length > 1)
    .map(([folder, names]) => ({
      item: `${task.identifier} ${folder}`,
      failure: 'DmsSettings',
      message: `${names.join(' and ')} land in one folder, ${folder}; right would be a folder for each`,
      allowed: ['retry'] as const,
    }));
}

/** A name with a slash may land among the files of another table, where nothing tells them apart. */
function nestedFolders({ tables, task }: DatabaseContext): Parked[] {
  const byFolder = new Map([...tables.values()].map(({ name, folder }) => [folder, name]));
  return [...byFolder].flatMap(([folder, name]) => {
    const around = parents(folder).find((parent) => byFolder.has(parent));
    if (around === undefined) return [];
    const message = `${name} lands in ${folder}, among the files of ${byFolder.get(around)} in ${around}; right would be a rule of the task that renames it, for a folder outside`;
    return [{ item: `${task.identifier} ${folder}`, failure: 'DmsSettings', message, allowed: ['retry'] }];
  });
}

/** The folders that it lies in, the nearest first. */
function parents(folder: string): readonly string[] {
  const parts = folder.split('/');
  return parts.map((_, at) => parts.slice(0, -1 - at).join('/')).filter((parent) => parent !== '');
}

/** `lake.yaml` says what is expected of the task; DMS never changes its type. */
function kindFinding({ task, source }: DatabaseContext): Parked[] {
  const right = OPEN_ENDED[source.replicate];
  const fits =
    task.migrationType === right || (source.replicate !== 'load' && task.migrationType !== 'full-load');
  if (fits) return [];
  const message = `${task.arn} is of type ${task.migrationType}; replicate: ${source.replicate} needs one of type ${right}`;
  return [{ item: `${task.identifier} type`, failure: 'DmsSettings', message, allowed: ['retry'] }];
}
