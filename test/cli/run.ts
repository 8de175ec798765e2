import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { main } from '../../cli/main.ts';

const BINARY = fileURLToPath(new URL('../../cli/tributary.mjs', import.meta.url));

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Run the real binary, without a terminal, as somebody would in `cwd`. */
export async function tributary(args: readonly string[], surroundings: Surroundings): Promise<Ran> {
  const child = start(args, surroundings);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr)];
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout: stdout(), stderr: stderr() };
}

/** The same in this process, for command lines that end before they do anything. */
export async function typed(args: readonly string[], { cwd, env = {} }: Surroundings): Promise<Ran> {
  const said = { out: '', err: '' };
  const home = process.cwd();
  for (const [name, value] of Object.entries({ TRIBUTARY_BUCKET: '', ...env })) vi.stubEnv(name, value);
  process.chdir(cwd);
  try {
    const streams = {
      out: (text: string) => void (said.out += text),
      err: (text: string) => void (said.err += text),
    };
    return { code: await main(args, streams), stdout: said.out, stderr: said.err };
  } finally {
    process.chdir(home);
    vi.unstubAllEnvs();
  }
}

/** A `tributary local` that said `ready`. The caller owes an `end`. */
export interface StartedLocal {
  /** What its `export` lines say. */
  readonly exports: Readonly<Record<string, string>>;
  readonly lines: readonly string[];
  readonly pid: number;
  /** Ask it to end; resolves its exit status. */
  end(): Promise<number | null>;
}

export async function tributaryLocal(
  args: readonly string[],
  surroundings: Surroundings,
): Promise<StartedLocal> {
  const child = start(['local', ...args], surroundings);
  const stderr = collect(child.stderr);
  const lines: string[] = [];
  const ended = once(child, 'close') as Promise<[number | null]>;
  const isReady = new Promise<'ready'>((resolve) => {
    if (!child.stdout) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line === 'ready') resolve('ready');
    });
  });
  if ((await Promise.race([isReady, ended])) !== 'ready') throw new Error(stderr());
  const found = lines.map((line) => /^export ([A-Z_]+)='(.*)'$/.exec(line)).filter((match) => match !== null);
  return {
    exports: Object.fromEntries(found.map(([, name, value]) => [name ?? '', value ?? ''])),
    lines,
    pid: child.pid ?? 0,
    async end() {
      child.kill('SIGTERM');
      return (await ended)[0];
    },
  };
}

function start(args: readonly string[], { cwd, env = {} }: Surroundings): ChildProcess {
  // The machine's own settings of what is tested here are not the test's.
  const own = Object.entries(process.env).filter(([name]) => !/^(AWS|TEMPORAL|TRIBUTARY|LAKE)_/.test(name));
  const settings = { ...Object.fromEntries(own), AWS_EC2_METADATA_DISABLED: 'true', ...env };
  return spawn(process.execPath, [BINARY, ...args], {
    cwd,
    env: settings,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

function collect(stream: NodeJS.ReadableStream | null): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}

/** Pids of processes, other than this one, whose command line or environment names a folder. */
export async function processesNaming(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const named = await Promise.all(
    pids.map(async (pid) => {
      // Gone meanwhile, or somebody else's.
      const read = (what: string) => readFile(`/proc/${pid}/${what}`, 'utf8').catch(() => '');
      return `${await read('cmdline')} ${await read('environ')}`.includes(folder);
    }),
  );
  return pids.filter((pid, index) => named[index] && pid !== process.pid);
}
