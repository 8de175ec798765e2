import { ServiceError } from '../json-service.ts';
import type { Clock } from '../service.ts';
import { History } from './history.ts';
import type { Connection, Endpoint, Instance, Table, Task } from './model.ts';
import { Records } from './records.ts';

/** Whose replication this is, and by which time. */
export interface Realm {
  readonly account: string;
  readonly region: string;
  readonly clock: Clock;
}

/** Everything that the control plane knows, on disk before it is true in memory. */
export class Catalogue {
  readonly realm: Realm;
  readonly #records: Records;
  readonly #taskHistory = new History<Task>();
  /** By task, then by the key of the table. */
  readonly #tableHistory = new Map<string, History<Table>>();
  readonly #pending = new Set<NodeJS.Timeout>();
  #isClosed = false;

  constructor(dir: string, realm: Realm) {
    this.realm = realm;
    this.#records = new Records(dir);
  }

  arn(kind: 'rep' | 'endpoint' | 'task', identifier: string): string {
    return `arn:aws:dms:${this.realm.region}:${this.realm.account}:${kind}:${identifier}`;
  }

  instances = (): Instance[] => this.#records.all('instance') as Instance[];
  endpoints = (): Endpoint[] => this.#records.all('endpoint') as Endpoint[];
  connections = (): Connection[] => this.#records.all('connection') as Connection[];
  tasks = (): Task[] => this.#records.all('task') as Task[];

  instance(arn: string | undefined): Instance {
    return this.#found('instance', 'Replication instance', arn) as Instance;
  }

  endpoint(arn: string | undefined): Endpoint {
    return this.#found('endpoint', 'Endpoint', arn) as Endpoint;
  }

  task(arn: string | undefined): Task {
    return this.#found('task', 'Replication task', arn) as Task;
  }

  hasTask(arn: string): boolean {
    return this.#records.get('task', arn) !== undefined;
  }

  tables(taskArn: string): Table[] {
    return this.#records.all(`table ${taskArn}`) as Table[];
  }

  table(taskArn: string, schema: string, name: string): Table | undefined {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `setTable` writes these
    return this.#records.get(`table ${taskArn}`, tableKey(schema, name)) as Table | undefined;
  }

  setInstance = (value: Instance): void => this.#records.set('instance', value.arn, value);
  setEndpoint = (value: Endpoint): void => this.#records.set('endpoint', value.arn, value);
  setConnection = (value: Connection): void => this.#records.set('connection', connectionKey(value), value);

  setTask(value: Task): Task {
    this.#taskHistory.note(value.arn, this.hasTask(value.arn) ? this.task(value.arn) : value, value);
    this.#records.set('task', value.arn, value);
    return value;
  }

  /** Changes a task as it is at this moment. */
  changeTask(arn: string, change: Partial<Task>): Task {
    return this.setTask({ ...this.task(arn), ...change });
  }

  setTable(value: Table): void {
    this.#noteTable(value, value);
    this.#records.set(`table ${value.taskArn}`, tableKey(value.schema, value.name), value);
  }

  /** The task as it was that long ago, by real time; as it was first, where it was not there yet. */
  taskAgo(arn: string, ms: number): Task {
    const task = this.task(arn);
    return this.#taskHistory.ago(arn, ms, task) ?? task;
  }

  /** Its tables as they were that long ago. */
  tablesAgo(taskArn: string, ms: number): Table[] {
    const current = new Map(this.tables(taskArn).map((table) => [tableKey(table.schema, table.name), table]));
    const history = this.#tableHistory.get(taskArn) ?? new History<Table>();
    return [...new Set([...current.keys(), ...history.keys()])].flatMap(
      (key) => history.ago(key, ms, current.get(key)) ?? [],
    );
  }

  removeTables(taskArn: string): void {
    for (const table of this.tables(taskArn)) {
      this.#noteTable(table, undefined);
      this.#records.remove(`table ${taskArn}`, tableKey(table.schema, table.name));
    }
  }

  remove(kind: 'instance' | 'endpoint' | 'task', arn: string): void {
    this.#records.remove(kind, arn);
    this.#records.remove('tags', arn);
    if (kind === 'task') {
      this.removeTables(arn);
      this.#tableHistory.delete(arn);
      return;
    }
    for (const one of this.connections()) {
      if (one.instanceArn === arn || one.endpointArn === arn) {
        this.#records.remove('connection', connectionKey(one));
      }
    }
  }

  removeConnection(one: Connection): void {
    this.#records.remove('connection', connectionKey(one));
  }

  tags(arn: string): Record<string, string> {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- only `setTags` writes these
    return (this.#records.get('tags', arn) ?? {}) as Record<string, string>;
  }

  setTags(arn: string, tags: Record<string, string>): void {
    this.#records.set('tags', arn, tags);
  }

  /** Does it a little later, as AWS settles what was asked for. Nothing happens after `close`. */
  later(act: () => void): void {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      if (!this.#isClosed) act();
    }, SETTLES_IN_MS);
    this.#pending.add(timer);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#pending) clearTimeout(timer);
    this.#records.close();
  }

  #noteTable({ taskArn, schema, name }: Table, value: Table | undefined): void {
    const history = this.#tableHistory.get(taskArn) ?? new History<Table>();
    this.#tableHistory.set(taskArn, history);
    history.note(tableKey(schema, name), this.table(taskArn, schema, name), value);
  }

  #found(kind: string, name: string, arn: string | undefined): unknown {
    const found = arn === undefined ? undefined : this.#records.get(kind, arn);
    if (found === undefined) throw new ServiceError('ResourceNotFoundFault', `${name} ${arn} was not found`);
    return found;
  }
}

const SETTLES_IN_MS = 50;

export function tableKey(schema: string, name: string): string {
  return JSON.stringify([schema, name]);
}

function connectionKey({ instanceArn, endpointArn }: Connection): string {
  return `${instanceArn} ${endpointArn}`;
}
