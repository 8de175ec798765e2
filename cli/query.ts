import type { Command } from 'commander';
import { type QueryResult, query } from '../reading/query.ts';
import { openLake } from '../workers/wiring.ts';
import { type Context, EXIT, Refused, bucketOf, untilInterrupted, withScratch } from './context.ts';
import { tableLines } from './table.ts';

interface QueryOptions {
  readonly settled?: boolean;
  readonly at?: string;
  readonly json?: boolean;
}

/** `query`: answer one SELECT over the lake's datasets, from one stamp. */
export function addQuery(program: Command, context: () => Context): void {
  program
    .command('query')
    .description("answer one SELECT over the lake's datasets")
    .argument('<sql>', `such as "SELECT count(*) FROM flights"; "flights$rows" shows where rows came from`)
    .option('--settled', 'only what passed the gate (default: also what came since)')
    .option('--at <stamp>', 'as the lake was at a stamp of an earlier query')
    .option('--json', 'one object: columns, rows, stamp')
    .action(async (sql: string, options: QueryOptions) => {
      const io = context();
      const { at, settled } = options;
      if (at !== undefined && !/^[0-9a-f]{64}$/.test(at))
        throw new Refused(
          `--at is ${at}: it must be a stamp, 64 hex digits, as queries print it`,
          EXIT.usage,
        );
      const signal = untilInterrupted();
      const { store, ledger, spec } = openLake({ env: io.env, bucket: bucketOf(io) });
      const result = await withScratch(io, async (folders) => {
        const ports = { store, ledger, spec: await spec.read(signal), ...folders };
        const mode = settled ? 'settled' : 'live';
        const asked = { sql, mode, ...(at !== undefined && { at }) } as const;
        return query({ ...ports, memoryMb: io.env.memoryMb, threads: 2 }, asked, signal).catch(refusedBySql);
      });
      if (settled && result.stamp.stamp.mode !== 'settled')
        throw new Refused(`stamp ${result.stamp.sha256} is live: ask without --settled`, EXIT.usage);
      print(io, result, options.json ?? false);
    });
}

function print(io: Context, { columns, rows, stamp: { sha256, stamp } }: QueryResult, json: boolean): void {
  if (json) {
    io.data(JSON.stringify({ columns, rows, stamp: { sha256, ...stamp } }));
    return;
  }
  for (const line of tableLines(columns, rows, process.stdout.isTTY)) io.data(line);
  const versions = Object.entries(stamp.versions).map(([dataset, n]) => `${dataset} version ${n}`);
  io.progress(`${rows.length} rows, ${stamp.mode}: ${versions.join(', ')}`);
  io.progress(`stamp ${sha256}`);
}

/** DuckDB's errors are about the SQL that a person typed: their words are all that helps. */
function refusedBySql(error: unknown): never {
  if (
    error instanceof Error &&
    /^(Binder|Parser|Catalog|Conversion|Invalid|Out of Range|Permission)/.test(error.message)
  )
    throw new Refused(error.message);
  throw error;
}
