import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findTemporal, findTemporalBinary } from '../../scripts/setup.mjs';
import { isAtLeast } from '../../scripts/temporal/binary.mjs';
import { tmpFolder } from '../support/tmp.ts';

const binaryOf = (version: string) =>
  `#!/bin/sh\necho "temporal version ${version} (Server 1.32.0, UI 2.54.1)"\n`;

/** A machine with an empty cache, and these programs on its PATH beside /bin. */
async function machine(onPath: Readonly<Record<string, string>> = {}) {
  const folder = await tmpFolder();
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  for (const [name, content] of Object.entries(onPath)) {
    await writeFile(path.join(bin, name), content);
    await chmod(path.join(bin, name), 0o755);
  }
  const said: string[] = [];
  const cache = path.join(folder, 'cache');
  const env = { PATH: `${bin}${path.delimiter}/bin`, TRIBUTARY_CACHE: cache };
  return { bin, cache, env, said, say: (line: string) => void said.push(line) };
}

/** A way that gives a binary of `version`, though it promises 1.9.1. */
function giving(version: string) {
  const way = {
    name: `a way to ${version}`,
    version: '1.9.1',
    fetched: 0,
    async fetch() {
      way.fetched += 1;
      return Buffer.from(binaryOf(version));
    },
  };
  return way;
}

function closed(reason: string) {
  return { name: 'a closed way', version: '1.9.1', fetch: () => Promise.reject(new Error(reason)) };
}

test('a server that TEMPORAL_ADDRESS names is used, and nothing is fetched', async () => {
  const { env, say } = await machine();
  const way = giving('1.9.1');
  const found = await findTemporal({ env: { ...env, TEMPORAL_ADDRESS: 'far:7233' }, say, ways: [way] });
  expect(found).toEqual({ kind: 'address', address: 'far:7233' });
  expect(way.fetched).toBe(0);
});

test('a new enough CLI on PATH is used where it is', async () => {
  const { env, say, bin } = await machine({ temporal: binaryOf('1.8.0') });
  const found = await findTemporalBinary({ env, say, ways: [closed('not tried')] });
  expect(found).toEqual({ kind: 'binary', path: path.join(bin, 'temporal'), version: '1.8.0' });
});

test('an old CLI on PATH is passed over', async () => {
  const { env, say, cache } = await machine({ temporal: binaryOf('1.7.9') });
  const found = await findTemporalBinary({ env, say, ways: [giving('1.9.1')] });
  expect(found).toEqual({
    kind: 'binary',
    path: path.join(cache, 'temporal-1.9.1', 'temporal'),
    version: '1.9.1',
  });
});

test('the next way is tried when one is closed, and it is said why', async () => {
  const { env, say, said } = await machine();
  await findTemporalBinary({ env, say, ways: [closed('no network'), giving('1.9.1')] });
  expect(said.join('\n')).toMatch(
    /a closed way\n +not this way, after \d+\.\d s: no network\nTemporal from a way/,
  );
});

test('a second set-up takes it from the cache', async () => {
  const { env, say } = await machine();
  const way = giving('1.9.1');
  const first = await findTemporalBinary({ env, say, ways: [way] });
  expect(await findTemporalBinary({ env, say, ways: [way] })).toEqual(first);
  expect(way.fetched).toBe(1);
});

test('a cached binary that was changed is fetched again', async () => {
  const { env, say } = await machine();
  const way = giving('1.9.1');
  const { path: binary } = await findTemporalBinary({ env, say, ways: [way] });
  await writeFile(binary, `${binaryOf('1.9.1')}# and something else\n`);
  await findTemporalBinary({ env, say, ways: [way] });
  expect(way.fetched).toBe(2);
  expect(await readFile(binary, 'utf8')).toBe(binaryOf('1.9.1'));
});

test('what reports another version than it should is not kept', async () => {
  const { env, say, cache } = await machine();
  await expect(findTemporalBinary({ env, say, ways: [giving('0.0.0')] })).rejects.toThrow(
    'it reports version 0.0.0, not 1.9.1',
  );
  expect(await readdir(cache)).toEqual([]);
});

test('many set-ups at once all end with a good binary, and leave nothing else behind', async () => {
  const { env, say, cache } = await machine();
  const binary = path.join(cache, 'temporal-1.9.1', 'temporal');
  const found = await Promise.all(
    Array.from({ length: 5 }, () => findTemporalBinary({ env, say, ways: [giving('1.9.1')] })),
  );
  expect(found).toEqual(
    Array.from({ length: 5 }, () => ({ kind: 'binary', path: binary, version: '1.9.1' })),
  );
  expect(await readdir(cache)).toEqual(['temporal-1.9.1']);
});

test('when every way is closed, the message names the ways and what was tried', async () => {
  const { env, say } = await machine({ temporal: binaryOf('1.0.0') });
  const search = findTemporalBinary({ env, say, ways: [closed('no network')] });
  await expect(search).rejects.toThrow(
    /TEMPORAL_ADDRESS[^]*PATH[^]*temporal\.download[^]*Python 3[^]*Go 1\.26/,
  );
  await expect(search).rejects.toThrow(
    /is 1\.0\.0: 1\.8\.0 or newer would be right[^]*a closed way: no network/,
  );
});

test.each([
  ['1.8.0', '1.8.0', true],
  ['1.10.0', '1.9.1', true],
  ['2.0.0', '1.9.1', true],
  ['1.7.9', '1.8.0', false],
  ['1.26.8', '1.26', true],
  ['1.25', '1.26', false],
])('version %s is at least %s: %s', (version, least, answer) => {
  expect(isAtLeast(version, least)).toBe(answer);
});
