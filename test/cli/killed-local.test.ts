import { access } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { tmpFolder } from '../support/tmp.ts';
import { processesNaming, tributaryLocal } from './run.ts';

const PATIENCE_MS = 100_000;

test(
  'what a local that was killed had started ends by itself, cleanly, and the same data serves the next one',
  async () => {
    const cwd = await tmpFolder();
    const data = path.join(cwd, 'data dir');
    const killed = await tributaryLocal(['--data', data], { cwd });
    // Itself, Temporal and its keeper, the stand-ins, a worker; and what those use to read TypeScript.
    expect((await processesNaming(data)).length).toBeGreaterThanOrEqual(5);

    process.kill(killed.pid, 'SIGKILL');
    await eventually(() => processesNaming(data), [], PATIENCE_MS);
    // What is stopped hands its lock back; what is killed or crashes leaves it.
    await expect(access(path.join(data, 'stack', 'lock'))).rejects.toThrow('ENOENT');

    const next = await tributaryLocal(['--data', data], { cwd });
    expect(await next.end()).toBe(0);
    expect(await processesNaming(data)).toEqual([]);
  },
  2 * PATIENCE_MS,
);
