import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { S3Client } from '@aws-sdk/client-s3';
import { STACK_CREDENTIALS, STACK_REGION } from '../support/stack.ts';

const MAIN = fileURLToPath(new URL('../../stack/main.ts', import.meta.url));

/** The stand-ins in a process of their own, as `npm run stack` starts them. */
export interface StackProcess {
  readonly pid: number;
  /** What was printed up to `ready`. */
  readonly lines: readonly string[];
  readonly url: string;
  readonly client: S3Client;
  /** Ends it by that signal; gives the exit code, null after SIGKILL. */
  kill(signal: 'SIGKILL' | 'SIGTERM' | 'SIGINT'): Promise<number | null>;
}

export async function spawnStack(dir: string): Promise<StackProcess> {
  const child = run(dir);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line === 'ready') break;
  }
  const url = lines.find((line) => line.includes('AWS_ENDPOINT_URL'))?.split('=')[1];
  if (url === undefined || child.pid === undefined)
    throw new Error(`the stack did not start: ${lines.join('\n')}`);
  const client = new S3Client({
    endpoint: url,
    region: STACK_REGION,
    forcePathStyle: true,
    credentials: STACK_CREDENTIALS,
    maxAttempts: 1,
  });
  return {
    pid: child.pid,
    lines,
    url,
    client,
    async kill(signal) {
      client.destroy();
      return (await exited(child, () => child.kill(signal))).code;
    },
  };
}

/** A start that is refused: its exit code and what it said. */
export async function refusedStart(dir: string): Promise<{ code: number | null; said: string }> {
  const child = run(dir);
  let said = '';
  child.stderr.on('data', (text: Buffer) => (said += text.toString()));
  return { ...(await exited(child, () => {})), said };
}

function run(dir: string) {
  return spawn(process.execPath, ['--import', 'tsx', MAIN, '--port', '0', '--data', dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function exited(child: ChildProcess, act: () => unknown): Promise<{ code: number | null }> {
  const exit = once(child, 'close');
  act();
  await exit;
  return { code: child.exitCode };
}
