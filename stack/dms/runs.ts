import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { Catalogue } from './catalogue.ts';
import { messageOf } from './connections.ts';
import type { Context, TableName } from './context.ts';
import { Crash, Ended, Fatal, isFailure, stopReason } from './endings.ts';
import type { Strike } from './faults-at.ts';
import { Landing } from './landing.ts';
import { parseMappings } from './mappings.ts';
import type { Endpoint, Task } from './model.ts';
import { cleanSource, runTask } from './run.ts';
import { parseS3Target } from './s3-settings.ts';
import { parseSource } from './source-settings.ts';
import { sourceTables, withClient } from './source.ts';
import { parseTaskSettings } from './task-settings.ts';

interface Live {
  readonly controller: AbortController;
  readonly asked: TableName[];
  readonly done: Promise<void>;
}

/** The tasks that run. Each is a chain of awaits in this process: what is heavy in it is done by DuckDB's threads. */
export class Runs {
  readonly #catalogue: Catalogue;
  readonly #strike: Strike;
  readonly #dir: string;
  readonly #live = new Map<string, Live>();
  #s3: S3Client | undefined;
  #isClosing = false;

  constructor(catalogue: Catalogue, strike: Strike, dir: string) {
    this.#catalogue = catalogue;
    this.#strike = strike;
    this.#dir = dir;
  }

  /** S3 answers from now on: what ran when the stack ended goes on. */
  async open(s3: S3Client): Promise<void> {
    this.#s3 = s3;
    await rm(this.#dir, { recursive: true, force: true });
    for (const { arn, status } of this.#catalogue.tasks()) {
      if (status === 'starting' || status === 'running') this.start(arn);
      if (status === 'stopping') this.#finish(arn, 'NORMAL');
    }
  }

  start(arn: string): void {
    const controller = new AbortController();
    const asked: TableName[] = [];
    const done = this.#run(arn, controller.signal, asked).finally(() => this.#live.delete(arn));
    this.#live.set(arn, { controller, asked, done });
  }

  stop(arn: string): void {
    this.#live.get(arn)?.controller.abort('stop');
  }

  reload(arn: string, tables: readonly TableName[]): void {
    this.#live.get(arn)?.asked.push(...tables);
  }

  /** Tries the endpoint for real. */
  async probe(endpoint: Endpoint): Promise<void> {
    if (endpoint.type === 'target') return this.#landing(endpoint).probe();
    const none = parseMappings(
      '{"rules":[{"rule-type":"selection","rule-action":"exclude","object-locator":{"schema-name":"%"}}]}',
    );
    await withClient(parseSource(endpoint), (client) => sourceTables(client, none));
  }

  /** Removes what the task made at its source. */
  async clean(task: Task): Promise<void> {
    if (task.type === 'full-load' || task.startedAt === undefined) return;
    const slot = task.ownsSlot === true ? task.slot : undefined;
    const source = parseSource(this.#catalogue.endpoint(task.sourceArn));
    await withClient(source, (client) => cleanSource(client, task.arn, slot));
  }

  /** Cuts every run off; the next `open` takes them up again. */
  async close(): Promise<void> {
    this.#isClosing = true;
    for (const { controller } of this.#live.values()) controller.abort('shutdown');
    await Promise.allSettled([...this.#live.values()].map(({ done }) => done));
  }

  async #run(arn: string, signal: AbortSignal, asked: TableName[]): Promise<void> {
    let failures = 0;
    for (;;) {
      try {
        const reason = await runTask(this.#contextOf(arn, signal), asked);
        // Reloads that were asked for while the load ran belong to it.
        if (reason === 'FULL_LOAD_ONLY_FINISHED' && asked.splice(0).length > 0) continue;
        return this.#finish(arn, reason);
      } catch (error) {
        if (this.#isClosing) return;
        if (signal.aborted) return this.#finish(arn, 'NORMAL');
        if (error instanceof Crash) continue;
        if (error instanceof Ended) return this.#finish(arn, error.reason, error.message);
        const isStarting = this.#catalogue.task(arn).status === 'starting';
        if (error instanceof Fatal || isStarting) return this.#finish(arn, 'FATAL_ERROR', messageOf(error));
        failures += 1;
        const pauseMs = this.#pauseMs(arn, failures);
        if (pauseMs === undefined) return this.#finish(arn, 'RECOVERABLE_ERROR', messageOf(error));
        this.#catalogue.changeTask(arn, { failure: messageOf(error) });
        await wait(pauseMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  #pauseMs(arn: string, failures: number): number | undefined {
    const { ErrorBehavior: behaviour } = parseTaskSettings(this.#catalogue.task(arn).settings);
    const most = behaviour.RecoverableErrorCount;
    if (most >= 0 && failures > most) return undefined;
    const doubled = behaviour.RecoverableErrorThrottling ? 2 ** Math.min(failures - 1, 20) : 1;
    const seconds = behaviour.RecoverableErrorInterval * doubled;
    return 1_000 * Math.min(seconds, behaviour.RecoverableErrorThrottlingMax);
  }

  #finish(arn: string, reason: string, failure?: string): void {
    if (this.#isClosing) return;
    const { clock } = this.#catalogue.realm;
    this.#catalogue.changeTask(arn, {
      status: isFailure(reason) ? 'failed' : 'stopped',
      stopReason: stopReason(reason),
      stoppedAt: clock.now(),
      ...(failure === undefined || failure === '' ? {} : { failure }),
    });
  }

  #contextOf(arn: string, signal: AbortSignal): Context {
    const catalogue = this.#catalogue;
    const task = catalogue.task(arn);
    const endpoint = catalogue.endpoint(task.targetArn);
    return {
      arn,
      id: task.id,
      type: task.type,
      catalogue,
      source: parseSource(catalogue.endpoint(task.sourceArn)),
      target: parseS3Target(endpoint),
      mappings: parseMappings(task.mappings),
      settings: parseTaskSettings(task.settings),
      landing: this.#landing(endpoint),
      strike: this.#strike,
      signal,
      now: () => catalogue.realm.clock.now(),
    };
  }

  #landing(endpoint: Endpoint): Landing {
    if (!this.#s3) throw new Error('S3 does not answer yet');
    return new Landing(this.#s3, parseS3Target(endpoint), join(this.#dir));
  }
}
