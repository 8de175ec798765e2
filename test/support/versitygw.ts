import { randomUUID } from 'node:crypto';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { homedir } from 'node:os';
import path from 'node:path';
import { CreateBucketCommand, type S3Client } from '@aws-sdk/client-s3';
import { vi } from 'vitest';
import { createS3Client } from '../../activities/objects/clients.ts';
import { makeTmpFolder, removeTmpFolder } from './tmp.ts';

const CREDENTIALS = { accessKeyId: 'tributary', secretAccessKey: 'tributary-local' };
const REGION = 'eu-west-1';

/** Where `scripts/contract-servers.sh` leaves the independent S3 server; `undefined` when it is not installed. */
export function versitygwBinary(): string | undefined {
  // oxlint-disable-next-line node/no-process-env -- where a cache stands is no setting of the lake
  const { TRIBUTARY_CACHE, XDG_CACHE_HOME } = process.env;
  const cache = TRIBUTARY_CACHE ?? path.join(XDG_CACHE_HOME ?? path.join(homedir(), '.cache'), 'tributary');
  const binary = path.join(cache, 'versitygw');
  return existsSync(binary) ? binary : undefined;
}

export interface OpenedVersitygw {
  readonly url: string;
  readonly s3Client: S3Client;
  makeBucket(): Promise<string>;
  /** The caller owes it, in `afterAll`. */
  close(): Promise<void>;
}

/** An S3 server that shares no code with ours. */
export async function openVersitygw(binary: string): Promise<OpenedVersitygw> {
  const dir = await makeTmpFolder();
  const [data, sidecar, versions] = ['data', 'sidecar', 'versions'].map((name) => path.join(dir, name));
  if (!data || !sidecar || !versions) throw new Error('three folders have three names');
  await Promise.all([mkdir(data), mkdir(sidecar), mkdir(versions)]);
  const address = `127.0.0.1:${await freePort()}`;
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const keys = ['--access', accessKeyId, '--secret', secretAccessKey, '--region', REGION];
  // Its metadata in files: a temporary folder need not have extended attributes.
  const posix = ['posix', '--sidecar', sidecar, '--versioning-dir', versions, data];
  const server = spawn(binary, [...keys, '--port', address, '--keep-alive', '--quiet', ...posix], {
    stdio: 'ignore',
  });
  const endpoint = `http://${address}`;
  const s3Client = createS3Client({ endpoint, region: REGION, maxAttempts: 1, credentials: CREDENTIALS });
  await vi
    .waitFor(() => fetch(endpoint), { timeout: 10_000, interval: 50 })
    .catch(async (error: unknown) => {
      await stop(server);
      throw error;
    });
  return {
    url: endpoint,
    s3Client,
    async makeBucket() {
      const bucket = `test-${randomUUID()}`;
      await s3Client.send(new CreateBucketCommand({ Bucket: bucket }));
      return bucket;
    },
    async close() {
      s3Client.destroy();
      await stop(server);
      await removeTmpFolder(dir);
    },
  };
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port for versitygw');
  return address.port;
}
