import { Command, CommanderError } from 'commander';
import { QueryRefused } from '../reading/ports.ts';
import { addApply } from './apply.ts';
import { FAILURES, type FailureName } from '../lake/failures.ts';
import { EXIT, Refused, openContext } from './context.ts';
import { addDecide } from './decide.ts';
import { addLocal } from './local.ts';
import { addQuery } from './query.ts';
import { addRollback } from './rollback.ts';
import { addStatus } from './status.ts';
import { addVerify } from './verify.ts';
import { addWorker } from './worker.ts';

const EXIT_CODES = `
Data is on stdout, all else on stderr. Exit status: ${EXIT.fine} fine, ${EXIT.failed} failed, ${EXIT.usage} usage, ${EXIT.waits} something waits for a person.`;

/** Run one command line; resolves the process's exit status. Data goes to stdout, everything else to stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('tributary')
    .description('A data lake on AWS, run as durable Temporal workflows')
    .exitOverride()
    .showHelpAfterError('`--help` after a command says what it takes')
    .addHelpText('after', EXIT_CODES);
  for (const add of [addApply, addDecide, addLocal, addQuery, addRollback, addStatus, addVerify, addWorker]) {
    add(program, openContext);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? EXIT.fine);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    if (error instanceof QueryRefused) {
      process.stderr.write(`${error.message}\n`);
      return EXIT.usage;
    }
    if (error instanceof Refused) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(`${said(error)}\n`);
    return EXIT.failed;
  }
}

/** A failure of the catalogue says what was found, where; what nobody has named shows where it comes from. */
function said(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const type = 'type' in error ? error.type : undefined;
  const name = Object.keys(FAILURES).find((known): known is FailureName => known === type);
  if (name) return `${name}: ${error.message}`;
  return error.stack ?? error.message;
}
