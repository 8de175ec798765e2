import { userInfo } from 'node:os';
import type { Client } from '@temporalio/client';
import type { Command } from 'commander';
import type { Repaired } from '../activities/tables/repairs.ts';
import { workflowIds } from '../lake/ids.ts';
import { openLake } from '../workers/wiring.ts';
import { repairTablesUpdate } from '../workflows/support/repair-update.ts';
import { reloadTablesUpdate } from '../workflows/support/replication-updates.ts';
import { askUpdate } from './ask.ts';
import { type Context, EXIT, Refused, bucketOf, connect, untilInterrupted } from './context.ts';

interface RepairOptions {
  readonly table?: string[];
  readonly reload?: boolean;
  readonly reason?: string;
  readonly by: string;
  readonly json?: boolean;
}

/** `repair`: let the run of a database write the rows that differ, or load whole tables again. */
export function addRepair(program: Command, context: () => Context): void {
  program
    .command('repair')
    .description('compare the tables of a database source, and write the rows that differ as it has them')
    .argument('<source>', 'such as shop')
    .option('--table <name...>', 'only these, as schema.table')
    .option('--reload', 'load the tables again whole, whatever differs; give --table')
    .option('--reason <text>', 'why, for whoever asks later')
    .option('--by <name>', 'who repairs', userInfo().username)
    .option('--json', 'what was done, as JSON')
    .addHelpText(
      'after',
      `
Workers need TRIBUTARY_DATABASE_<SOURCE>. It takes minutes: what differs may be under way. A table in which more rows
differ than can be named is loaded again. Exit status: 3 a table was neither repaired nor found equal.`,
    )
    .action(async (source: string, options: RepairOptions) => {
      const io = context();
      const { table, reload = false, reason, by } = options;
      if (reason === undefined || reason.trim() === '')
        throw new Refused('give --reason: why, for whoever asks later', EXIT.usage);
      if (reload && table === undefined)
        throw new Refused('give --table: which tables are loaded again', EXIT.usage);
      const tables = table ?? (await declaredTables(io, source));
      const { client, close } = await connect(io);
      try {
        const request = { tables, reason, by };
        const done = reload
          ? await loadAgain(client, source, request)
          : await repairRows(client, source, request);
        if (options.json) io.data(JSON.stringify(done));
        else for (const line of done.tables.map(lineOf)) io.data(line);
        const isLeft = ({ outcome }: Outcome) => outcome === 'loading' || outcome === 'notCompared';
        if (done.tables.some(isLeft)) io.endWith(EXIT.waits);
      } finally {
        await close();
      }
    });
}

interface Request {
  readonly tables: readonly string[];
  readonly reason: string;
  readonly by: string;
}

type Outcome = Omit<Repaired, 'outcome'> & { readonly outcome: Repaired['outcome'] | 'reloading' };

interface Done {
  readonly tables: readonly Outcome[];
  /** Keys of the objects that keep who asked, and why. */
  readonly decisions: readonly string[];
}

async function repairRows(client: Client, source: string, request: Request): Promise<Done> {
  const workflow = workflowIds.replicateDatabase(source);
  const answer = await askUpdate(client, workflow, repairTablesUpdate, request);
  const many = answer.tables.filter(({ outcome }) => outcome === 'tooMany').map(({ table }) => table);
  if (many.length === 0) return { tables: answer.tables, decisions: [answer.decision] };
  const again = await loadAgain(client, source, { ...request, tables: many });
  return {
    tables: answer.tables.map((one) => again.tables.find(({ table }) => table === one.table) ?? one),
    decisions: [answer.decision, ...again.decisions],
  };
}

async function loadAgain(client: Client, source: string, request: Request): Promise<Done> {
  const workflow = workflowIds.replicateDatabase(source);
  const { tables, decision } = await askUpdate(client, workflow, reloadTablesUpdate, request);
  const outcome = 'reloading' as const;
  const message = 'DMS loads it again: its rows are replaced when the load is whole';
  return {
    tables: tables.map((table) => ({ table, outcome, rows: 0, removed: 0, message })),
    decisions: [decision],
  };
}

async function declaredTables(io: Context, source: string): Promise<readonly string[]> {
  const { spec } = openLake({ env: io.env, bucket: bucketOf(io) });
  const { sources } = (await spec.read(untilInterrupted())).spec;
  const found = Object.hasOwn(sources, source) ? sources[source] : undefined;
  if (found?.kind === 'database') return Object.keys(found.tables);
  throw new Refused(`${source} is no database of the lake`, EXIT.usage);
}

function lineOf({ table, outcome, rows, removed, message }: Outcome): string {
  const done = outcome === 'repaired' ? `repaired: ${rows} rows written, ${removed} removed` : outcome;
  return `${table}: ${done}${message === '' ? '' : ` (${message})`}`;
}
