import type {
  ReplicationTasks,
  StartRequest,
  TableRef,
  TaskDetails,
  TaskNames,
} from '../../activities/dms/port.ts';
import { failure } from '../../activities/failure.ts';
import type { FailureName } from '../../lake/failures.ts';
import type { DmsTable } from '../../lake/dms-tables.ts';
import type { DmsTask } from '../../lake/dms.ts';

export type MigrationType = 'full-load' | 'cdc' | 'full-load-and-cdc';

interface Kept {
  task: DmsTask;
  /** What describes show while they are late. */
  before: DmsTask;
  lateFor: number;
  tables: DmsTable[];
  starts: string[];
  stopPositions: (string | undefined)[];
  loadsAtOnce: boolean;
  details: Partial<TaskDetails>;
}

const UNSET = {
  sourceArn: 'arn:aws:dms:eu-west-1:123456789012:endpoint:SOURCE',
  targetArn: 'arn:aws:dms:eu-west-1:123456789012:endpoint:TARGET',
  instanceArn: 'arn:aws:dms:eu-west-1:123456789012:rep:INSTANCE',
  task: {},
  mappings: {},
  s3: {},
};

type Request = 'describe' | 'start' | 'stop';

const ROWS_PER_TABLE = 5;

/**
 * Replication tasks in memory, with DMS's states: a task that starts or stops gets there when it has been described
 * once meanwhile. Whatever DMS does by itself a test says: `becomes`, `loads`, `setTable`.
 */
export class MemoryDms implements ReplicationTasks {
  readonly #tasks = new Map<string, Kept>();
  readonly #faults: { of: Request; applies: boolean; as: FailureName }[] = [];
  #ms = Date.parse('2026-11-22T12:00:00Z');
  #describes: number[] = [];

  /** How many tasks each describe so far has named. */
  get describes(): readonly number[] {
    return this.#describes;
  }

  /** Make a task that never ran; resolves its ARN. `loadsAtOnce`: a load so small that nobody sees it run. */
  create(
    identifier: string,
    migrationType: MigrationType,
    tables: readonly string[] = ['public.customers', 'public.bookings'],
    loadsAtOnce = false,
  ): string {
    const arn = `arn:aws:dms:eu-west-1:123456789012:task:${identifier.toUpperCase()}`;
    const task: DmsTask = {
      identifier,
      arn,
      migrationType,
      status: 'ready',
      stopReason: null,
      startedAt: null,
      stoppedAt: null,
      lastFailure: null,
      checkpoint: null,
      progressPercent: 0,
      tablesErrored: 0,
    };
    const state = migrationType === 'cdc' ? 'Table completed' : 'Before load';
    this.#tasks.set(arn, {
      task,
      before: task,
      lateFor: 0,
      tables: tables.map((name) => this.#table(name, state)),
      starts: [],
      stopPositions: [],
      loadsAtOnce,
      details: {},
    });
    return arn;
  }

  delete(identifier: string): void {
    this.#tasks.delete(this.#named(identifier).task.arn);
  }

  status(identifier: string): string {
    return this.#named(identifier).task.status;
  }

  /** Does it go on after its load? */
  isReplicating(identifier: string): boolean {
    return this.#named(identifier).task.migrationType !== 'full-load';
  }

  /** The type of every start that was accepted, in order. */
  starts(identifier: string): readonly string[] {
    return this.#named(identifier).starts;
  }

  /** Where each of them was to end. */
  stopPositions(identifier: string): readonly (string | undefined)[] {
    return this.#named(identifier).stopPositions;
  }

  /** What DMS makes of a task by itself, or at somebody else's hand. */
  becomes(identifier: string, change: Partial<DmsTask>): void {
    const kept = this.#named(identifier);
    const ends = change.status === 'stopped' || change.status === 'failed';
    const starts = change.status === 'running' && kept.task.status !== 'starting';
    kept.task = {
      ...kept.task,
      ...(ends && { stoppedAt: this.#now(), checkpoint: 'checkpoint:V1#27' }),
      ...(starts && { startedAt: this.#now() }),
      ...change,
    };
  }

  /** Load every table that is not in error. */
  loads(identifier: string): void {
    const kept = this.#named(identifier);
    kept.tables = kept.tables.map((table) =>
      table.state === 'Table error'
        ? table
        : { ...table, state: 'Table completed', rows: ROWS_PER_TABLE, refreshedAt: this.#now() },
    );
    kept.task = { ...kept.task, progressPercent: 100 };
  }

  setTable(identifier: string, name: string, state: string): void {
    const kept = this.#named(identifier);
    kept.tables = kept.tables.map((table) =>
      `${table.schema}.${table.table}` === name ? { ...table, state, refreshedAt: this.#now() } : table,
    );
    const tablesErrored = kept.tables.filter((table) => table.state === 'Table error').length;
    kept.task = { ...kept.task, tablesErrored };
  }

  /** Let the next request fail; `applies`: it is carried out, and its answer is lost. */
  fail(of: Request, as: FailureName, applies = false): void {
    this.#faults.push({ of, as, applies });
  }

  /** The next describes of a task show it as it is now, whatever happens meanwhile. */
  late(identifier: string, describes: number): void {
    const kept = this.#named(identifier);
    kept.before = kept.task;
    kept.lateFor = describes;
  }

  async describe({ by, names }: TaskNames): Promise<readonly DmsTask[]> {
    this.#describes.push(names.length);
    const fault = this.#faultOf('describe');
    if (fault) throw failure(fault.as, 'describe: refused');
    const found = [...this.#tasks.values()].filter(({ task }) =>
      names.includes(by === 'arn' ? task.arn : task.identifier),
    );
    return found.map((kept) => {
      if (kept.lateFor > 0) {
        kept.lateFor -= 1;
        return kept.before;
      }
      const { task } = kept;
      if (task.status === 'starting') this.#settle(kept);
      if (task.status === 'stopping')
        this.becomes(task.identifier, { status: 'stopped', stopReason: 'Stop Reason NORMAL' });
      return task;
    });
  }

  async tables(arn: string, marker: string | undefined) {
    const { tables } = this.#of(arn);
    const from = Number(marker ?? 0);
    const next = from + 500 < tables.length ? String(from + 500) : undefined;
    return { tables: tables.slice(from, from + 500), next };
  }

  async start({
    arn,
    type,
    cdcStartPosition,
    cdcStopPosition,
  }: StartRequest): Promise<'accepted' | 'wrongState'> {
    const fault = this.#faultOf('start');
    if (fault && !fault.applies) throw failure(fault.as, 'start: refused');
    const kept = this.#of(arn);
    const { status, startedAt, migrationType } = kept.task;
    const canStart = status === 'ready' || status === 'stopped' || status === 'failed';
    const isAgain = type === 'start-replication' && startedAt !== null && cdcStartPosition === undefined;
    if (!canStart || isAgain) return 'wrongState';
    if (type !== 'start-replication' && startedAt === null) throw new Error('data errors: it never ran');
    if (type === 'reload-target' && migrationType === 'cdc') throw failure('DmsRefused', 'nothing to reload');
    kept.starts.push(type);
    kept.stopPositions.push(cdcStopPosition);
    kept.task = { ...kept.task, status: 'starting', startedAt: this.#now() };
    if (kept.loadsAtOnce) this.#settle(kept);
    if (fault) throw failure(fault.as, 'start: no answer');
    return 'accepted';
  }

  async stop(arn: string): Promise<'accepted' | 'wrongState'> {
    const fault = this.#faultOf('stop');
    if (fault && !fault.applies) throw failure(fault.as, 'stop: refused');
    const kept = this.#of(arn);
    if (kept.task.status !== 'running') return 'wrongState';
    kept.task = { ...kept.task, status: 'stopping' };
    return 'accepted';
  }

  async reload(arn: string, tables: readonly TableRef[]): Promise<'accepted' | 'wrongState'> {
    const kept = this.#of(arn);
    if (kept.task.status !== 'running') return 'wrongState';
    if (tables.length > 10) throw new Error(`${tables.length} tables in one request`);
    for (const { schema, table } of tables) {
      this.setTable(kept.task.identifier, `${schema}.${table}`, 'Table is being reloaded');
    }
    return 'accepted';
  }

  async settings(name: string): Promise<TaskDetails> {
    const { task, details } = name.startsWith('arn:') ? this.#of(name) : this.#named(name);
    const { identifier, arn, status, migrationType } = task;
    return { ...UNSET, ...details, identifier, arn, status, migrationType };
  }

  async writers(endpointArn: string): Promise<readonly string[]> {
    return [...this.#tasks.values()]
      .filter(({ details }) => (details.targetArn ?? UNSET.targetArn) === endpointArn)
      .map(({ task }) => task.arn);
  }

  /** How a task is made: what is not said stays DMS's default. */
  made(identifier: string, details: Partial<TaskDetails>): void {
    const kept = this.#named(identifier);
    kept.details = { ...kept.details, ...details };
  }

  /** What DMS counts of a table from now on. */
  counts(identifier: string, name: string, change: Partial<DmsTable>): void {
    const kept = this.#named(identifier);
    kept.tables = kept.tables.map((table) =>
      `${table.schema}.${table.table}` === name ? { ...table, refreshedAt: this.#now(), ...change } : table,
    );
  }

  /** A start has come through. */
  #settle(kept: Kept): void {
    kept.task = { ...kept.task, status: 'running' };
    if (!kept.loadsAtOnce) return;
    this.loads(kept.task.identifier);
    const stopReason = 'Stop Reason FULL_LOAD_ONLY_FINISHED';
    this.becomes(kept.task.identifier, { status: 'stopped', stopReason });
  }

  #faultOf(of: Request) {
    const at = this.#faults.findIndex((fault) => fault.of === of);
    return at < 0 ? undefined : this.#faults.splice(at, 1)[0];
  }

  #table(name: string, state: string): DmsTable {
    const [schema = '', table = ''] = name.split('.');
    return {
      schema,
      table,
      state,
      validation: 'Not enabled',
      rows: 0,
      loadStartedAt: null,
      loadEndedAt: null,
      inserts: 0,
      updates: 0,
      deletes: 0,
      ddls: 0,
      refreshedAt: this.#now(),
    };
  }

  #named(identifier: string): Kept {
    const found = [...this.#tasks.values()].find(({ task }) => task.identifier === identifier);
    if (!found) throw new Error(`no task ${identifier}`);
    return found;
  }

  #of(arn: string): Kept {
    const found = this.#tasks.get(arn);
    if (!found) throw failure('DmsTaskMissing', `no task ${arn}`);
    return found;
  }

  /** Later than every instant before. */
  #now(): string {
    this.#ms = Math.max(this.#ms + 1, Date.now());
    return new Date(this.#ms).toISOString();
  }
}
