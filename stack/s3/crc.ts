import { crc32 } from 'node:zlib';

/** A checksum that is fed piece by piece. `digest` gives big-endian bytes. */
export interface Running {
  update(data: Buffer): void;
  digest(): Buffer;
}

export function runningCrc32(): Running {
  let crc = 0;
  return {
    update: (data) => {
      crc = crc32(data, crc);
    },
    digest: () => fourBytes(crc),
  };
}

export function runningCrc32c(): Running {
  let crc = -1;
  return {
    update: (data) => {
      crc = updateCrc32c(crc, data);
    },
    digest: () => fourBytes(~crc),
  };
}

export function runningCrc64Nvme(): Running {
  const state = { low: -1, high: -1 };
  return {
    update: (data) => updateCrc64(state, data),
    digest: () => Buffer.concat([fourBytes(~state.high), fourBytes(~state.low)]),
  };
}

function fourBytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

// Both polynomials bit-reversed, as the byte-wise algorithm needs them.
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64NVME_HIGH = 0x9a6c9329 | 0;
const CRC64NVME_LOW = 0xac4bc9b5 | 0;

/** Eight tables: the effect of a byte that is followed by 0 to 7 others. */
function tables32(): Int32Array {
  const tables = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i += 1) {
    const before = at(tables, i - 256);
    tables[i] = (before >>> 8) ^ at(tables, before & 255);
  }
  return tables;
}

function tables64(): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(8 * 256);
  const high = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let [l, h] = [byte, 0];
    for (let bit = 0; bit < 8; bit += 1) {
      const odd = l & 1;
      l = (l >>> 1) | (h << 31);
      h >>>= 1;
      if (odd) [l, h] = [l ^ CRC64NVME_LOW, h ^ CRC64NVME_HIGH];
    }
    low[byte] = l;
    high[byte] = h;
  }
  for (let i = 256; i < low.length; i += 1) {
    const [l, h] = [at(low, i - 256), at(high, i - 256)];
    low[i] = ((l >>> 8) | (h << 24)) ^ at(low, l & 255);
    high[i] = (h >>> 8) ^ at(high, l & 255);
  }
  return { low, high };
}

const CRC32C = tables32();
const CRC64 = tables64();

function at(values: Int32Array | Buffer, index: number): number {
  return values[index] ?? 0;
}

function updateCrc32c(start: number, data: Buffer): number {
  const t = CRC32C;
  let crc = start;
  let i = 0;
  for (const end = data.length - 7; i < end; i += 8) {
    const x = crc ^ word(data, i);
    crc =
      at(t, 1792 + (x & 255)) ^
      at(t, 1536 + ((x >>> 8) & 255)) ^
      at(t, 1280 + ((x >>> 16) & 255)) ^
      at(t, 1024 + (x >>> 24)) ^
      at(t, 768 + at(data, i + 4)) ^
      at(t, 512 + at(data, i + 5)) ^
      at(t, 256 + at(data, i + 6)) ^
      at(t, at(data, i + 7));
  }
  for (; i < data.length; i += 1) crc = (crc >>> 8) ^ at(t, (crc ^ at(data, i)) & 255);
  return crc;
}

function updateCrc64(state: { low: number; high: number }, data: Buffer): void {
  const { low: tl, high: th } = CRC64;
  let { low, high } = state;
  let i = 0;
  for (const end = data.length - 7; i < end; i += 8) {
    const x = low ^ word(data, i);
    const y = high ^ word(data, i + 4);
    const a = 1792 + (x & 255);
    const b = 1536 + ((x >>> 8) & 255);
    const c = 1280 + ((x >>> 16) & 255);
    const d = 1024 + (x >>> 24);
    const e = 768 + (y & 255);
    const f = 512 + ((y >>> 8) & 255);
    const g = 256 + ((y >>> 16) & 255);
    const h = y >>> 24;
    low = at(tl, a) ^ at(tl, b) ^ at(tl, c) ^ at(tl, d) ^ at(tl, e) ^ at(tl, f) ^ at(tl, g) ^ at(tl, h);
    high = at(th, a) ^ at(th, b) ^ at(th, c) ^ at(th, d) ^ at(th, e) ^ at(th, f) ^ at(th, g) ^ at(th, h);
  }
  for (; i < data.length; i += 1) {
    const t = (low ^ at(data, i)) & 255;
    low = ((low >>> 8) | (high << 24)) ^ at(tl, t);
    high = (high >>> 8) ^ at(th, t);
  }
  state.low = low;
  state.high = high;
}

function word(data: Buffer, i: number): number {
  return at(data, i) | (at(data, i + 1) << 8) | (at(data, i + 2) << 16) | (at(data, i + 3) << 24);
}
