import { cancellationSignal, heartbeat } from '@temporalio/activity';
import { failure } from '../failure.ts';
import { DMS_PACING, type DmsPacing } from './pacing.ts';
import type { Connection, Connections, SeenConnection } from './port.ts';

export interface TestConnectionsInput {
  /** Identifier or ARN. */
  readonly task: string;
  /** True: what was found successful before says nothing, for a password or a network may have changed since. */
  readonly fresh: boolean;
}

export interface TestConnectionsResult {
  /** Identifiers of the endpoints that can be reached, the source first. */
  readonly endpoints: readonly string[];
}

export type ConnectionActivities = ReturnType<typeof createConnectionActivities>;

export function createConnectionActivities({
  connections,
  clock,
  pacing: own,
}: {
  readonly connections: Connections;
  readonly clock: { now(): number };
  readonly pacing?: Partial<DmsPacing>;
}) {
  const pacing: DmsPacing = { ...DMS_PACING, ...own };

  /**
   * Let the replication instance of a task reach both its endpoints. Safe to run twice: a test changes nothing at an
   * endpoint, and one that is under way is waited for. Fails with `ConnectionFailed`, in DMS's words.
   */
  async function testConnections({ task, fresh }: TestConnectionsInput): Promise<TestConnectionsResult> {
    const signal = cancellationSignal();
    const ends = await connections.ofTask(task, signal);
    const tested: SeenConnection[] = [];
    // One after the other: DMS tests one connection of an instance at a time.
    for (const end of ends) {
      const seen = await connections.describe(end, signal);
      const isTrusted = seen?.status === 'successful' && !fresh;
      tested.push(seen && isTrusted ? seen : await testOne(task, end, seen, signal));
    }
    const failed = tested.filter(({ status }) => status !== 'successful');
    if (failed.length > 0)
      throw failure('ConnectionFailed', failed.map((one) => wordsOf(task, one)).join('; '));
    return { endpoints: tested.map(({ endpoint }) => endpoint) };
  }

  async function testOne(
    task: string,
    end: Connection,
    before: SeenConnection | undefined,
    signal: AbortSignal,
  ): Promise<SeenConnection> {
    const until = clock.now() + pacing.watchMs;
    const answer = before?.status === 'testing' ? 'accepted' : await connections.test(end, signal);
    for (;;) {
      heartbeat();
      // A describe right after the request may still show the test before.
      await pacing.wait(pacing.testEveryMs, signal);
      const seen = await connections.describe(end, signal);
      if (answer !== 'accepted' && seen?.status !== 'testing')
        throw failure(
          'ConnectionFailed',
          `${end.endpointArn} of ${task} cannot be tested: ${answer.refused}`,
        );
      if (seen && seen.status !== 'testing') return seen;
      if (clock.now() >= until)
        throw failure('Unreachable', `the test of ${end.endpointArn} of ${task} has no outcome yet`);
    }
  }

  return { testConnections };
}

function wordsOf(task: string, { endpoint, status, lastFailure }: SeenConnection): string {
  return `${endpoint} of ${task} is ${status}: ${lastFailure ?? 'DMS gives no reason'}`;
}
