const MIB = 1024 * 1024;
const SMALLEST_PART = 8 * MIB;
/** S3 takes no more, and objects of up to 5 TiB: parts of 525 MiB, far below the 5 GiB that it takes. */
const MOST_PARTS = 10_000;
const MOST_AT_ONCE = 4;
/** What the parts on their way may hold in memory, where one of them does not hold more. */
const HELD_BYTES = 256 * MIB;

/** How a large file is cut: every part but the last has `size` bytes, and `atOnce` are on their way together. */
export interface PartPlan {
  readonly size: number;
  readonly parts: number;
  readonly atOnce: number;
}

/** `bytes` is 1 at least. */
export function planParts(bytes: number): PartPlan {
  const size = Math.max(SMALLEST_PART, Math.ceil(bytes / MOST_PARTS));
  const atOnce = Math.max(1, Math.min(MOST_AT_ONCE, Math.floor(HELD_BYTES / size)));
  return { size, parts: Math.ceil(bytes / size), atOnce };
}
