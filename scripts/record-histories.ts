import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { bundleWorkflows } from '../workers/bundle.ts';
import { recordedActivities } from './record/activities.ts';
import { SCENARIOS } from './record/scenarios.ts';
import { startTemporal } from './temporal/server.mjs';

/**
 * Record a history of every workflow type from the code of a release, once: run it at the release's tag. What it wrote
 * before stays, for runs of that release may still be open; `refused-…` holds one that no code may ever accept.
 */
const FOLDER = new URL('../test/replay/histories/', import.meta.url);
const QUEUE = 'control-of-a-recording';

async function record(version: string): Promise<readonly string[]> {
  const server = await startTemporal({ ui: false });
  try {
    const connection = await Connection.connect({ address: server.address });
    const native = await NativeConnection.connect({ address: server.address });
    try {
      const client = new Client({ connection, identity: 'a person' });
      const worker = await Worker.create({
        connection: native,
        taskQueue: QUEUE,
        // Instead of the name of the machine that records.
        identity: 'a worker',
        workflowBundle: await bundleWorkflows(),
        activities: recordedActivities(client, QUEUE),
        // A pause is heard of with a heartbeat.
        maxHeartbeatThrottleInterval: '100ms',
      });
      return await worker.runUntil(() => recordAll(client, version));
    } finally {
      await connection.close();
      await native.close();
    }
  } finally {
    await server.stop();
  }
}

async function recordAll(client: Client, version: string): Promise<readonly string[]> {
  const written: string[] = [];
  for (const { play } of SCENARIOS) {
    const runs = await play({ client, taskQueue: QUEUE });
    for (const [name, run] of Object.entries(runs)) written.push(await save(`${name}-${version}`, run));
  }
  const wrong = await readFile(new URL(`transfer-files-parked-${version}.json`, FOLDER), 'utf8');
  written.push(
    await write(`refused-transfer-files-other-steps-${version}`, wrong.replaceAll('landFiles', 'moveFiles')),
  );
  return written;
}

async function save(name: string, run: WorkflowHandle): Promise<string> {
  return write(name, historyToJSON(await run.fetchHistory()));
}

async function write(name: string, json: string): Promise<string> {
  const file = new URL(`${name}.json`, FOLDER);
  await writeFile(file, `${json.trimEnd()}\n`);
  return fileURLToPath(file);
}

async function versionOfThisCode(): Promise<string> {
  const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8')) as {
    readonly version: string;
  };
  return version;
}

Runtime.install({ logger: new DefaultLogger('ERROR') });
const version = await versionOfThisCode();
const first = new URL(`transfer-files-parked-${version}.json`, FOLDER);
if (existsSync(first)) {
  process.stderr.write(`${fileURLToPath(first)} is there: a history is never recorded anew\n`);
  process.exitCode = 1;
} else {
  await mkdir(FOLDER, { recursive: true });
  for (const file of await record(version)) process.stdout.write(`${file}\n`);
}
