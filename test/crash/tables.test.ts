import { createHash } from 'node:crypto';
import { encode } from '../../activities/objects/json.ts';
import { keys } from '../../lake/keys.ts';
import { shopSpec } from '../contracts/tables-lake.ts';
import { landAll } from './database.ts';
import { survivesKills, survivesZombies, useStory } from './kills.ts';
import type { Lab, Snapshot } from './lab.ts';

const COLUMNS = { id: 'bigint', name: 'string' } as const;

/** The spec of the lake names this task from now on. */
function withTask(before: Snapshot, n: number, task: string): Snapshot {
  const last = before.get(keys.spec(n - 1));
  const prev = last ? createHash('sha256').update(last).digest('hex') : null;
  const spec = shopSpec(task, 'lake', { 'public.customers': { columns: COLUMNS, key: ['id'] } });
  const applied = {
    format: 1,
    n,
    prev,
    ...spec,
    epochs: { customers: 1 },
    by: 'ana',
    reason: 'a test',
    at: '2024-01-01T00:00:00.000Z',
  };
  return new Map([...before, [keys.spec(n), encode(applied)]]);
}

/** A table that is loaded and changed, loaded again, and then waits at a broken file, which is skipped. */
async function tableSteps(lab: Lab) {
  await landAll(lab.s3Client);
  const collecting = { source: 'shop', waiting: [], absent: {}, drain: true };
  const load = await lab.step(withTask(new Map(), 1, 'crash-1'), 'collectTables', collecting);
  const reload = await lab.step(withTask(load.after, 2, 'crash-2'), 'collectTables', collecting);
  const person = { by: 'ana', reason: 'the vendor broke it', decision: 'audit/2024-01-01/a.json' };
  const skipping = { source: 'shop', tables: ['public.customers'], action: 'skip', ...person } as const;
  const skip = await lab.step(withTask(reload.after, 3, 'crash-3'), 'decideTables', skipping);
  return { load, reload, skip };
}

const of = useStory(tableSteps);

// Where a write commits nothing, a lake after it is the lake during it.
const when = ['before', 'during'] as const;
const ledger = '^ledger/shop\\.public\\.customers/';

survivesKills('loading a table', of('load'), [
  { what: 'the first entry', key: ledger },
  { what: 'that its load began', key: ledger, nth: 2 },
  { what: 'the first raw landing', key: '^raw/', when },
  { what: 'the second raw landing', key: '^raw/', nth: 2, when },
  { what: 'rows of the load', key: '^rows/', when },
  { what: 'its quarantine', key: '^rejected/', when },
  { what: 'what the load brought', key: ledger, nth: 3 },
  { what: 'rows of the changes', key: '^rows/', nth: 2, when },
  { what: 'the changes', key: ledger, nth: 4 },
  { what: 'that it is ready', key: ledger, nth: 5 },
]);

survivesKills('loading it again', of('reload'), [
  { what: 'that a generation began', key: ledger },
  { what: 'what the load brought', key: ledger, nth: 2 },
  { what: 'that it is ready', key: ledger, nth: 4 },
]);

survivesKills('skipping a landing', of('skip'), [
  { what: 'its bytes', key: '^raw/', when },
  { what: 'that it is skipped', key: ledger },
]);

survivesZombies('loading a table', of('load'), [
  { what: 'the first entry', key: ledger, when: ['before'] },
  { what: 'rows of the load', key: '^rows/' },
  { what: 'that it is ready', key: ledger, nth: 5, when: ['before'] },
]);

survivesZombies('loading it again', of('reload'), [
  { what: 'that a generation began', key: ledger, when: ['before'] },
  { what: 'that it is ready', key: ledger, nth: 4, when: ['before'] },
]);
