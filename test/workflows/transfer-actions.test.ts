import { expect } from 'vitest';
import { transferFiles } from '../../workflows/transfer-files.ts';
import { type Lab, test } from '../support/temporal.ts';
import { actionsOf } from './actions.ts';
import { csv, workflowLake } from './lake.ts';

async function actionsFor(lab: Lab, files: number): Promise<number> {
  const lake = await workflowLake(lab);
  for (let n = 0; n < files; n += 1) await lake.write(`${n}.csv`, csv('2026-11-21', String(n)));
  const run = await lab.withWorker(lake.queue, lake.activities, async () => {
    const started = await lab.client.workflow.start(transferFiles, {
      workflowId: lake.transferId,
      taskQueue: lake.queue,
      args: [{ source: lake.source }],
    });
    expect(await started.result()).toMatchObject({ collected: files, rows: files });
    return started;
  });
  return actionsOf(await run.fetchHistory());
}

test('one more action for 1,000 more files', { timeout: 180_000 }, async ({ lab }) => {
  const one = await actionsFor(lab, 1);
  const many = await actionsFor(lab, 10_000);
  expect({ one, many }).toEqual({ one: 7, many: 16 });
});
