/** What can be sent: records of one key must arrive in their order. */
export interface Sendable {
  readonly partitionKey: string;
  readonly data: string;
}

export interface ReplayProgress {
  /** Accepted so far. */
  readonly sent: number;
  readonly total: number;
  /** Refusals so far; each was or will be sent again. */
  readonly refused: number;
}

export interface ReplayOptions<T extends Sendable> {
  /**
   * Offers records to the stream and returns the indices of those it refused. A rejection ends the replay. After
   * refusals it is called again at once, so it paces itself.
   */
  readonly put: (records: readonly T[]) => Promise<readonly number[]>;
  readonly events: readonly T[];
  /** The most records of one put; 500, as Kinesis has it, when not given. */
  readonly batch?: number;
  readonly onProgress?: (progress: ReplayProgress) => void;
  /** Once aborted, nothing more is put and the replay rejects with its reason. */
  readonly signal?: AbortSignal;
}

/**
 * All events have been accepted, each once, those of one key in their order. A put holds a key at most once, for
 * it may refuse a key's first record and take its second; later ones wait until the first is accepted.
 */
export async function replay<T extends Sendable>({
  put,
  events,
  batch = 500,
  onProgress,
  signal,
}: ReplayOptions<T>): Promise<ReplayProgress> {
  if (!Number.isInteger(batch) || batch < 1)
    throw new RangeError(`batch is ${batch}: give a whole number from 1`);
  let waiting: readonly T[] = [];
  let next = 0;
  let progress: ReplayProgress = { sent: 0, total: events.length, refused: 0 };
  while (progress.sent < progress.total) {
    signal?.throwIfAborted();
    const keys = new Set<string>();
    const chosen: T[] = [];
    const heldBack: T[] = [];
    const place = (event: T): void => {
      const isFree = chosen.length < batch && !keys.has(event.partitionKey);
      keys.add(event.partitionKey);
      (isFree ? chosen : heldBack).push(event);
    };
    waiting.forEach(place);
    const from = next;
    while (chosen.length < batch && next < events.length && next - from < batch) {
      events.slice(next, next + 1).forEach(place);
      next += 1;
    }
    const refused = refusals(await put(chosen), chosen.length);
    waiting = [...chosen.filter((_, index) => refused.has(index)), ...heldBack];
    progress = {
      sent: progress.sent + chosen.length - refused.size,
      total: events.length,
      refused: progress.refused + refused.size,
    };
    onProgress?.(progress);
  }
  return progress;
}

function refusals(indices: readonly number[], count: number): ReadonlySet<number> {
  const wrong = indices.find((index) => !Number.isInteger(index) || index < 0 || index >= count);
  if (wrong === undefined) return new Set(indices);
  throw new RangeError(`put returned index ${wrong} of ${count} records: return indices of what was refused`);
}
