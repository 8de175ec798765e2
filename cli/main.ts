import { Command, CommanderError } from 'commander';
import { addApply } from './apply.ts';
import { EXIT, Refused, openContext } from './context.ts';
import { addDecide } from './decide.ts';
import { addLocal } from './local.ts';
import { addQuery } from './query.ts';
import { addRollback } from './rollback.ts';
import { addStatus } from './status.ts';
import { addVerify } from './verify.ts';
import { addWorker } from './worker.ts';

/** Run one command line; resolves the process's exit status. Data goes to stdout, everything else to stderr. */
export async function main(argv: readonly string[]): Promise<number> {
  const program = new Command('tributary')
    .description('A data lake on AWS, run as durable Temporal workflows')
    .exitOverride()
    .showHelpAfterError();
  for (const add of [addApply, addDecide, addLocal, addQuery, addRollback, addStatus, addVerify, addWorker]) {
    add(program, openContext);
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return Number(process.exitCode ?? EXIT.fine);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
    if (error instanceof Refused) {
      process.stderr.write(`${error.message}\n`);
      return error.exitCode;
    }
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.failed;
  }
}
