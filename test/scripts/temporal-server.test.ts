import path from 'node:path';
import { Connection } from '@temporalio/client';
import { expect, onTestFinished, test } from 'vitest';
import { isOpen } from '../../scripts/temporal/ports.mjs';
import { run } from '../../scripts/temporal/run.mjs';
import { type ServerOptions, startTemporal } from '../../scripts/temporal/server.mjs';
import { tmpFolder } from '../support/tmp.ts';

async function start(options: ServerOptions = {}) {
  const logDir = await tmpFolder();
  const server = await startTemporal({ ui: false, logDir, ...options });
  onTestFinished(() => server.stop());
  return {
    ...server,
    cli: (...args: string[]) => run(server.binary, [...args, '--address', server.address]),
  };
}

test('a started server takes a workflow with search attributes at once, and shows it in its UI', async () => {
  const server = await start({ ui: true });
  const workflow = ['workflow', 'start', '--type', 'transferFiles', '--task-queue', 'control'];
  const attributes = ['LakeState="Held"', 'LakeSource=["flights"]', 'LakeDataset=["a"]', 'LakeFailure=["b"]'];
  const started = await server.cli(
    ...workflow,
    ...attributes.flatMap((each) => ['--search-attribute', each]),
  );
  expect(started).toMatchObject({ code: 0 });
  expect((await fetch(server.uiUrl)).status).toBe(200);
});

test('a server that is stopped is gone, and its file keeps what it held', async () => {
  const dbFile = path.join(await tmpFolder(), 'temporal.db');
  const first = await start({ dbFile });
  const id = ['--workflow-id', 'transfer/flights'];
  await first.cli('workflow', 'start', '--type', 'transferFiles', '--task-queue', 'control', ...id);
  await first.stop();
  expect(await isOpen(Number(first.address.split(':')[1]))).toBe(false);

  const second = await start({ dbFile });
  expect(await second.cli('workflow', 'describe', ...id)).toMatchObject({ code: 0 });
});

test('a server that is killed loses nothing', async () => {
  const dbFile = path.join(await tmpFolder(), 'temporal.db');
  const first = await start({ dbFile });
  const id = ['--workflow-id', 'transfer/flights'];
  await first.cli('workflow', 'start', '--type', 'transferFiles', '--task-queue', 'control', ...id);
  process.kill(first.pid, 'SIGKILL');
  await first.stop();

  const second = await start({ dbFile });
  expect(await second.cli('workflow', 'describe', ...id)).toMatchObject({ code: 0 });
});

test('a port that is taken is refused, with the words of the server', async () => {
  const first = await start();
  await expect(start({ port: Number(first.address.split(':')[1]) })).rejects.toThrow(
    'address already in use',
  );
});

test('two servers at once have ports of their own', async () => {
  const [first, second] = await Promise.all([start(), start()]);
  expect(first.address).not.toBe(second.address);
  const connection = await Connection.connect({ address: second.address });
  await connection.close();
});
