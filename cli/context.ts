import { setMaxListeners } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { type Env, allVariables, readEnv } from '../config/env.ts';
import { type Problem, readLake } from '../config/lake.ts';
import type { LakeSpec } from '../lake/spec.ts';

/** 0 fine, 1 failed, 2 usage, 3 something waits for a person. */
export const EXIT = { fine: 0, failed: 1, usage: 2, waits: 3 } as const;

/** What a command says and where: data on stdout, progress on stderr. */
export interface Context {
  readonly env: Env;
  readonly data: (text: string) => void;
  readonly progress: (text: string) => void;
  /** What the process ends with when the command is through. */
  readonly endWith: (code: (typeof EXIT)[keyof typeof EXIT]) => void;
}

/** A refusal for the person who typed the command: its message is all they see. */
export class Refused extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number = EXIT.failed) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** What a run's failure says: its innermost cause, which is where it was met. */
export function wordsOf(error: Error): string {
  return error.cause instanceof Error ? wordsOf(error.cause) : error.message;
}

export function openContext(
  { out, err }: { readonly out: (text: string) => void; readonly err: (text: string) => void },
  endWith: Context['endWith'],
): Context {
  return { env: readEnv(), data: (text) => out(`${text}\n`), progress: (text) => err(`${text}\n`), endWith };
}

/** The lake that a file declares. Rejects with every problem in it. */
export function lakeFromFile(file: string): LakeSpec {
  if (!existsSync(file)) throw new Refused(`${file} is not there: name the lake's file`, EXIT.usage);
  if (!statSync(file).isFile()) throw new Refused(`${file} is no file: name the lake's file`, EXIT.usage);
  // `${VAR}` in lake.yaml is whatever the person who applies it has set, so all variables count here.
  const reading = readLake({ text: readFileSync(file), file, variables: allVariables() });
  if (reading.kind === 'refused') throw new Refused(reading.problems.map(problemLine).join('\n'));
  return reading.spec;
}

export function problemLine({ file, line, column, message }: Problem): string {
  return `${file}:${line}:${column}: ${message}`;
}

/** The bucket of the lake that a reading command looks at. */
export function bucketOf({ env }: Context): string {
  if (env.bucket !== undefined) return env.bucket;
  if (existsSync('lake.yaml')) return lakeFromFile('lake.yaml').lake.bucket;
  throw new Refused('no lake: set TRIBUTARY_BUCKET, or run this beside a lake.yaml', EXIT.usage);
}

/** Run `work` with a folder of its own, gone afterwards, and one for downloads, kept where TRIBUTARY_SCRATCH says where. */
export async function withScratch<T>(
  { env }: Context,
  work: (folders: { readonly scratch: string; readonly cache: string }) => Promise<T>,
): Promise<T> {
  const { scratchFolder } = await import('../workers/wiring.ts');
  const base = await scratchFolder(env);
  const scratch = await mkdtemp(join(base, 'cli-'));
  const kept = env.scratchDir !== undefined;
  try {
    return await work({ scratch, cache: join(kept ? base : scratch, 'cache') });
  } finally {
    await rm(kept ? scratch : base, { recursive: true, force: true });
  }
}

/** Aborted by the first Ctrl-C or SIGTERM, so that what is half done is taken away. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  // Every request in flight listens to it: more than Node's ten, and no leak.
  setMaxListeners(0, controller.signal);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => controller.abort(new Refused(`ended by ${signal}`)));
  }
  return controller.signal;
}

/** A client of the lake's Temporal namespace; the caller closes it. */
export async function connect({
  env,
}: Context): Promise<{ readonly client: Client; readonly close: () => Promise<void> }> {
  const address = env.temporalAddress ?? '127.0.0.1:7233';
  try {
    const connection = await Connection.connect({
      address,
      tls: env.temporalTls,
      ...(env.temporalApiKey !== undefined && { apiKey: env.temporalApiKey }),
      connectTimeout: '5s',
    });
    return {
      client: new Client({ connection, namespace: env.temporalNamespace }),
      close: () => connection.close(),
    };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Refused(
      `no Temporal server answers at ${address} (${why}): set TEMPORAL_ADDRESS, or run \`tributary local\``,
    );
  }
}
