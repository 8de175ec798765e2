import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type Kept, promiseNames } from '../../scripts/demo/promises.ts';
import { tmpFolder } from '../support/tmp.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Play a small demo to its end, as `npm run demo -- --exit` would. */
async function play(...args: string[]): Promise<{ code: unknown; kept: readonly Kept[]; said: string }> {
  const folder = await tmpFolder();
  const json = join(folder, 'measured.json');
  const small = [
    '--exit',
    '--flights',
    '3',
    '--per-day',
    '600',
    '--json',
    json,
    '--data',
    join(folder, 'a lake'),
  ];
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', join(ROOT, 'scripts/demo.ts'), ...small, ...args],
    {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  const said: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  const [code] = await once(child, 'exit');
  const { promises } = JSON.parse(await readFile(json, 'utf8')) as { promises: readonly Kept[] };
  return { code, kept: promises, said: Buffer.concat(said).toString('utf8') };
}

const broken = (kept: readonly Kept[]) => kept.filter(({ held }) => !held).map(({ name }) => name);

test('the demo ends with status 0 when it kept every promise', async () => {
  const { code, kept, said } = await play();
  expect(broken(kept), said).toEqual([]);
  expect(code).toBe(0);
});

// Several at once, chosen so that none hides another: a run takes a minute.
const SABOTAGE = [
  ['collected', 'split', 'late', 'scheduled', 'replicated'],
  ['parked', 'held', 'queries', 'reloaded'],
  ['survives', 'findings', 'rollback', 'deleted', 'proof'],
] as const;

test('each promise can be broken', () => {
  expect(SABOTAGE.flat().toSorted()).toEqual(promiseNames().toSorted());
});

test.each(SABOTAGE)('with %s … broken, the demo says so and ends with status 1', async (...names) => {
  const { code, kept, said } = await play('--break', names.join(','));
  expect(broken(kept), said).toEqual(expect.arrayContaining(names));
  expect(code).toBe(1);
});
