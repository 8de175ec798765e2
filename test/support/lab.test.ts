import {
  type TypedSearchAttributes as Attributes,
  TypedSearchAttributes,
  defineSearchAttributeKey,
} from '@temporalio/common';
import { beforeAll, expect } from 'vitest';
import { bundleWorkflows } from './bundle.ts';
import { until } from './eventually.ts';
import { greet, releaseSignal } from './fixtures/greet.ts';
import { test } from './temporal.ts';

let bundle: { readonly code: string };
beforeAll(async () => {
  bundle = await bundleWorkflows(new URL('fixtures/greet.ts', import.meta.url));
});

const activities = { greeting: async ({ name }: { name: string }) => `Hello ${name}` };
const held: Attributes = new TypedSearchAttributes([
  { key: defineSearchAttributeKey('LakeState', 'KEYWORD'), value: 'Held' },
  { key: defineSearchAttributeKey('LakeSource', 'KEYWORD_LIST'), value: ['flights'] },
]);

test('a workflow runs with its activities', async ({ lab }) => {
  const scenario = lab.run(
    greet,
    { name: 'Ada' },
    activities,
    async (run) => {
      await run.signal(releaseSignal);
      return run.result();
    },
    { bundle },
  );
  expect(await scenario).toEqual({ text: 'Hello Ada' });
});

test("the operator's own commands reach it", async ({ lab }) => {
  await lab.run(
    greet,
    { name: 'Ada' },
    activities,
    async (run) => {
      const rename = ['workflow', 'update', 'execute', '--workflow-id', run.workflowId, '--name', 'rename'];
      const refused = await lab.cli(...rename, '--input', '{}');
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('name is missing');

      expect(await lab.cli(...rename, '--input', '{"name":"Grace"}')).toMatchObject({ code: 0 });
      await lab.cli('workflow', 'signal', '--workflow-id', run.workflowId, '--name', 'release');
      expect(await run.result()).toEqual({ text: 'Hello Grace' });
    },
    { bundle },
  );
});

test("a workflow is found by the lake's search attributes", async ({ lab }) => {
  await lab.run(
    greet,
    { name: 'Ada' },
    activities,
    async (run) => {
      const query = `LakeState = 'Held' AND LakeSource = 'flights' AND WorkflowId = '${run.workflowId}'`;
      const count = () => lab.client.workflow.count(query);
      expect((await until(count, ({ count: found }) => found === 1)).count).toBe(1);
      await run.signal(releaseSignal);
    },
    { bundle, searchAttributes: held },
  );
});

test('a worker that is replaced goes on where the first one was', async ({ lab }) => {
  const taskQueue = `test-${crypto.randomUUID()}`;
  const options = { bundle };
  const run = await lab.withWorker(
    taskQueue,
    activities,
    async () => {
      const handle = await lab.client.workflow.start(greet, {
        workflowId: taskQueue,
        taskQueue,
        args: [{ name: 'Ada' }],
      });
      await handle.executeUpdate('rename', { args: [{ name: 'Grace' }] });
      return handle;
    },
    options,
  );
  await run.signal(releaseSignal);
  expect(await lab.withWorker(taskQueue, activities, () => run.result(), options)).toEqual({
    text: 'Hello Grace',
  });
});
