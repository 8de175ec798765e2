#!/usr/bin/env node
// Plain JavaScript, like set-up: `node scripts/test.mjs [--static] [vitest's arguments …]`. The last line counts.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { countTests, summaryLine } from './test-summary.mjs';
import { stopwatch } from './temporal/find.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const say = (/** @type {string} */ line) => void process.stderr.write(`test: ${line}\n`);

/** @type {readonly { name: string, command: string[], onlyIf?: string }[]} */
const STATIC = [
  { name: 'format', command: ['prettier', '--check', '--log-level', 'warn', '.'] },
  { name: 'types', command: ['tsc', '-p', '.'] },
  { name: 'lint', command: ['oxlint', '--quiet'] },
  { name: 'dead code', command: ['knip', '--no-progress'] },
  { name: 'generated documents', command: ['tsx', 'scripts/docs.ts', '--check'], onlyIf: 'scripts/docs.ts' },
];

/**
 * @param {readonly string[]} command
 * @returns {Promise<number>}
 */
function step([program = '', ...args]) {
  return new Promise((resolve) => {
    const child = spawn(path.join(ROOT, 'node_modules', '.bin', program), args, {
      cwd: ROOT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    child.once('error', (error) => {
      say(`${program}: ${error.message}`);
      resolve(127);
    });
    child.once('close', (code) => resolve(code ?? 1));
  });
}

async function runStatic() {
  const broken = [];
  for (const { name, command, onlyIf } of STATIC) {
    if (onlyIf && !existsSync(path.join(ROOT, onlyIf))) continue;
    const took = stopwatch();
    const code = await step(command);
    say(`${name}: ${code === 0 ? 'fine' : 'FAILED'}, ${took()}`);
    if (code !== 0) broken.push(name);
  }
  return broken;
}

/** @param {readonly string[]} args */
async function runTests(args) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tributary-results-'));
  const file = path.join(folder, 'vitest.json');
  try {
    const code = await step([
      'vitest',
      'run',
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${file}`,
      ...args,
    ]);
    return countTests(await readFile(file, 'utf8').catch(() => ''), code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
const broken = await runStatic();
if (args.includes('--static')) {
  if (broken.length > 0) process.exitCode = 1;
} else {
  const counts = await runTests(args);
  if (broken.length > 0) say(`not right: ${broken.join(', ')}, each counted as failed below`);
  const total = { ...counts, failed: counts.failed + broken.length };
  process.exitCode = total.failed > 0 ? 1 : 0;
  process.stdout.write(`${summaryLine(total)}\n`);
}
