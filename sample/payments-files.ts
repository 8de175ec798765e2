import { mkdir, rename, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { PaymentsSample } from './payments.ts';

export interface WriteSettlementsOptions {
  readonly dir: string;
  readonly sample: Pick<PaymentsSample, 'settlements'>;
  /** Some of the sample's days; all when not given. */
  readonly days?: readonly string[];
}

/**
 * The folder holds `settled-2026-11-23.csv.gz` for each day, whole or not at all, last changed at the midnight that
 * ends its day. The same text gives the same bytes. Returns the paths, oldest day first.
 */
export async function writeSettlements({
  dir,
  sample,
  days,
}: WriteSettlementsOptions): Promise<readonly string[]> {
  const unknown = days?.find((day) => !sample.settlements.some((settlement) => settlement.day === day));
  if (unknown !== undefined) {
    const known = sample.settlements.map(({ day }) => day).join(', ');
    throw new RangeError(`no settlement of ${unknown}: the sample's days are ${known}`);
  }
  const files: string[] = [];
  for (const { day, csv } of sample.settlements) {
    if (days && !days.includes(day)) continue;
    const file = join(dir, `settled-${day}.csv.gz`);
    await writeWhole(file, settlementGzip(csv), new Date(Date.parse(`${day}T00:00:00Z`) + 86_400_000));
    files.push(file);
  }
  return files;
}

/** The planted truth as JSON, for the demo's checker. */
export async function writeTruth(file: string, sample: PaymentsSample): Promise<void> {
  const { seed, days, truth } = sample;
  await writeWhole(file, Buffer.from(`${JSON.stringify({ seed, lastDay: days.at(-1), truth })}\n`));
}

/** A gzip that names neither a time nor the machine it was made on. */
export function settlementGzip(csv: string): Buffer {
  const bytes = gzipSync(csv, { level: 6 });
  bytes[9] = 255;
  return bytes;
}

async function writeWhole(file: string, bytes: Uint8Array, changedAt?: Date): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.part`, bytes);
  if (changedAt) await utimes(`${file}.part`, changedAt, changedAt);
  await rename(`${file}.part`, file);
}
