import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type WriteStream, createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

export interface ChildOptions {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where its output goes, appended. */
  readonly logFile: string;
  /** It is ready once it writes such a line, on either stream. */
  readonly ready: RegExp;
  readonly readyWithinMs: number;
}

const END_WITH_PARENT = import.meta.resolve('./end-with-parent.mjs');

/**
 * A Node process of ours that said it is ready. The caller owes a `stop` or a `kill`; should this process end without
 * one, the child ends too: by SIGKILL where we still can, else (we got SIGKILL ourselves) by its own SIGTERM.
 */
export class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  /** Every line it wrote up to being ready. */
  readonly greeting: readonly string[];

  private constructor(process: ChildProcess, ended: Promise<unknown>, greeting: readonly string[]) {
    this.#process = process;
    this.#ended = ended;
    this.greeting = greeting;
  }

  static async start({ args, env, logFile, ready, readyWithinMs }: ChildOptions): Promise<Child> {
    const log = createWriteStream(logFile, { flags: 'a' });
    // A session of its own: Ctrl-C in a terminal goes to us first, who stop the workers before what they work on.
    // Nothing else reaches it then when we are killed, so it watches stdin, whose other end is ours and stays open.
    const child = spawn(process.execPath, ['--import', END_WITH_PARENT, ...args], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    const ended = once(child, 'exit');
    const endWithUs = () => void child.kill('SIGKILL');
    process.once('exit', endWithUs);
    child.once('close', () => {
      process.removeListener('exit', endWithUs);
      log.end();
    });
    const lines: string[] = [];
    const isReady = new Promise<void>((resolve) => {
      for (const stream of [child.stdout, child.stderr]) {
        follow(stream, log, (line) => {
          lines.push(line);
          if (ready.test(line)) resolve();
        });
      }
    });
    const late = new Promise<'late'>((resolve) => {
      setTimeout(() => resolve('late'), readyWithinMs).unref();
    });
    const outcome = await Promise.race([
      isReady.then(() => 'ready' as const),
      ended.then(() => 'ended' as const),
      late,
    ]);
    if (outcome !== 'ready') {
      child.kill('SIGKILL');
      throw new Error(
        `${args.join(' ')} ${outcome === 'late' ? `was not ready within ${readyWithinMs} ms` : 'ended before it was ready'}; its log is ${logFile}:\n${lines.slice(-15).join('\n')}`,
      );
    }
    return new Child(child, ended, [...lines]);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** Resolves when it is gone, however it ended. */
  async over(): Promise<void> {
    await this.#ended;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** As a crash would: nothing is finished. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#process.kill('SIGKILL');
    await this.#ended;
  }

  /** Ask it to end, and make it end when it does not within `withinMs`. */
  async stop(withinMs = 15_000): Promise<void> {
    if (!this.isRunning) return;
    this.#process.kill('SIGTERM');
    const force = setTimeout(() => this.#process.kill('SIGKILL'), withinMs);
    await this.#ended;
    clearTimeout(force);
  }
}

function follow(stream: NodeJS.ReadableStream | null, log: WriteStream, heard: (line: string) => void): void {
  if (!stream) return;
  createInterface({ input: stream }).on('line', (line) => {
    log.write(`${line}\n`);
    heard(line);
  });
}
