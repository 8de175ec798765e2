const KEYS = 1n << 128n;

/** Both ends included, as 32 hexadecimal digits each. */
export interface HexRange {
  readonly startHex: string;
  readonly endHex: string;
}

/** A shard's range as the wire has it: decimal, both ends included. */
export function hashRange({ startHex, endHex }: HexRange): {
  StartingHashKey: string;
  EndingHashKey: string;
} {
  return {
    StartingHashKey: BigInt(`0x${startHex}`).toString(),
    EndingHashKey: BigInt(`0x${endHex}`).toString(),
  };
}

/** `count` ranges that tile 0..2^128-1, as even as they can be. */
export function evenRanges(count: number): HexRange[] {
  const edge = (at: number) => (KEYS * BigInt(at)) / BigInt(count);
  return Array.from({ length: count }, (_, at) => ({
    startHex: hex(edge(at)),
    endHex: hex(edge(at + 1) - 1n),
  }));
}

/** Where `count` even ranges begin; a key that is taken already stands for the one beside it, which could not be split off. */
export function edgesOf(count: number, taken: ReadonlySet<string>): string[] {
  return evenRanges(count).map(({ startHex }) => {
    const key = BigInt(`0x${startHex}`);
    return [key, key - 1n, key + 1n].map(hex).find((near) => taken.has(near)) ?? startHex;
  });
}

/** Two ranges that tile the one given, the second beginning at this key; undefined if either would have less than two keys. */
export function splitRange(range: HexRange, atHex: string): [HexRange, HexRange] | undefined {
  const [start, at, end] = [BigInt(`0x${range.startHex}`), BigInt(`0x${atHex}`), BigInt(`0x${range.endHex}`)];
  if (at <= start + 1n || at >= end) return undefined;
  return [
    { startHex: range.startHex, endHex: hex(at - 1n) },
    { startHex: atHex, endHex: range.endHex },
  ];
}

/** The one range that two neighbours tile, or undefined if they are not neighbours. */
export function joinRanges(one: HexRange, other: HexRange): HexRange | undefined {
  const [low, high] = one.startHex < other.startHex ? [one, other] : [other, one];
  if (BigInt(`0x${low.endHex}`) + 1n !== BigInt(`0x${high.startHex}`)) return undefined;
  return { startHex: low.startHex, endHex: high.endHex };
}

function hex(key: bigint): string {
  return key.toString(16).padStart(32, '0');
}
