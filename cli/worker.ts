import type { Command } from 'commander';
import { QUEUES, type Queue } from '../workers/queues.ts';
import { type Context, EXIT, Refused, bucketOf } from './context.ts';

/** `worker`: work on the lake's task queues until a signal ends it. */
export function addWorker(program: Command, context: () => Context): void {
  program
    .command('worker')
    .description("work on the lake's task queues")
    .option('--queues <names>', `which, between commas (default: ${QUEUES.join(',')})`)
    .action(async (options: { queues?: string }) => {
      const io = context();
      const names = options.queues?.split(',').map((name) => name.trim()) ?? io.env.queues ?? QUEUES;
      const { runWorkers } = await import('../workers/main.ts');
      const queues = names.map(queueNamed);
      await runWorkers({
        env: io.env,
        bucket: bucketOf(io),
        queues,
        onReady: () => io.progress(`working on ${queues.join(', ')}`),
      });
    });
}

function queueNamed(name: string): Queue {
  const queue = QUEUES.find((known) => known === name);
  if (!queue) throw new Refused(`${name} is no queue: there are ${QUEUES.join(', ')}`, EXIT.usage);
  return queue;
}
