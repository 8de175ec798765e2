import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { stackEnv } from '../support/stack.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** As `npm run conformance` starts it, but by what `url` says is AWS. */
export async function conformance(
  url: string,
  ...args: string[]
): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'scripts/conformance.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...stackEnv(url), VITEST: '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (text: Buffer) => said.push(text.toString()));
  }
  await once(child, 'close');
  return { code: child.exitCode, said: said.join('') };
}
