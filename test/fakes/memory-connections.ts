import type { Connection, Connections, SeenConnection } from '../../activities/dms/port.ts';
import { failure } from '../../activities/failure.ts';

interface End {
  readonly endpoint: string;
  /** Why it cannot be reached; null when it can. */
  broken: string | null;
  status: SeenConnection['status'] | null;
  lastFailure: string | null;
}

/** Connections in memory: a test comes to its end when it was described once. */
export class MemoryConnections implements Connections {
  readonly #tasks = new Map<string, readonly Connection[]>();
  readonly #ends = new Map<string, End>();
  #refusal: string | null = null;
  #tests: string[] = [];

  /** Identifiers of the endpoints of every test that was begun, in order. */
  get tests(): readonly string[] {
    return this.#tests;
  }

  /** A task whose endpoints are `<task>-source` and `<task>-target`, and that nobody tested yet. */
  create(task: string): void {
    const ends = ['source', 'target'].map((kind): Connection => {
      const endpoint = `${task}-${kind}`;
      this.#ends.set(endpoint, { endpoint, broken: null, status: null, lastFailure: null });
      return { instanceArn: `arn:aws:dms:rep:${task}`, endpointArn: endpoint };
    });
    this.#tasks.set(task, ends);
  }

  /** From the next test on this endpoint cannot be reached; null mends it. */
  break(endpoint: string, why: string | null): void {
    this.#end(endpoint).broken = why;
  }

  /** The instance is in no state to test anything; null mends it. */
  refuse(why: string | null): void {
    this.#refusal = why;
  }

  async ofTask(task: string): Promise<readonly Connection[]> {
    const found = this.#tasks.get(task);
    if (!found) throw failure('DmsTaskMissing', `DMS has no replication task ${task}`);
    return found;
  }

  async test({ endpointArn }: Connection): Promise<'accepted' | { readonly refused: string }> {
    const end = this.#end(endpointArn);
    if (this.#refusal !== null) return { refused: this.#refusal };
    if (end.status === 'testing') return { refused: `${endpointArn} is being tested` };
    end.status = 'testing';
    this.#tests.push(end.endpoint);
    return 'accepted';
  }

  async describe({ endpointArn }: Connection): Promise<SeenConnection | undefined> {
    const end = this.#end(endpointArn);
    if (end.status === null) return undefined;
    const { endpoint, status, lastFailure } = end;
    if (status === 'testing') {
      end.status = end.broken === null ? 'successful' : 'failed';
      end.lastFailure = end.broken;
    }
    return { endpoint, status, lastFailure };
  }

  #end(endpoint: string): End {
    const found = this.#ends.get(endpoint);
    if (!found) throw new Error(`no endpoint ${endpoint}`);
    return found;
  }
}
