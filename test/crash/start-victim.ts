import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Errand, Fate } from './victim.ts';

const MAIN = fileURLToPath(new URL('victim.ts', import.meta.url));

export interface Victim {
  /** Resolves when all its activities wait at their points; rejects when it ended without. */
  held(): Promise<void>;
  letGo(): void;
  /** How it ended, and what it said on the way. */
  readonly ended: Promise<{ readonly by: string | number | null; readonly said: string }>;
}

/** A process of its own that runs these activities, all at once. It ends with this one, whatever happens. */
export function startVictim(
  fate: Fate,
  errands: readonly Errand[],
  env: Readonly<Record<string, string>>,
): Victim {
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, JSON.stringify({ fate, errands })], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  let said = '';
  const heard: (() => void)[] = [];
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (text: Buffer) => {
      said += text.toString();
      for (const hear of heard) hear();
    });
  }
  const ended = once(child, 'close').then(() => ({ by: child.signalCode ?? child.exitCode, said }));
  return {
    ended,
    letGo: () => void child.stdin.write('go\n'),
    async held() {
      const waits = new Promise<boolean>((resolve) => {
        const look = () => void (said.includes('held\n') && resolve(true));
        heard.push(look);
        look();
      });
      if (await Promise.race([waits, ended.then(() => false)])) return;
      throw new Error(`it ended before all its activities were at their points: ${said}`);
    },
  };
}
