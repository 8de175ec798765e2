import { type Reply, Refusal, readAll } from './exchange.ts';
import type { Action, Faults } from './faults.ts';
import { type Job, once } from './job.ts';

/** How a call ends for the client. */
export type Ending =
  | { readonly kind: 'reply'; readonly reply: Reply }
  /** Half of the reply's body, then a reset. */
  | { readonly kind: 'cut'; readonly reply: Reply }
  | { readonly kind: 'reset' }
  | { readonly kind: 'hang' };

const LARGEST_REPEATED_BYTES = 64 << 20;

/** Does the job, with whatever the rules have in store for it before and after. */
export async function runStruck(
  job: Job,
  faults: Faults,
  world: { jump(byMs: number): void; sleep(ms: number): Promise<void>; bodyBytes: number },
): Promise<Ending> {
  for (const action of faults.strike(job)) {
    if (action.kind === 'delay') await world.sleep(action.ms);
    else if (action.kind === 'clock-jump') world.jump(action.ms);
    else return act(job, action, world.bodyBytes);
  }
  return { kind: 'reply', reply: await job.run(job.body) };
}

type Decisive = Exclude<Action, { kind: 'delay' | 'clock-jump' }>;

async function act(job: Job, action: Decisive, bodyBytes: number): Promise<Ending> {
  switch (action.kind) {
    case 'error':
      return { kind: 'reply', reply: job.refuse(refusalOf(action)) };
    case 'hang':
      return { kind: 'hang' };
    case 'reset-before':
      return { kind: 'reset' };
    case 'reset-during':
      await drain(job.body, bodyBytes / 2);
      return { kind: 'reset' };
    case 'reset-after':
      await drain(job.body, Number.POSITIVE_INFINITY);
      return { kind: 'reset' };
    case 'cut-response':
      return { kind: 'cut', reply: await job.run(job.body) };
    case 'apply-then-lose':
      discard(await job.run(job.body));
      return { kind: 'reset' };
    case 'apply-then-error':
      discard(await job.run(job.body));
      return { kind: 'reply', reply: job.refuse(refusalOf(action)) };
    case 'apply-twice': {
      const body = await readAll(job.body, LARGEST_REPEATED_BYTES);
      discard(await job.run(once(body)));
      return { kind: 'reply', reply: await job.run(once(body)) };
    }
  }
}

function refusalOf(action: { status?: number; code?: string; message?: string }): Refusal {
  const {
    status = 503,
    code = 'SlowDown',
    message = 'Please reduce your request rate. (An injected fault.)',
  } = action;
  return new Refusal(status, code, message);
}

async function drain(body: AsyncIterable<Buffer>, limitBytes: number): Promise<void> {
  let sizeBytes = 0;
  for await (const chunk of body) {
    sizeBytes += chunk.length;
    if (sizeBytes >= limitBytes) return;
  }
}

function discard({ body }: Reply): void {
  if (!Buffer.isBuffer(body)) body.destroy();
}
