import type { Client } from 'pg';
import { type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import { type Lsn, formatLsn } from './positions.ts';
import { publicationNames, replicationClient } from './slot.ts';
import type { Source } from './source-settings.ts';

/** What came from the slot: a message, or word that nothing stands before that place. */
export type Received =
  | { readonly kind: 'message'; readonly message: Pgoutput.Message }
  | { readonly kind: 'alive'; readonly at: Lsn };

const MOST_WAITING = 20_000;
const REPORT_EVERY_MS = 10_000;
const EPOCH_2000_MICROS = 946_684_800_000_000n;

/**
 * The changes of a slot in the order of their commits. The source is told only of what `acknowledge` was called for,
 * so that the slot keeps everything else.
 */
export class ChangeStream {
  readonly #client: Client;
  readonly #wire: Wire;
  #waiting: Received[] = [];
  #wake: (() => void) | undefined;
  #acknowledged: Lsn;
  #failure: unknown;
  #reports: NodeJS.Timeout | undefined;

  private constructor(client: Client, from: Lsn) {
    this.#client = client;
    this.#wire = wireOf(client);
    this.#acknowledged = from;
  }

  /** Starts at `from`, or at the slot's own place when that is later. Rejects only when there is no connection. */
  static async open(source: Source, slot: string, publication: string, from: Lsn): Promise<ChangeStream> {
    const client = await replicationClient(source);
    const stream = new ChangeStream(client, from);
    stream.#start(slot, publication, from);
    return stream;
  }

  /** Everything that has come, after at most `withinMs`; rejects when the stream has broken. */
  async take(withinMs: number, signal: AbortSignal): Promise<readonly Received[]> {
    if (this.#waiting.length === 0 && this.#failure === undefined && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => wake(), withinMs);
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#wake = wake;
        signal.addEventListener('abort', wake);
      });
      this.#wake = undefined;
    }
    const taken = this.#waiting;
    this.#waiting = [];
    this.#wire.stream.resume();
    if (taken.length === 0 && this.#failure !== undefined) throw this.#failure;
    return taken;
  }

  /** Everything before `at` may be forgotten by the source. */
  acknowledge(at: Lsn): void {
    if (at > this.#acknowledged) this.#acknowledged = at;
    this.#report();
  }

  async close(): Promise<void> {
    clearInterval(this.#reports);
    this.#wire.stream.resume();
    await this.#client.end().catch(() => {});
  }

  #start(slot: string, publication: string, from: Lsn): void {
    const plugin = new PgoutputPlugin({
      protoVersion: 1,
      publicationNames: [...publicationNames(publication)],
    });
    const fail = (error: unknown): void => {
      this.#failure ??= error ?? new Error('the source ended the replication');
      clearInterval(this.#reports);
      this.#wake?.();
    };
    this.#wire.on('copyData', ({ chunk }) => {
      try {
        const received = read(chunk, plugin);
        if (received) this.#waiting.push(received);
      } catch (error) {
        return fail(error);
      }
      if (chunk[0] === KEEPALIVE && chunk[17] === 1) this.#report();
      if (this.#waiting.length > MOST_WAITING) this.#wire.stream.pause();
      this.#wake?.();
    });
    // The source hangs up on whoever is silent for a minute.
    this.#reports = setInterval(() => this.#report(), REPORT_EVERY_MS);
    this.#client.on('error', fail).on('end', () => fail(undefined));
    plugin.start(this.#client, slot, formatLsn(from)).then(() => fail(undefined), fail);
  }

  /** A standby status update: written, flushed and applied are the same place. */
  #report(): void {
    if (this.#failure !== undefined) return;
    const message = Buffer.alloc(34);
    message.write('r');
    for (const at of [1, 9, 17]) message.write(this.#acknowledged, at, 'hex');
    message.writeBigInt64BE(BigInt(Date.now()) * 1_000n - EPOCH_2000_MICROS, 25);
    this.#wire.sendCopyFromChunk(message);
  }
}

const DATA = 0x77;
const KEEPALIVE = 0x6b;

function read(chunk: Buffer, plugin: PgoutputPlugin): Received | undefined {
  if (chunk[0] === KEEPALIVE) return { kind: 'alive', at: chunk.toString('hex', 1, 9).toUpperCase() };
  if (chunk[0] !== DATA) return undefined;
  const message = plugin.parse(chunk.subarray(25));
  // The plugin would turn texts into JavaScript's own values, which hold less.
  if (message.tag === 'relation')
    for (const column of message.columns) column.parser = (text: unknown) => text;
  return { kind: 'message', message };
}

/** What pg keeps to itself of a connection. */
interface Wire {
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): void;
  sendCopyFromChunk(chunk: Buffer): void;
  readonly stream: { pause(): void; resume(): void };
}

function wireOf(client: Client): Wire {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- no type of pg says what stands there
  return Reflect.get<object, string>(client, 'connection') as Wire;
}
