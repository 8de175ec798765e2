import type { WorkflowHandle } from '@temporalio/client';
import { expect } from 'vitest';
import type { Plan } from '../../lake/plan.ts';
import {
  type ReconcileDatasetInput,
  type ReconcileProgress,
  reconcileDataset,
} from '../../workflows/reconcile-dataset.ts';
import { until } from '../support/eventually.ts';
import { Gate } from '../support/gate.ts';
import { type Lab, test } from '../support/temporal.ts';
import { type LakeActivities, csv, workflowLake } from './lake.ts';
import { commandsIn, details, paste } from './operator.ts';

type Lake = Awaited<ReturnType<typeof workflowLake>>;
type Assess = LakeActivities['assessDataset'];

/** Play `scenario` against the reconciliation of the lake's dataset, which lives until it ends. */
async function reconciling(
  lab: Lab,
  lake: Lake,
  scenario: (run: WorkflowHandle<typeof reconcileDataset>) => Promise<void>,
  more: { readonly activities?: object; readonly state?: ReconcileDatasetInput['state'] } = {},
): Promise<void> {
  await lab.withWorker(lake.queue, { ...lake.activities, ...more.activities }, async () => {
    const run = await lab.client.workflow.start(reconcileDataset, {
      workflowId: lake.reconcileId,
      taskQueue: lake.queue,
      args: [{ dataset: lake.source, ...(more.state && { state: more.state }) }],
    });
    try {
      await scenario(run);
    } finally {
      await run.terminate('the test is over');
    }
  });
}

const progress = (run: WorkflowHandle) => run.query<ReconcileProgress>('progress');
const served = (run: WorkflowHandle, version: number) =>
  until(
    () => progress(run),
    (now) => now.version === version && now.plan === null,
  );

/** Who asked for each plan, in the order of their making. */
function plannedBy(lake: Lake): readonly string[] {
  return lake.store
    .keys(`plan/${lake.source}/`)
    .filter((key) => key.endsWith('.json'))
    .map((key): Plan => JSON.parse(lake.store.text(key) ?? ''))
    .flatMap(({ by }) => by ?? []);
}

/** Type an update with one JSON input. */
function update(lab: Lab, lake: Lake, name: string, input: object) {
  const to = ['workflow', 'update', 'execute', '--workflow-id', lake.reconcileId, '--name', name];
  return lab.cli(...to, '--input', JSON.stringify(input));
}

test('what was collected is planned, built and published by runs of their own, while the reconciliation goes on', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  await reconciling(lab, lake, async (run) => {
    await served(run, 1);
    const query = `WorkflowType = 'buildPartitions' AND LakeDataset = '${lake.source}'`;
    await until(
      () => lab.client.workflow.count(query),
      ({ count }) => count === 1,
    );
    await lake.write('b.csv', csv('2026-11-22', '2'));
    await lake.land();
    const nudged = await lab.cli('workflow', 'signal', '--workflow-id', lake.reconcileId, '--name', 'nudge');
    expect(nudged).toMatchObject({ code: 0 });
    await served(run, 2);
    expect((await run.describe()).status.name).toBe('RUNNING');
  });
});

test('a transfer that collected something wakes the reconciliation', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await reconciling(lab, lake, async (run) => {
    await served(run, 0);
    await lake.write('a.csv', csv('2026-11-21', '1'));
    await lab.client.workflow.execute('transferFiles', {
      workflowId: lake.transferId,
      taskQueue: lake.queue,
      args: [{ source: lake.source }],
    });
    await served(run, 1);
  });
});

test('an earlier version is served again until its partitions are released, then built again', async ({
  lab,
}) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  await reconciling(lab, lake, async (run) => {
    await served(run, 1);
    await lake.write('b.csv', csv('2026-11-21', '2', '3', '4'));
    await lake.land();
    await run.signal('nudge');
    await served(run, 2);
    const signed = { reason: 'wrong prices', by: 'ana' };
    const rolled = await update(lab, lake, 'rollback', { to: 1, ...signed });
    expect(rolled).toMatchObject({ code: 0 });
    expect(rolled.stdout).toContain('version:3');
    await served(run, 3);
    const released = await update(lab, lake, 'release', { partitions: ['2026-11-21'], ...signed });
    expect(released).toMatchObject({ code: 0 });
    expect(released.stdout).toContain('version:4');
    await served(run, 5);
  });
});

test('what is asked for is refused in words when it makes no sense', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await reconciling(lab, lake, async () => {
    const refused = async (name: string, input: object) => {
      const { code, stderr } = await update(lab, lake, name, input);
      expect(code).toBe(1);
      return stderr;
    };
    const signed = { reason: 'r', by: 'ana' };
    expect(await refused('recompute', {})).toContain('reason is missing: say why');
    expect(await refused('recompute', { ...signed, partitions: '2026-11-21' })).toContain(
      'partitions must be a list of at least one',
    );
    expect(await refused('rollback', { ...signed, to: 0 })).toContain('to must be a version, 1 or more');
    expect(await refused('rollback', { ...signed, to: 7 })).toContain('7');
    expect(await refused('release', signed)).toContain('partitions must be a list of at least one');
    expect(await refused('decideHolds', { ...signed, items: ['x'], action: 'approve' })).toContain(
      'does not wait for a decision; waiting: nothing',
    );
  });
});

test('a recompute that comes while a look is under way is not lost', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  const gate = new Gate();
  let isHeld = false;
  const assessDataset: Assess = async (input) => {
    if (isHeld) await gate.pass();
    return lake.activities.assessDataset(input);
  };
  await reconciling(
    lab,
    lake,
    async (run) => {
      await served(run, 1);
      isHeld = true;
      await run.signal('nudge');
      await gate.waiting(1);
      const asked = await update(lab, lake, 'recompute', { reason: 'new code', by: 'ana' });
      expect(asked).toMatchObject({ code: 0 });
      gate.open();
      await until(
        () => plannedBy(lake),
        (by) => by.includes('ana'),
      );
    },
    { activities: { assessDataset } },
  );
});

test('a run that continues another one stays paused and does what was asked', async ({ lab }) => {
  const lake = await workflowLake(lab);
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  const state = { paused: 'quarter end', asked: [{ reason: 'new code', by: 'ana' }] };
  await reconciling(
    lab,
    lake,
    async (run) => {
      expect(await progress(run)).toMatchObject({ version: 0, pausedBecause: 'quarter end' });
      await lab.cli('workflow', 'signal', '--workflow-id', lake.reconcileId, '--name', 'resume');
      await served(run, 1);
      expect(plannedBy(lake)).toEqual(['ana']);
    },
    { state },
  );
});

/** Where it stands, after it was told to look. */
const look = (run: WorkflowHandle) => async () => {
  await run.signal('nudge');
  return progress(run);
};

const NONE = { count: 0 };
const TWO_ROWS = {
  compare: [],
  tolerance: { missing: NONE, differs: NONE, moved: NONE, conflicting: NONE },
  settleAfterMs: 0,
  checks: [{ kind: 'rows', min: 2 }],
} as const;

test('held partitions are decided where the dataset is looked at, too', async ({ lab }) => {
  const lake = await workflowLake(lab, { dataset: { gate: TWO_ROWS } });
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  await reconciling(lab, lake, async (run) => {
    const { holds } = await until(look(run), (now) => now.holds.length === 1);
    expect(holds).toMatchObject([{ partition: '2026-11-21' }]);
    const decision = { items: ['2026-11-21'], action: 'approve', reason: 'a quiet day', by: 'ana' };
    const decided = await until(
      () => update(lab, lake, 'decideHolds', decision),
      ({ code }) => code === 0,
    );
    expect(decided.stdout).toContain(`build/${lake.source}/`);
    await until(
      () => progress(run),
      ({ version, holds: left }) => version === 1 && left.length === 0,
    );
  });
});

test('the details of what is held name the run that waits, and the command there decides it', async ({
  lab,
}) => {
  const lake = await workflowLake(lab, { dataset: { gate: TWO_ROWS } });
  await lake.write('a.csv', csv('2026-11-21', '1'));
  await lake.land();
  await reconciling(lab, lake, async (run) => {
    const { holds } = await until(look(run), (now) => now.holds.length === 1);
    const build = `build/${lake.source}/${holds[0]?.planId}`;
    const shown = await details(lab, lake.reconcileId);
    expect(shown).toContain('**Held**');
    expect(shown).toContain(`## 1 waiting for a decision\n\n### 2026-11-21\n\nIn \`${build}\`\n`);
    expect(shown).toContain('**GateHeld**: ');
    expect(shown).toContain('Read the report, then decide: approve, reject, or recompute.');
    const approve = commandsIn(shown).find((command) => command.includes('"action": "approve"'));
    expect(approve).toContain(`--workflow-id '${build}'`);
    const decided = await until(
      () => paste(lab, approve ?? ''),
      ({ code }) => code === 0,
    );
    expect(decided.stdout).toContain('audit/');
    await until(
      () => progress(run),
      ({ version, holds: left }) => version === 1 && left.length === 0,
    );
    expect(await details(lab, lake.reconcileId)).not.toContain('waiting for a decision');
  });
});
