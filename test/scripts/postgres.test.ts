import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import { startPostgres } from '../../scripts/postgres/server.ts';
import { eventually } from '../support/eventually.ts';
import { tmpFolder } from '../support/tmp.ts';

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new Client(url);
  await client.connect();
  const { rows } = await client.query({ text: sql, rowMode: 'array' });
  await client.end();
  return rows;
}

test('a Postgres that can replicate keeps what it held when it was killed', async () => {
  const dataDir = await tmpFolder();
  const first = await startPostgres({ dataDir });
  const settings = await ask(
    first.url,
    `SELECT current_setting('wal_level'), current_setting('listen_addresses')`,
  );
  await ask(first.url, 'CREATE TABLE a AS SELECT 1 AS n');
  await first.kill();

  const second = await startPostgres({ dataDir });
  onTestFinished(() => second.stop());

  expect(settings).toEqual([['logical', '127.0.0.1']]);
  expect(await ask(second.url, 'SELECT n FROM a')).toEqual([[1]]);
});

test('a Postgres ends with whoever started it, be it by SIGKILL', async () => {
  const module = fileURLToPath(new URL('../../scripts/postgres/server.ts', import.meta.url));
  const code = `import { startPostgres } from ${JSON.stringify(module)}; console.log((await startPostgres()).pid);`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line]: unknown[] = await once(owner.stdout, 'data');
  const server = `/proc/${String(line).trim()}`;

  expect(existsSync(server)).toBe(true);
  owner.kill('SIGKILL');

  await eventually(() => existsSync(server), false);
});
