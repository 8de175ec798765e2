import { mkdir, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { LakeSpec } from '../../lake/spec.ts';
import { dataset, filesSource, streamSource } from '../support/rows-specs.ts';
import type { Lab } from './lab.ts';

export const DATASET = 'payments';
export const DAYS = ['2024-03-01', '2024-03-02'] as const;
const DAY_MS = 86_400_000;
const PER_DAY = 20;

/** A lake of payments: the books' file of each day, and the stream of the same payments. */
export async function collectingSteps(lab: Lab) {
  const folder = path.join(lab.folder, 'the books');
  await writeBooks(folder);
  const records = streamRecords();
  await lab.streams.make('events', 2);
  for (const half of [0, 1]) {
    const ofHalf = records.filter((_, n) => n % 2 === half);
    await lab.streams.put('events', half / 2, ofHalf);
  }
  const spec = lakeSpec(folder);

  const writeSpec = await lab.step(new Map(), 'writeSpec', { spec, by: 'ana', reason: 'first' });
  const listed = await lab.step(writeSpec.after, 'listFiles', { source: 'books' });
  const { manifest, files } = listed.result;
  if (manifest === null) throw new Error('the books are not there');
  const landing = { source: 'books', manifest, from: 0, to: files };
  const landFiles = await lab.step(listed.after, 'landFiles', landing);
  const openLanes = await lab.step(landFiles.after, 'openLanes', { source: 'events' });
  const collecting = { source: 'events', lane: 0, drain: true };
  const collectLane = await lab.step(openLanes.after, 'collectLane', collecting);
  return { writeSpec, landFiles, openLanes, collectLane };
}

export type CollectingSteps = Awaited<ReturnType<typeof collectingSteps>>;

/** From what was collected to a version that is held, approved, rolled back and let go. */
export async function publishingSteps(lab: Lab, { collectLane }: CollectingSteps) {
  const assessDataset = await lab.step(collectLane.after, 'assessDataset', { dataset: DATASET });
  const planId = assessDataset.result.plan;
  if (planId === null) throw new Error(`nothing is due: ${JSON.stringify(assessDataset.result)}`);
  const plan = { dataset: DATASET, planId };

  const batch = { ...plan, from: 0, to: DAYS.length };
  const buildPartitionsBatch = await lab.step(assessDataset.after, 'buildPartitionsBatch', batch);
  const gatePlan = await lab.step(buildPartitionsBatch.after, 'gatePlan', plan);
  const openHolds = await lab.step(gatePlan.after, 'openHolds', plan);
  const publishPlan = await lab.step(gatePlan.after, 'publishPlan', plan);

  const person = { by: 'ana', reason: 'the big payment is real' };
  const decision = {
    id: 'a-decision',
    workflow: `reconcile/${DATASET}`,
    run: 'a-run',
    items: [DAYS[1]],
    action: 'approve',
    ...person,
  } as const;
  const recordDecision = await lab.step(publishPlan.after, 'recordDecision', { decision });
  const decided = { partitions: [DAYS[1]], decision: recordDecision.result.key, ...person };
  const approvePlan = await lab.step(recordDecision.after, 'publishPlan', { ...plan, approved: decided });
  const rejection = { ...plan, ...decided, action: 'reject' } as const;
  const closeHolds = await lab.step(recordDecision.after, 'closeHolds', rejection);

  const recompute = { ...rejection, action: 'recompute' } as const;
  const askAnew = await lab.step(recordDecision.after, 'closeHolds', recompute);
  const abandonPlan = await lab.step(recordDecision.after, 'abandonPlan', {
    ...plan,
    decision: recordDecision.result.key,
    ...person,
  });
  const planAnew = await lab.step(askAnew.after, 'assessDataset', { dataset: DATASET });

  const back = { dataset: DATASET, to: 1, pin: true, by: 'ana', reason: 'bad code', token: 'back' };
  const rollbackDataset = await lab.step(approvePlan.after, 'rollbackDataset', back);
  const release = { dataset: DATASET, partitions: [DAYS[1]], by: 'ana', reason: 'mended', token: 'go' };
  const releasePins = await lab.step(rollbackDataset.after, 'releasePins', release);
  return {
    assessDataset,
    buildPartitionsBatch,
    gatePlan,
    openHolds,
    publishPlan,
    recordDecision,
    approvePlan,
    closeHolds,
    askAnew,
    abandonPlan,
    planAnew,
    rollbackDataset,
    releasePins,
  };
}

function lakeSpec(folder: string): LakeSpec {
  const columns = { id: 'string', paid_at: 'timestamp', amount: 'decimal(18,2)' } as const;
  const some = { count: 5 };
  return {
    lake: { name: 'crash', bucket: 'lake' },
    sources: {
      books: {
        ...filesSource(columns),
        from: pathToFileURL(folder).href,
        window: { fromName: 'books-{day}', coversMs: DAY_MS },
      },
      events: { ...streamSource(columns), commit: { rows: 1000, bytes: 1_000_000, everyMs: 1000 } },
    },
    datasets: {
      [DATASET]: dataset({
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'paid_at', unit: 'day', from: DAYS[0], fixed: true },
        columns,
        feeds: {
          books: { role: 'batch', visible: 'publish', map: {} },
          events: { role: 'speed', visible: 'commit', map: {} },
        },
        // oxlint-disable-next-line unicorn/no-thenable
        close: { latenessMs: 0, graceMs: 0, needs: ['books'], then: 'hold' },
        gate: {
          compare: ['amount'],
          tolerance: { missing: some, differs: some, moved: some, conflicting: some },
          settleAfterMs: 0,
          // The second day has a payment beyond it, so that day is held.
          checks: [{ kind: 'range', column: 'amount', max: '1000' }],
        },
      }),
    },
  };
}

/** 20 payments a day, and on the second a line that is no payment. */
async function writeBooks(folder: string): Promise<void> {
  await mkdir(folder);
  for (const [day, name] of DAYS.entries()) {
    const lines = payments(day).map(({ id, at, amount }) => `${id},${at},${amount}`);
    if (day === 1) lines.push('p-broken,yesterday,1.00');
    const file = path.join(folder, `books-${name}.csv`);
    await writeFile(file, `id,paid_at,amount\n${lines.join('\n')}\n`);
    await utimes(file, new Date('2024-03-03T06:00:00Z'), new Date('2024-03-03T06:00:00Z'));
  }
}

/** The same payments, one that no book has, and one that is no JSON. */
function streamRecords(): string[] {
  const all = [...payments(0), ...payments(1), { id: 'p-late', at: `${DAYS[0]}T23:00:00Z`, amount: '7.00' }];
  return [...all.map(({ id, at, amount }) => JSON.stringify({ id, paid_at: at, amount })), '{"id": '];
}

function payments(day: number) {
  return Array.from({ length: PER_DAY }, (_, n) => ({
    id: `p-${day}-${n}`,
    at: `${DAYS[day]}T${String(n).padStart(2, '0')}:30:00Z`,
    amount: day === 1 && n === 0 ? '5000.00' : `${n + 1}.50`,
  }));
}
