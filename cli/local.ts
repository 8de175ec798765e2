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
      const ports = { ...optionalPort('port', port), ...optionalPort('temporalPort', temporalPort) };
      const local = await startLocal({ data: resolve(data), bucket, say: io.progress, ...ports });
      const ended = new Promise<void>((done) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => done());
      });
      try {
        await local.startWorker();
        for (const [name, value] of Object.entries(local.exports))
          io.data(`export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`);
        io.data('ready');
        await ended;
      } finally {
        await local.stop();
      }
    });
}

function optionalPort(name: string, text: string | undefined): Record<string, number> {
  if (text === undefined) return {};
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Refused(`--${name} is ${text}: it must be a port, 1 to 65535`, EXIT.usage);
  return { [name]: port };
}
