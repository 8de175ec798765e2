/** A reflected CRC whose register starts and ends inverted: what CRC32, CRC32C and CRC64NVME have in common. */
export interface CrcShape {
  readonly bits: bigint;
  /** Bit-reversed, without its leading term. */
  readonly polynomial: bigint;
}

export const CRC32: CrcShape = { bits: 32n, polynomial: 0xedb88320n };
export const CRC32C: CrcShape = { bits: 32n, polynomial: 0x82f63b78n };
export const CRC64NVME: CrcShape = { bits: 64n, polynomial: 0x9a6c9329ac4bc9b5n };

/**
 * The checksum of pieces put one after another, from each piece's checksum and size in bytes: appending n zero
 * bits multiplies by x^n, modulo the polynomial, and the second piece is then added.
 */
export function combineCrcs(
  shape: CrcShape,
  pieces: readonly { readonly crc: bigint; readonly sizeBytes: number }[],
): bigint {
  // Parts are nearly always of one size, so the power is found once.
  const powers = new Map<number, bigint>();
  let whole = 0n;
  for (const { crc, sizeBytes } of pieces) {
    let power = powers.get(sizeBytes);
    if (power === undefined) {
      power = powerOfX(shape, BigInt(sizeBytes) * 8n);
      powers.set(sizeBytes, power);
    }
    whole = multiply(shape, power, whole) ^ crc;
  }
  return whole;
}

/** Reflected: the highest bit is the coefficient of x^0. */
function multiply({ bits, polynomial }: CrcShape, a: bigint, b: bigint): bigint {
  let product = 0n;
  let shifted = b;
  for (let bit = bits - 1n; bit >= 0n; bit -= 1n) {
    if ((a >> bit) & 1n) product ^= shifted;
    shifted = shifted & 1n ? (shifted >> 1n) ^ polynomial : shifted >> 1n;
  }
  return product;
}

function powerOfX(shape: CrcShape, exponent: bigint): bigint {
  let power = 1n << (shape.bits - 1n);
  let square = 1n << (shape.bits - 2n);
  for (let left = exponent; left > 0n; left >>= 1n) {
    if (left & 1n) power = multiply(shape, square, power);
    square = multiply(shape, square, square);
  }
  return power;
}
