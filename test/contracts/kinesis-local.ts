import { spawn, spawnSync } from 'node:child_process';
import { Agent, type ClientRequestArgs } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import type { OpenedKinesis } from './kinesis-wire.ts';

/** Why kinesis-local cannot run here, or undefined if it can. */
export function kinesisLocalIsMissing(): string | undefined {
  const tried = spawnSync('unshare', ['-rn', 'ip', 'link', 'set', 'lo', 'up'], { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  return `no network namespace of its own: ${tried.error?.message ?? tried.stderr.trim()}`;
}

export interface OpenedKinesisLocal extends OpenedKinesis {
  close(): Promise<void>;
}

/** An independent Kinesis: in a network namespace of its own, reached by a Unix socket. */
export async function openKinesisLocal(): Promise<OpenedKinesisLocal> {
  const dir = await makeTmpFolder();
  const socketPath = path.join(dir, 'kinesis.sock');
  const folder = path.dirname(createRequire(import.meta.url).resolve('kinesis-local/package.json'));
  const bridge = fileURLToPath(new URL('kinesis-local-bridge.mjs', import.meta.url));
  const inside = 'ip link set lo up && exec "$@"';
  const child = spawn(
    'unshare',
    ['-rn', 'sh', '-c', inside, 'sh', process.execPath, bridge, folder, socketPath],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  await new Promise((resolve, reject) => {
    child.stdout.once('data', resolve);
    child.once('exit', (code) => reject(new Error(`kinesis-local ended with ${code} before it answered`)));
  });
  const client = new KinesisClient({
    endpoint: 'http://kinesis-local',
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 10,
    requestHandler: new NodeHttpHandler({ httpAgent: new UnixSocketAgent(socketPath) }),
  });
  return {
    client,
    async close() {
      client.destroy();
      child.stdin.end();
      await ended;
      await removeTmpFolder(dir);
    },
  };
}

class UnixSocketAgent extends Agent {
  readonly #socketPath: string;

  constructor(socketPath: string) {
    super({ keepAlive: true });
    this.#socketPath = socketPath;
  }

  override createConnection(_options: ClientRequestArgs) {
    return connect(this.#socketPath);
  }
}
