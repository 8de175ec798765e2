import type { Command } from 'commander';
import { databaseUrl, databaseVariable } from '../config/env.ts';
import { parseDuration } from '../config/units.ts';
import { type CompareReport, type NamedRow, type TableReport, verdictOf } from '../lake/compare-tables.ts';
import { type ComparePorts, compareSource } from '../reading/compare/compare.ts';
import { CLOCK, openDatabase, openLake, settleMs } from '../workers/wiring.ts';
import { type Context, EXIT, Refused, bucketOf, untilInterrupted, withScratch } from './context.ts';
import { cellText } from './table.ts';

interface CompareOptions {
  readonly table?: string[];
  readonly settled?: boolean;
  readonly settle?: string;
  readonly within?: string;
  readonly json?: boolean;
}

/** `compare`: hold every table of a database source, row for row, against the lake; names the rows that differ. */
export function addCompare(program: Command, context: () => Context): void {
  program
    .command('compare')
    .description('compare the tables of a database source, row for row, with what the lake shows of them')
    .argument('<source>', 'such as shop')
    .option('--table <name...>', 'only these, as schema.table')
    .option('--settled', 'with what passed the gate alone (default: also what came since)')
    .option(
      '--settle <duration>',
      'a row differs once neither side changed it for so long (default: 3 times how often landings are looked for, at least 2m)',
    )
    .option('--within <duration>', 'what still changes after so long is pending', '15m')
    .option('--json', 'the report, as JSON')
    .addHelpText(
      'after',
      `\nThe database is the one of ${databaseVariable('<source>')}. Exit status: 1 rows differ, 3 not all could be compared.`,
    )
    .action(async (source: string, options: CompareOptions) => {
      const io = context();
      const report = await compareNow(io, source, options, untilInterrupted());
      if (options.json) io.data(JSON.stringify(report));
      else for (const line of lines(report)) io.data(line);
      const verdict = verdictOf(report);
      if (verdict !== 'equal') io.endWith(verdict === 'differs' ? EXIT.failed : EXIT.waits);
    });
}

/** Compare as the options say, against the database that the environment names. */
export async function compareNow(
  io: Context,
  source: string,
  { table: tables, settled, settle, within = '15m' }: CompareOptions,
  signal: AbortSignal,
): Promise<CompareReport> {
  const url = databaseUrl(source);
  const { store, ledger, spec: specs } = openLake({ env: io.env, bucket: bucketOf(io) });
  const spec = await specs.read(signal);
  const declared = spec.spec.sources[source];
  if (url === undefined && declared?.kind === 'database')
    throw new Refused(`set ${databaseVariable(source)}: where the database of ${source} is`, EXIT.usage);
  const everyMs = declared?.kind === 'database' ? declared.everyMs : 0;
  const settling = settle === undefined ? settleMs({ everyMs }) : milliseconds('settle', settle);
  const withinMs = Math.max(settling, milliseconds('within', within));
  return withScratch(io, async (folders) => {
    const ports: ComparePorts = {
      store,
      ledger,
      spec,
      ...folders,
      memoryMb: io.env.memoryMb,
      threads: 2,
      database: openDatabase(url ?? ''),
      clock: CLOCK,
    };
    const mode = settled ? 'settled' : 'live';
    const asked = {
      source,
      mode,
      settleMs: settling,
      withinMs,
      say: io.progress,
      ...(tables && { tables }),
    } as const;
    return compareSource(ports, asked, signal);
  });
}

function milliseconds(option: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new Refused(`--${option} is ${text}: it must be a duration, such as 30s or 5m`, EXIT.usage);
  return ms;
}

/** What a person reads: a line a table, and one for each row that differs. */
export function lines({ source, mode, looks, tables }: CompareReport): readonly string[] {
  const [first] = looks;
  const last = looks.at(-1);
  return [
    ...tables.flatMap(tableLines),
    `${source}, ${mode}: the database as of ${first?.at} (${first?.lsn}), stamp ${first?.stamp}`,
    ...(looks.length > 1
      ? [
          `rows that differed, ${looks.length - 1} times more: the last as of ${last?.at} (${last?.lsn}), stamp ${last?.stamp}`,
        ]
      : []),
  ];
}

function tableLines(report: TableReport): string[] {
  if (report.kind === 'not compared') return [`${report.table}: not compared: ${report.reason}`];
  const { table, dataset, rows, named, notes, indistinct } = report;
  const counts = (['missing', 'extra', 'differing', 'pending'] as const)
    .filter((kind) => report[kind] > 0)
    .map((kind) => `${report[kind]} ${kind}`);
  const same = counts.length === 0 ? 'equal' : counts.join(', ');
  const doubled = indistinct.keys === 0 ? '' : `; ${indistinct.rows} rows under ${indistinct.keys} keys`;
  return [
    `${table} (${rows.database} rows) and ${dataset} (${rows.lake}): ${same}${doubled}`,
    ...notes.map((note) => `  ${note}`),
    ...named.map((row) => `  ${rowLine(row)}`),
  ];
}

function rowLine({ kind, key, columns = [], rows }: NamedRow): string {
  const of = Object.entries(key).map(([column, text]) => `${column} ${cellText(text)}`);
  const more = kind === 'indistinct' ? `: ${rows} rows` : columns.length > 0 ? `: ${columns.join(', ')}` : '';
  return `${kind}: ${of.join(', ')}${more}`;
}
