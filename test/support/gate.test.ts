import { expect, test } from 'vitest';
import { eventually, until } from './eventually.ts';
import { Gate } from './gate.ts';

test('a gate holds what arrives until it is opened', async () => {
  const gate = new Gate();
  const passed: string[] = [];
  const work = ['a', 'b'].map((name) => gate.pass().then(() => passed.push(name)));
  await gate.waiting(2);
  expect(passed).toEqual([]);
  gate.open();
  await Promise.all(work);
  expect(passed).toEqual(['a', 'b']);
});

test('a fact that comes true is waited for', async () => {
  let looks = 0;
  await eventually(() => (looks += 1), 3);
  expect(
    await until(
      () => (looks += 1),
      (count) => count > 5,
    ),
  ).toBe(6);
});

test('a fact that never comes true fails with the last answer', async () => {
  await expect(eventually(() => 'closed', 'open', 50)).rejects.toThrow(/closed/);
  await expect(
    until(
      () => 'closed',
      (state) => state === 'open',
      50,
    ),
  ).rejects.toThrow(/closed/);
});
