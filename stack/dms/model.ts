import type {
  CreateEndpointMessage,
  PostgreSQLSettings,
  S3Settings,
} from '@aws-sdk/client-database-migration-service';

/** Times are milliseconds since the epoch. */
export interface Instance {
  readonly arn: string;
  readonly id: string;
  readonly class: string;
  readonly status: 'creating' | 'available' | 'deleting';
  readonly createdAt: number;
  readonly engineVersion: string;
  readonly storageGb: number;
}

export interface Endpoint {
  readonly arn: string;
  readonly id: string;
  readonly type: 'source' | 'target';
  readonly engine: string;
  readonly status: 'active' | 'modifying' | 'deleting';
  /** As it was asked for, the password too. */
  readonly given: Partial<CreateEndpointMessage>;
  readonly postgres?: PostgreSQLSettings | undefined;
  readonly s3?: S3Settings | undefined;
}

export interface Connection {
  readonly instanceArn: string;
  readonly endpointArn: string;
  readonly status: 'testing' | 'successful' | 'failed' | 'deleting';
  readonly failure?: string;
}

export type TaskStatus =
  | 'creating'
  | 'ready'
  | 'starting'
  | 'running'
  | 'stopping'
  | 'stopped'
  | 'failed'
  | 'modifying'
  | 'deleting';

export type MigrationType = 'full-load' | 'full-load-and-cdc' | 'cdc';

export interface Task {
  readonly arn: string;
  readonly id: string;
  readonly sourceArn: string;
  readonly targetArn: string;
  readonly instanceArn: string;
  readonly type: MigrationType;
  /** JSON, as it was given. */
  readonly mappings: string;
  readonly settings: string;
  readonly status: TaskStatus;
  /** What `modifying` goes back to. */
  readonly statusBefore?: TaskStatus;
  readonly createdAt: number;
  readonly startPosition?: string | undefined;
  readonly stopPosition?: string | undefined;
  readonly stopReason?: string | undefined;
  readonly failure?: string | undefined;
  readonly checkpoint?: string | undefined;
  readonly freshStartAt?: number | undefined;
  readonly startedAt?: number | undefined;
  readonly stoppedAt?: number | undefined;
  readonly loadStartedAt?: number | undefined;
  readonly loadFinishedAt?: number | undefined;
  /** The replication slot, once there is one. */
  readonly slot?: string | undefined;
  /** Whether the slot is dropped with the task. */
  readonly ownsSlot?: boolean;
  /** All that every CDC file holds: the end of the last transaction in them. */
  readonly written?: string | undefined;
  /** Where the loads end: the changes up to here were cached while they ran. */
  readonly loadEnd?: string | undefined;
  /** The last AR_H_CHANGE_SEQ that was written. */
  readonly sequence?: string | undefined;
}

export type TableState =
  | 'Before load'
  | 'Full load'
  | 'Table completed'
  | 'Table cancelled'
  | 'Table error'
  | 'Table is being reloaded'
  | 'Table does not exist';

export interface Table {
  readonly taskArn: string;
  readonly schema: string;
  readonly name: string;
  readonly state: TableState;
  readonly inserts: number;
  readonly updates: number;
  readonly deletes: number;
  readonly ddls: number;
  readonly loadRows: number;
  readonly loadStartedAt?: number | undefined;
  readonly loadEndedAt?: number | undefined;
  readonly isReloaded: boolean;
  /** ReloadTables was answered, and the reload has not begun. */
  readonly isReloadOwed?: boolean | undefined;
  readonly updatedAt: number;
  /** The snapshot of the load: transactions that committed before it are in the load and nowhere else. */
  readonly snapshotAt?: string | undefined;
  /** Of the table at the source, as `SourceTable` has them: what was seen last. */
  readonly oid?: string | undefined;
  readonly columns?: Readonly<Record<string, string>> | undefined;
  /** Why it is in error. */
  readonly failure?: string | undefined;
}
