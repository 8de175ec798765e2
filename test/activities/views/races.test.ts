import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createViews } from '../../../activities/objects/views.ts';
import { type CreateFault, MemoryObjectStore } from '../../fakes/memory-object-store.ts';
import { ViewLake } from '../../fakes/view-lake.ts';

const DAYS = ['2026-11-20', '2026-11-21', '2026-11-22'] as const;
const { signal } = new AbortController();

const fault = fc.constantFrom<CreateFault | undefined>(
  undefined,
  undefined,
  'lost',
  'answer lost',
  'conflict',
);

test('publishes at once, each tried twice, on workers that hear late or nothing, make one version each', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.array(fault, { maxLength: 12 }), async (scheduler, faults) => {
      let racing = false;
      const store = new MemoryObjectStore(() =>
        racing ? scheduler.schedule(Promise.resolve()) : Promise.resolve(),
      );
      const lake = new ViewLake(undefined, store);
      const planId = await heldDays(lake);
      const builds = lake.plan(planId).partitions.map(({ partition, buildId }) => `${partition} ${buildId}`);
      racing = true;
      store.faultCreates(...faults);
      const attempts = DAYS.flatMap((day) => [approve(lake, planId, day), approve(lake, planId, day)]);
      await scheduler.waitFor(Promise.all(attempts));
      racing = false;

      const views = createViews({ store });
      const head = await views.viewHead('payments', signal);
      const versions = await views.chain('payments').range(1, head?.n ?? 0, signal);
      const tokens = versions.map(({ value }) => value.token).sort();
      expect(tokens).toEqual(DAYS.map((day) => `${planId}:${day}`));
      const { parts } = await lake.view();
      const serving = Object.entries(parts).map(([day, { build }]) => `${day} ${build}`);
      expect(serving.sort()).toEqual(builds.sort());
      expect(store.keys('outcome/')).toHaveLength(1);
    }),
    { numRuns: 60 },
  );
});

/** One attempt on a worker of its own; what its caller would try again ends here. */
async function approve(lake: ViewLake, planId: string, day: string): Promise<void> {
  const worker = lake.worker();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      await worker.publish(planId, { partitions: [day], by: 'ana', reason: 'fine', decision: day });
      return;
    } catch (error) {
      if (!(error instanceof Error) || !error.message.includes('no decision')) throw error;
    }
  }
}

async function heldDays(lake: ViewLake): Promise<string> {
  for (const day of DAYS) await lake.books(day, 1);
  await lake.stream({}, '2026-11-23T02:00:00.000Z');
  const { plan } = await lake.assess();
  lake.build(plan ?? '', 'hold');
  await lake.openHolds(plan ?? '');
  return plan ?? '';
}
