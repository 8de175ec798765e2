import type { S3Target } from './s3-settings.ts';

/** `LOAD00000001`: the counter is hexadecimal. */
export function loadName(counter: number): string {
  return `LOAD${counter.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** The folder of a table, its slash included. */
export function tableFolder(target: S3Target, schema: string, table: string): string {
  return `${target.folder}${schema}/${table}/`;
}

export function extension({ format, gzip }: S3Target): string {
  return format === 'parquet' ? '.parquet' : gzip ? '.csv.gz' : '.csv';
}

/** Names for files of changes, by the clock in the zone of the partitions: no name comes twice within a run. */
export class ChangeNames {
  readonly #lastMs = new Map<string, number>();

  /** `20261124-201500123` */
  next(folder: string, nowMs: number, zone = 'UTC'): string {
    const ms = Math.max(nowMs, (this.#lastMs.get(folder) ?? 0) + 1);
    this.#lastMs.set(folder, ms);
    const { YYYY, MM, DD, HH, mm, ss } = partsOf(ms, zone);
    return `${YYYY}${MM}${DD}-${HH}${mm}${ss}${String(ms % 1_000).padStart(3, '0')}`;
  }
}

/** `2026/11/24/` by the date of a commit; empty without partitions. */
export function partitionFolder({ partition }: S3Target, commitMs: number): string {
  if (!partition) return '';
  const parts = partsOf(commitMs, partition.zone);
  return `${partition.parts.map((name) => parts[name] ?? '').join(partition.delimiter)}/`;
}

/** `2026-11-24 20:15:00.123456`, in UTC, of microseconds since the epoch. */
export function formatMicros(micros: bigint): string {
  const ms = Number(micros / 1_000n);
  const text = new Date(ms).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 23)}${String(micros % 1_000n).padStart(3, '0')}`;
}

function partsOf(ms: number, zone: string): Record<string, string> {
  if (zone === 'UTC') {
    const text = new Date(ms).toISOString();
    return {
      YYYY: text.slice(0, 4),
      MM: text.slice(5, 7),
      DD: text.slice(8, 10),
      HH: text.slice(11, 13),
      mm: text.slice(14, 16),
      ss: text.slice(17, 19),
    };
  }
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
  });
  const found = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
  return {
    YYYY: found['year'] ?? '',
    MM: found['month'] ?? '',
    DD: found['day'] ?? '',
    HH: found['hour'] ?? '',
    mm: found['minute'] ?? '',
    ss: found['second'] ?? '',
  };
}
