const DURATION_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1000,
  MB: 1_000_000,
  GB: 1_000_000_000,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
};

/** `500ms`, `30s`, `10m`, `6h`, `1d` in milliseconds; `undefined` for anything else. */
export function parseDuration(text: string): number | undefined {
  return withUnit(/^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/, text, DURATION_MS);
}

/** `64MB`, `5GiB` in bytes; `undefined` for anything else. */
export function parseBytes(text: string): number | undefined {
  return withUnit(/^(\d+(?:\.\d+)?)(B|KB|MB|GB|KiB|MiB|GiB)$/, text, BYTES);
}

/** `0.1%` as a ratio from 0 to 1; `undefined` for anything else. */
export function parsePercent(text: string): number | undefined {
  const [, digits] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  const ratio = Number(digits) / 100;
  return digits !== undefined && ratio <= 1 ? ratio : undefined;
}

function withUnit(
  grammar: RegExp,
  text: string,
  units: Readonly<Record<string, number>>,
): number | undefined {
  const [, digits, unit] = grammar.exec(text) ?? [];
  const size = unit === undefined ? undefined : units[unit];
  return size === undefined ? undefined : Math.round(Number(digits) * size);
}
