import { Command, CommanderError } from 'commander';
import { FAILURES, type FailureName } from '../lake/failures.ts';
import { type Context, EXIT, Refused, openContext } from './context.ts';

type Add = (program: Command, context: () => Context) => void;

/** A command's module is loaded when it is asked for: together they take seconds. */
const COMMANDS: Readonly<Record<string, () => Promise<Add>>> = {
  adopt: async () => (await import('./adopt.ts')).addAdopt,
  apply: async () => (await import('./apply.ts')).addApply,
  compare: async () => (await import('./compare.ts')).addCompare,
  decide: async () => (await import('./decide.ts')).addDecide,
  local: async () => (await import('./local.ts')).addLocal,
  query: async () => (await import('./query.ts')).addQuery,
  release: async () => (await import('./rollback.ts')).addRelease,
  repair: async () => (await import('./repair.ts')).addRepair,
  rollback: async () => (await import('./rollback.ts')).addRollback,
  status: async () => (await import('./status.ts')).addStatus,
  verify: async () => (await import('./verify.ts')).addVerify,
  worker: async () => (await import('./worker.ts')).addWorker,
};

const EXIT_CODES = `
Data is on stdout, all else on stderr. Exit status: ${EXIT.fine} fine, ${EXIT.failed} failed, ${EXIT.usage} usage, ${EXIT.waits} something waits for a person.`;

/** Where a command line's words go. */
export interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

const TERMINAL: Streams = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
};

/** Run one command line; resolves the process's exit status. Data goes to stdout, everything else to stderr. */
export async function main(argv: readonly string[], { out, err }: Streams = TERMINAL): Promise<number> {
  const program = new Command('tributary')
    .description('A data lake on AWS, run as durable Temporal workflows')
    .configureOutput({ writeOut: out, writeErr: err })
    .exitOverride()
    .showHelpAfterError('`--help` after a command says what it takes')
    .addHelpText('after', EXIT_CODES);
  let status: number = EXIT.fine;
  const context = () => openContext({ out, err }, (code) => void (status = code));
  const named = COMMANDS[argv[0] ?? ''];
  for (const load of named ? [named] : Object.values(COMMANDS)) (await load())(program, context);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    err(`${said(error)}\n`);
    if (error instanceof Refused) return error.exitCode;
    return isUnanswerable(error) ? EXIT.usage : EXIT.failed;
  }
}

/** A failure of the catalogue says what was found, where; what nobody has named shows where it comes from. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof Refused || isUnanswerable(error)) return error.message;
  const type = 'type' in error ? error.type : undefined;
  const name = Object.keys(FAILURES).find((known): known is FailureName => known === type);
  return name ? `${name}: ${error.message}` : (error.stack ?? error.message);
}

/** `reading/` refuses what must be asked otherwise; its modules are loaded only where they are needed. */
function isUnanswerable(error: unknown): boolean {
  return error instanceof Error && error.name === 'QueryRefused';
}
