import {
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Values by kind and key, the last one written counts. What `set` and `remove` returned for is with the operating
 * system: kill -9 loses none of it. Keys of a kind are listed in the order of their first writing.
 */
export class Records {
  readonly #kinds = new Map<string, Map<string, unknown>>();
  readonly #fd: number;

  constructor(dir: string) {
    mkdirSync(dir, { recursive: true });
    const path = join(dir, 'records.log');
    const lines = linesOf(path);
    for (const line of lines) this.#apply(JSON.parse(line));
    const live = [...this.#kinds.values()].reduce((sum, { size }) => sum + size, 0);
    if (lines.length > 2 * live + 1_000) this.#rewrite(path);
    this.#fd = openSync(path, 'a');
  }

  get(kind: string, key: string): unknown {
    return this.#kinds.get(kind)?.get(key);
  }

  all(kind: string): unknown[] {
    return [...(this.#kinds.get(kind)?.values() ?? [])];
  }

  set(kind: string, key: string, value: object): void {
    this.#write({ kind, key, value });
  }

  remove(kind: string, key: string): void {
    this.#write({ kind, key });
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(line: Line): void {
    writeSync(this.#fd, `${JSON.stringify(line)}\n`);
    this.#apply(line);
  }

  #apply({ kind, key, value }: Line): void {
    const values = this.#kinds.get(kind) ?? new Map<string, unknown>();
    this.#kinds.set(kind, values);
    if (value === undefined) values.delete(key);
    else values.set(key, value);
  }

  #rewrite(path: string): void {
    const lines = [...this.#kinds].flatMap(([kind, values]) =>
      [...values].map(([key, value]) => `${JSON.stringify({ kind, key, value })}\n`),
    );
    writeFileSync(`${path}.next`, lines.join(''));
    renameSync(`${path}.next`, path);
  }
}

interface Line {
  readonly kind: string;
  readonly key: string;
  readonly value?: unknown;
}

function linesOf(path: string): string[] {
  let text = '';
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  // A torn last line was never acknowledged.
  if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
  return whole.split('\n').filter((line) => line !== '');
}
