import { ApplicationFailure } from '@temporalio/common';
import { expect } from 'vitest';
import { type DecideAnswer, decideUpdate } from '../../workflows/support/parking.ts';
import type { DecideRequest, DecisionObject } from '../../lake/decisions.ts';
import type { TransferProgress, transferFiles } from '../../workflows/transfer-files.ts';
import { eventually, until } from '../support/eventually.ts';
import { type Lab, test } from '../support/temporal.ts';
import { BROKEN, csv, workflowLake } from './lake.ts';
import { commandsIn, details, paste, startByHand } from './operator.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;

/** A lake whose one run waits for a person about `broken.csv`; its neighbour went through. */
async function withBrokenFile(
  lab: Lab,
  scenario: (lake: Lake) => Promise<void>,
  change: (lake: Lake) => object = (lake) => lake.activities,
): Promise<void> {
  const lake = await workflowLake(lab);
  await lake.write('broken.csv', BROKEN);
  await lake.write('good.csv', csv('2026-11-21', '1', '2'));
  await lab.withWorker(lake.queue, change(lake), async () => {
    await startByHand(lab, 'transferFiles', lake.queue, { source: lake.source }, lake.transferId);
    await eventually(() => waiting(lab, lake), 1);
    await scenario(lake);
  });
}

async function waiting(lab: Lab, lake: Lake): Promise<number> {
  const progress = await lab.client.workflow.getHandle(lake.transferId).query<TransferProgress>('progress');
  return progress.requests === 0 ? progress.waiting : -1;
}

const result = (lab: Lab, lake: Lake) =>
  lab.client.workflow.getHandle<typeof transferFiles>(lake.transferId).result();

function decide(lab: Lab, { transferId }: Lake, request: DecideRequest): Promise<DecideAnswer> {
  return lab.client.workflow.getHandle(transferId).executeUpdate(decideUpdate, { args: [request] });
}

/** The decisions that the lake keeps. */
function decisions(lake: Lake): DecisionObject[] {
  return lake.store.keys('audit/').map((key): DecisionObject => JSON.parse(lake.store.text(key) ?? ''));
}

test('a bad file parks alone, and the command in the details decides it', async ({ lab }) => {
  await withBrokenFile(lab, async (lake) => {
    const query = `LakeState = 'NeedsOperator' AND LakeSource = '${lake.source}' AND LakeFailure = 'BadFile'`;
    const listed = () => lab.cli('workflow', 'list', '--query', query);
    await until(listed, ({ stdout }) => stdout.includes(lake.transferId));
    const shown = await details(lab, lake.transferId);
    expect(shown).toContain('**NeedsOperator**');
    expect(shown).toContain('- 1 files, 2 rows collected; 0 files skipped; 0 records in quarantine');
    expect(shown).toContain('### broken.csv');
    expect(shown).toContain('**BadFile**: ');
    const skip = commandsIn(shown).find((command) => command.includes('"action": "skip"'));
    expect(skip?.split('\n')).toEqual([
      'temporal workflow update execute \\',
      `  --workflow-id 'transfer/${lake.source}' \\`,
      '  --name decide \\',
      `  --input '{`,
      ' "items": [',
      '  "broken.csv"',
      ' ],',
      ' "action": "skip",',
      ' "reason": "…",',
      ' "by": "…"',
      `}'`,
    ]);
    const decided = await paste(lab, skip ?? '');
    expect(decided).toMatchObject({ code: 0 });
    expect(decided.stdout).toContain('audit/');
    expect(decisions(lake)).toMatchObject([
      { workflow: lake.transferId, items: ['broken.csv'], action: 'skip', by: '…', reason: '…' },
    ]);
    expect(await result(lab, lake)).toMatchObject({ collected: 1, skipped: 1, waiting: 0, parked: [] });
  });
});

test('a decision is in the lake before it is answered, and it is acted on however long that takes', async ({
  lab,
}) => {
  await withBrokenFile(lab, async (lake) => {
    const gate = lake.store.holdCreates();
    const answer = decide(lab, lake, {
      items: ['broken.csv'],
      action: 'skip',
      reason: 'withdrawn',
      by: 'ana',
    });
    await gate.waiting(1);
    expect(decisions(lake)).toEqual([]);
    await eventually(
      async () => (await lab.client.workflow.getHandle(lake.transferId).describe()).status.name,
      'RUNNING',
    );
    gate.open();
    const { decision } = await answer;
    expect(lake.store.keys('audit/')).toEqual([decision]);
    expect(await result(lab, lake)).toMatchObject({ skipped: 1, waiting: 0 });
  });
});

test('the signal decides as the update does, and a signal that makes no sense changes nothing', async ({
  lab,
}) => {
  await withBrokenFile(lab, async (lake) => {
    const signal = (...input: readonly string[]) =>
      lab.cli('workflow', 'signal', '--workflow-id', lake.transferId, '--name', 'decide', ...input);
    expect(await signal()).toMatchObject({ code: 0 });
    expect(await signal('--input', '{"items":"all"}')).toMatchObject({ code: 0 });
    expect(await waiting(lab, lake)).toBe(1);
    const skip = { filter: { failure: 'BadFile' }, action: 'skip', reason: 'withdrawn', by: 'ana' };
    expect(await signal('--input', JSON.stringify(skip))).toMatchObject({ code: 0 });
    expect(await result(lab, lake)).toMatchObject({ skipped: 1, waiting: 0 });
    expect(decisions(lake)).toMatchObject([{ items: ['broken.csv'], action: 'skip', by: 'ana' }]);
  });
});

test('a refused decision says what would be right, and the command fails', async ({ lab }) => {
  await withBrokenFile(lab, async (lake) => {
    const update = ['workflow', 'update', 'execute', '--workflow-id', lake.transferId, '--name', 'decide'];
    const ask = (request: object) => lab.cli(...update, '--input', JSON.stringify(request));
    const retract = await ask({ items: ['broken.csv'], action: 'retract', reason: 'r', by: 'ana' });
    expect(retract.code).toBe(1);
    expect(retract.stderr).toContain('(BadFile) allows retry, skip, not retract');
    const unsigned = await ask({ items: ['broken.csv'], action: 'skip' });
    expect(unsigned.code).toBe(1);
    expect(unsigned.stderr).toContain('reason is missing: say why, for whoever asks later');
    const other = await ask({ items: ['x.csv'], action: 'skip', reason: 'r', by: 'ana' });
    expect(other.code).toBe(1);
    expect(other.stderr).toContain('does not wait for a decision; waiting: broken.csv');
    expect(decisions(lake)).toEqual([]);
    await ask({ items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' });
    await result(lab, lake);
  });
});

test('a file that is delivered again is collected by retry', async ({ lab }) => {
  await withBrokenFile(lab, async (lake) => {
    await lake.write('broken.csv', csv('2026-11-21', '3'), 5);
    await decide(lab, lake, { items: ['broken.csv'], action: 'retry', reason: 'delivered again', by: 'ana' });
    expect(await result(lab, lake)).toMatchObject({ collected: 2, rows: 3, waiting: 0 });
  });
});

test('a decision that cannot be kept is refused, and the item waits again', async ({ lab }) => {
  const denied = { answer: true };
  await withBrokenFile(
    lab,
    async (lake) => {
      const run = lab.client.workflow.getHandle(lake.transferId);
      const request = { items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' } as const;
      await expect(decide(lab, lake, request)).rejects.toMatchObject({
        cause: { message: 'the bucket says no' },
      });
      // Its twin has nobody to tell, and must not end the run.
      await run.signal('decide', request);
      await eventually(() => waiting(lab, lake), 1);
      denied.answer = false;
      await decide(lab, lake, request);
      expect(await result(lab, lake)).toMatchObject({ skipped: 1 });
    },
    (lake) => ({
      ...lake.activities,
      recordDecision: async (input: Parameters<typeof lake.activities.recordDecision>[0]) => {
        if (denied.answer) throw ApplicationFailure.nonRetryable('the bucket says no', 'AccessDenied');
        return lake.activities.recordDecision(input);
      },
    }),
  );
});

test('the parked run takes the next request too', async ({ lab }) => {
  await withBrokenFile(lab, async (lake) => {
    await lake.write('later.csv', csv('2026-11-22', '9'));
    const id = await startByHand(lab, 'transferFiles', lake.queue, { source: lake.source });
    expect(await lab.client.workflow.getHandle(id).result()).toMatchObject({
      collected: 1,
      waiting: 1,
      parked: [{ item: 'broken.csv', failure: 'BadFile', allowed: ['retry', 'skip'] }],
    });
    const parked = await lab.cli('workflow', 'query', '--workflow-id', lake.transferId, '--type', 'parked');
    expect(parked.stdout).toContain('broken.csv');
    await decide(lab, lake, { items: ['broken.csv'], action: 'skip', reason: 'withdrawn', by: 'ana' });
    expect(await result(lab, lake)).toMatchObject({ collected: 2, skipped: 1 });
  });
});
