import { readdir, writeFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { inTurn, isInstalled } from '../../scripts/packages.mjs';
import { Gate } from '../support/gate.ts';
import { tmpFolder } from '../support/tmp.ts';

async function clone(wanted: object, installed?: object): Promise<string> {
  const root = await tmpFolder();
  await writeFile(path.join(root, 'package-lock.json'), JSON.stringify({ packages: { '': {}, ...wanted } }));
  if (!installed) return root;
  await mkdir(path.join(root, 'node_modules'));
  await writeFile(
    path.join(root, 'node_modules', '.package-lock.json'),
    JSON.stringify({ packages: installed }),
  );
  return root;
}

const zod = { 'node_modules/zod': { version: '4.6.7' } };
const forMac = { 'node_modules/fsevents': { version: '2.3.3', optional: true } };

test('a fresh clone has nothing installed', async () => {
  expect(await isInstalled(await clone(zod))).toBe(false);
});

test('what the lock file says is installed, but for what other platforms need', async () => {
  expect(await isInstalled(await clone({ ...zod, ...forMac }, zod))).toBe(true);
});

test('another version, or a missing package, is not installed', async () => {
  expect(await isInstalled(await clone(zod, { 'node_modules/zod': { version: '4.6.6' } }))).toBe(false);
  expect(await isInstalled(await clone(zod, {}))).toBe(false);
});

test('two installations in one clone take turns', async () => {
  const root = await tmpFolder();
  const lock = path.join(root, '.tributary', 'install.lock');
  const gate = new Gate();
  const order: string[] = [];
  const work = (name: string) => async () => {
    order.push(`${name} begins`);
    await gate.pass();
    order.push(`${name} ends`);
  };
  const said: string[] = [];
  const first = inTurn(lock, () => undefined, work('first'));
  await gate.waiting(1);
  // The second one speaks when it finds the lock taken.
  const second = inTurn(
    lock,
    (line) => {
      said.push(line);
      gate.open();
    },
    work('second'),
  );
  await Promise.all([first, second]);
  expect(order).toEqual(['first begins', 'first ends', 'second begins', 'second ends']);
  expect(said).toEqual([`waiting for the set-up that process ${process.pid} does`]);
  expect(await readdir(path.dirname(lock))).toEqual([]);
});

test('the lock of a process that died is taken over', async () => {
  const lock = path.join(await tmpFolder(), 'install.lock');
  // Above every limit of Linux and macOS: nobody has this number.
  await writeFile(lock, '99999999');
  let isDone = false;
  await inTurn(
    lock,
    () => undefined,
    async () => void (isDone = true),
  );
  expect(isDone).toBe(true);
});
