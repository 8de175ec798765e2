import { resolve } from 'node:path';
import type { Command } from 'commander';
import { startLocal } from '../scripts/local/start.ts';
import { type Context, EXIT, Refused } from './context.ts';

interface LocalCommandOptions {
  readonly data: string;
  readonly port?: string;
  readonly temporalPort?: string;
  readonly bucket: string;
}

/** `local`: Temporal, the AWS stand-ins and a worker on this machine, without any data, until a signal ends it. */
export function addLocal(program: Command, context: () => Context): void {
  program
    .command('local')
    .description('run Temporal, the AWS stand-ins and a worker on this machine')
    .option('--data <dir>', 'where everything is kept', '.tributary/local')
    .option('--port <number>', 'of the stand-ins (default: a free one)')
    .option('--temporal-port <number>', 'of Temporal (default: a free one)')
    .option('--bucket <name>', "the lake's bucket, made when it is not there", 'travel-lake')
    .action(async ({ data, port, temporalPort, bucket }: LocalCommandOptions) => {
      const io = context();
      const ports = {
        ...portOf('--port', 'port', port),
        ...portOf('--temporal-port', 'temporalPort', temporalPort),
      };
      // Heard from the start: a signal that comes early ends what was started by then.
      const signalled = new Promise<'signal'>((done) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done('signal'));
      });
      const local = await startLocal({ data: resolve(data), bucket, say: io.progress, ...ports }).catch(
        refused,
      );
      try {
        const worker = local.startWorker();
        if ((await Promise.race([worker.catch(refused), signalled])) === 'signal') return;
        for (const [name, value] of Object.entries(local.exports))
          io.data(`export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`);
        io.data('ready');
        const ended = Promise.race([signalled, worker.then((one) => one.over()), local.stack().over()]);
        if ((await ended) !== 'signal')
          throw new Refused(`the worker or the stand-ins ended: see ${local.logs}`);
      } finally {
        await local.stop();
      }
    });
}

/** What the logs of a process say is all that helps. */
function refused(error: unknown): never {
  throw error instanceof Error ? new Refused(error.message) : error;
}

function portOf(option: string, name: string, text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Refused(`${option} is ${text}: it must be a port, 1 to 65535`, EXIT.usage);
  return { [name]: port };
}
