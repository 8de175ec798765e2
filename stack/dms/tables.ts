import type {
  DescribeTableStatisticsMessage,
  DescribeTableStatisticsResponse,
  ReloadTablesMessage,
  ReloadTablesResponse,
  TableStatistics,
} from '@aws-sdk/client-database-migration-service';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import { type Strike, staleMs } from './faults-at.ts';
import { invalid, wrongState } from './identifier.ts';
import type { Table } from './model.ts';
import { page } from './paging.ts';

const MOST_RELOADS = 10;

/** `reload` begins to load these tables anew beside the running changes. */
export function tableOperations(
  catalogue: Catalogue,
  reload: (taskArn: string, tables: readonly { schema: string; name: string }[]) => void,
  strike: Strike,
) {
  function describe(input: DescribeTableStatisticsMessage): DescribeTableStatisticsResponse {
    const { arn, id } = catalogue.task(input.ReplicationTaskArn);
    const asked = { ...input, MaxRecords: input.MaxRecords ?? 100 };
    const tables = catalogue.tablesAgo(arn, staleMs(strike, 'ShowTables', id));
    const { items, ...rest } = page(tables, asked, FILTERS, { most: 500 });
    return { ReplicationTaskArn: arn, TableStatistics: items.map(shown), ...rest };
  }

  function reloadTables(input: ReloadTablesMessage): ReloadTablesResponse {
    const task = catalogue.task(input.ReplicationTaskArn);
    if (task.status !== 'running') {
      throw wrongState(
        `Replication task ${task.arn} is ${task.status}: tables are reloaded while it is running`,
      );
    }
    if (task.type === 'cdc')
      throw wrongState(`Replication task ${task.arn} loads nothing: it is of type cdc`);
    if (input.ReloadOption === 'validate-only') throw invalid('ReloadOption validate-only is not built here');
    const asked = input.TablesToReload ?? [];
    const tables = asked.map(({ SchemaName: schema = '', TableName: name = '' }) => ({ schema, name }));
    const distinct = new Set(tables.map((table) => JSON.stringify(table)));
    if (tables.length === 0 || tables.length > MOST_RELOADS || distinct.size < tables.length) {
      throw invalid(`TablesToReload names ${tables.length} tables; it takes 1 to ${MOST_RELOADS}, each once`);
    }
    const owed = tables.map(({ schema, name }) => {
      const known = catalogue.table(task.arn, schema, name);
      if (known) return { ...known, isReloadOwed: true };
      throw new ServiceError(
        'ResourceNotFoundFault',
        `Replication task ${task.arn} has no table ${schema}.${name}`,
      );
    });
    // On disk before the answer: it is owed, whatever ends before it begins.
    for (const table of owed) catalogue.setTable(table);
    reload(task.arn, tables);
    return { ReplicationTaskArn: task.arn };
  }

  return { describe, reloadTables };
}

const FILTERS = {
  'schema-name': (one: Table) => one.schema,
  'table-name': (one: Table) => one.name,
  'table-state': (one: Table) => one.state,
};

function shown(one: Table): TableStatistics {
  return {
    SchemaName: one.schema,
    TableName: one.name,
    Inserts: one.inserts,
    Updates: one.updates,
    Deletes: one.deletes,
    Ddls: one.ddls,
    AppliedInserts: one.inserts,
    AppliedUpdates: one.updates,
    AppliedDeletes: one.deletes,
    AppliedDdls: one.ddls,
    FullLoadRows: one.loadRows,
    FullLoadCondtnlChkFailedRows: 0,
    FullLoadErrorRows: 0,
    ...(one.loadStartedAt === undefined ? {} : { FullLoadStartTime: new Date(one.loadStartedAt) }),
    ...(one.loadEndedAt === undefined ? {} : { FullLoadEndTime: new Date(one.loadEndedAt) }),
    FullLoadReloaded: one.isReloaded,
    LastUpdateTime: new Date(one.updatedAt),
    TableState: one.state,
    ValidationState: 'Not enabled',
    ValidationPendingRecords: 0,
    ValidationFailedRecords: 0,
    ValidationSuspendedRecords: 0,
  };
}
