import { setMaxListeners } from 'node:events';
import { NativeConnection, Worker } from '@temporalio/worker';
import { probeConditionalCreate } from '../activities/objects/probe.ts';
import type { Env } from '../config/env.ts';
import { workflowBundle } from './bundle.ts';
import { QUEUES, QUEUE_LIMITS, type Queue } from './queues.ts';
import { openLake, wireActivities } from './wiring.ts';

export interface WorkerOptions {
  readonly env: Env;
  readonly bucket: string;
  readonly queues?: readonly Queue[];
  /** Called once every queue is polled. */
  readonly onReady?: () => void;
}

/** Of one activity, at most: what shares its cancellation signal. */
const REQUESTS_IN_FLIGHT = 200;

/** How long activities may go on after a shutdown signal; what is cut short is taken up by another worker. */
const GRACE = '10 seconds';

/**
 * Work on the lake's queues until a shutdown signal. Rejects when the store ignores conditional creates, and when any
 * of its workers fails: the process must then end.
 */
export async function runWorkers({ env, bucket, queues = QUEUES, onReady }: WorkerOptions): Promise<void> {
  // An activity's one signal stops each of its requests in flight: more than Node's ten, and no leak.
  setMaxListeners(REQUESTS_IN_FLIGHT);
  await probeConditionalCreate(openLake({ env, bucket }).store, AbortSignal.timeout(30_000));
  const connection = await NativeConnection.connect({
    address: env.temporalAddress ?? '127.0.0.1:7233',
    tls: env.temporalTls,
    ...(env.temporalApiKey !== undefined && { apiKey: env.temporalApiKey }),
  });
  try {
    const activities = await wireActivities({ env, bucket });
    const bundle = queues.some((queue) => QUEUE_LIMITS[queue].workflows) ? await workflowBundle() : undefined;
    const workers = await Promise.all(
      queues.map((taskQueue) => {
        const { workflows, activities: atOnce } = QUEUE_LIMITS[taskQueue];
        return Worker.create({
          connection,
          namespace: env.temporalNamespace,
          taskQueue,
          activities,
          maxConcurrentActivityTaskExecutions: atOnce,
          shutdownGraceTime: GRACE,
          ...(workflows && bundle && { workflowBundle: bundle, maxCachedWorkflows: 200 }),
        });
      }),
    );
    onReady?.();
    await Promise.all(workers.map((worker) => worker.run()));
  } finally {
    await connection.close();
  }
}
