import { randomUUID } from 'node:crypto';
import type { Client, WorkflowHandle } from '@temporalio/client';
import type { TypedSearchAttributes } from '@temporalio/common';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { Worker, type WorkerOptions } from '@temporalio/worker';
import { test as base, inject } from 'vitest';
import { type Ran, run as runProgram } from '../../scripts/temporal/run.mjs';
import { withoutTemporal } from '../../scripts/temporal/server.mjs';

type LakeWorkflow<Input, Result> = (input: Input) => Promise<Result>;

export interface RunOptions {
  readonly searchAttributes?: TypedSearchAttributes;
  /** A fresh one unless given: for workflows that look at their own id. */
  readonly workflowId?: string;
  /** Other workflows than the lake's own. */
  readonly bundle?: { readonly code: string };
  /** Further options of the worker, such as a cache of 0 that makes every task a replay. */
  readonly worker?: Partial<WorkerOptions>;
}

export interface Lab {
  /** Start `workflow` on a worker of its own with these activities, then play `scenario` against it. */
  run<Input, Result, T>(
    workflow: LakeWorkflow<Input, Result>,
    input: Input,
    activities: object,
    scenario: (run: WorkflowHandle<LakeWorkflow<Input, Result>>) => Promise<T>,
    options?: RunOptions,
  ): Promise<T>;
  /** A worker alone, for scenarios that start, stop and replace it. It runs until `scenario` ends. */
  withWorker<T>(
    taskQueue: string,
    activities: object,
    scenario: () => Promise<T>,
    options?: Pick<RunOptions, 'bundle' | 'worker'>,
  ): Promise<T>;
  readonly client: Client;
  readonly address: string;
  /** What an operator would type after `temporal`, against this server. It never rejects: see `code`. */
  cli(...args: readonly string[]): Promise<Ran>;
}

export const test = base
  .extend('address', { scope: 'file' }, () => inject('temporalAddress'))
  .extend('server', { scope: 'file' }, async ({ address }, { onCleanup }) => {
    const server = await TestWorkflowEnvironment.createFromExistingServer({ address });
    onCleanup(() => server.teardown());
    return server;
  })
  .extend('lab', ({ server, address }): Lab => labAt(server, address));

function labAt(server: TestWorkflowEnvironment, address: string): Lab {
  const withWorker: Lab['withWorker'] = async (taskQueue, activities, scenario, options = {}) => {
    const worker = await Worker.create({
      connection: server.nativeConnection,
      workflowBundle: options.bundle ?? inject('workflowBundle'),
      activities,
      taskQueue,
      ...options.worker,
    });
    return worker.runUntil(scenario);
  };
  return {
    client: server.client,
    address,
    withWorker,
    run(workflow, input, activities, scenario, options = {}) {
      const taskQueue = `test-${randomUUID()}`;
      const { searchAttributes, workflowId = taskQueue } = options;
      const start = () =>
        server.client.workflow.start(workflow, {
          workflowId,
          taskQueue,
          args: [input],
          ...(searchAttributes ? { typedSearchAttributes: searchAttributes } : {}),
        });
      return withWorker(taskQueue, activities, async () => scenario(await start()), options);
    },
    cli: (...args) =>
      runProgram(inject('temporalBinary'), [...args, '--address', address], {
        env: withoutTemporal(),
        timeoutMs: 60_000,
      }),
  };
}
