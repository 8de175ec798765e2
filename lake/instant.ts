import { civil, epochDay } from './partition.ts';

/** Milliseconds since the epoch of an ISO instant with a zone of `Z` (fractions below a millisecond are dropped), or `undefined`. */
export function instantMs(iso: string): number | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))?Z$/.exec(iso);
  if (!parts) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const days = epochDay(year, month, day);
  const [y, m, d] = civil(days);
  if (y !== year || m !== month || d !== day || hour > 23 || minute > 59 || second > 59) return undefined;
  const ms = Number((parts[7] ?? '').padEnd(3, '0').slice(0, 3));
  return ((days * 24 + hour) * 60 + minute) * 60_000 + second * 1000 + ms;
}

/** `2026-11-21T07:00:00.000Z`: the inverse, always with milliseconds. */
export function isoInstant(ms: number): string {
  const day = Math.floor(ms / 86_400_000);
  const rest = ms - day * 86_400_000;
  const [year, month, date] = civil(day);
  const pad = (n: number, width: number) => String(n).padStart(width, '0');
  const time = [Math.floor(rest / 3_600_000), Math.floor(rest / 60_000) % 60, Math.floor(rest / 1000) % 60];
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(date, 2)}T${time.map((n) => pad(n, 2)).join(':')}.${pad(rest % 1000, 3)}Z`;
}
