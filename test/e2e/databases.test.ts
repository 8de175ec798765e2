import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CompareReport, verdictOf } from '../../lake/compare-tables.ts';
import { DECLARED } from '../proof/tables.ts';
import { ProofStage } from '../proof/stage.ts';
import { Workload } from '../proof/workload.ts';
import { makeTmpFolder } from '../support/tmp.ts';

const SEED = Number(process.env['PROOF_SEED'] ?? Date.now() % 1_000_000);
const CHANGES = Number(process.env['PROOF_CHANGES'] ?? 50_000);
const BATCHES = 8;
const QUIET_WITHIN_MS = 180_000;
const TABLES = Object.keys(DECLARED).map((name) => `public.${name}`);

let stage: ProofStage;
const workload = new Workload(SEED);
// Each moment goes on from where the one before ended.
const eachPhase = (CHANGES * 0.94) / 3;

beforeAll(async () => {
  console.log(`PROOF_SEED=${SEED}`);
  const folder = await makeTmpFolder();
  stage = await ProofStage.open(folder, (db) => workload.play(db, CHANGES * 0.06));
  await stage.startWorker();
  await stage.apply();
});
afterAll(() => stage?.close());

/** Batches of changes, with what happens before each of them. */
async function busy(happenings: Readonly<Record<number, () => Promise<unknown> | undefined>>): Promise<void> {
  for (let batch = 0; batch < BATCHES; batch += 1) {
    await happenings[batch]?.();
    await workload.play(stage.db, eachPhase / BATCHES);
  }
}

/** What is not equal, in words. */
function differences({ tables }: CompareReport): readonly object[] {
  return tables.filter((one) => verdictOf({ tables: [one] }) !== 'equal');
}

/** What is wrong at a quiet moment, wherever one looks. */
async function wrong(): Promise<object> {
  const live = differences(await stage.equal('live', QUIET_WITHIN_MS));
  const settled = differences(await stage.equal('settled', QUIET_WITHIN_MS));
  const { findings, datasets } = await stage.verify();
  const residues = Object.fromEntries(Object.entries(datasets).map(([name, { residue }]) => [name, residue]));
  return { live, settled, findings, residues };
}

const NOTHING = {
  live: [],
  settled: [],
  findings: [],
  residues: Object.fromEntries(Object.keys(DECLARED).map((name) => [name, 0])),
};

describe('every table of the lake equals Postgres, row for row, live and settled, and nothing is left over', () => {
  test('after a load beside changes, in which the worker and the stack were killed', async () => {
    await busy({
      2: () => stage.killWorker(),
      3: () => stage.startWorker(),
      5: () => stage.killStack(),
      6: () => stage.restartStack(),
    });
    expect(await wrong(), `PROOF_SEED=${SEED}`).toEqual(NOTHING);
  });

  test('after tables were loaded again and changed by DDL, while Temporal and a worker were killed', async () => {
    await busy({
      1: () => stage.reloadTables(['public.accounts', 'public.events', 'public.ledger']),
      2: () => stage.killWorker(),
      3: async () => {
        await stage.startWorker();
        await stage.db.query('ALTER TABLE accounts ADD COLUMN later text');
        await stage.db.query("UPDATE accounts SET later = 'more' WHERE id < 300");
      },
      5: () => stage.killTemporal(),
      6: () => stage.restartTemporal(),
    });
    expect(await wrong(), `PROOF_SEED=${SEED}`).toEqual(NOTHING);
  });

  test('after all of them were killed at once, in the middle of another load', async () => {
    await busy({
      1: () => stage.reloadTables(TABLES),
      2: () => Promise.all([stage.killWorker(), stage.killStack(), stage.killTemporal()]),
      3: () => Promise.all([stage.restartTemporal(), stage.restartStack()]),
      4: () => stage.startWorker(),
      6: () => stage.killStack(),
      7: () => stage.restartStack(),
    });
    expect(await wrong(), `PROOF_SEED=${SEED}`).toEqual(NOTHING);
    expect(workload.changes).toBeGreaterThanOrEqual(CHANGES);
  });

  test('and `tributary compare` says so, names what a lost landing leaves, and a reload brings it back', async () => {
    const fine = await stage.tributary('compare', 'shop', '--settle', '2s');
    expect(fine.code, `${fine.stdout}${fine.said}`).toBe(0);

    await stage.lose('settings', `INSERT INTO settings VALUES ('a lost one', '1', NULL)`);
    const found = await stage.tributary('compare', 'shop', '--table', 'public.settings', '--settle', '2s');
    expect(found.code).toBe(1);
    expect(found.stdout).toContain('  missing: name a lost one\n');

    const table = ['--table', 'public.settings'];
    const again = await stage.tributary('repair', 'shop', ...table, '--reload', '--reason', 'a lost landing');
    expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('public.settings: reloading') });
    expect(await wrong(), `PROOF_SEED=${SEED}`).toEqual(NOTHING);
  });
});
