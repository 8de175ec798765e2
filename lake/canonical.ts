/** What JSON can carry. Dates, maps and big integers travel as strings. */
export type Json =
  string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** Hex sha256 of the UTF-8 bytes of a text. `lake/` cannot hash by itself: who calls hands it in. */
export type Sha256 = (text: string) => string;

/**
 * Canonical JSON (RFC 8785): members sorted by UTF-16 code units, no white space, numbers as ECMAScript
 * writes them. Equal values have equal bytes, so their hashes can be compared. Members that are
 * `undefined` are left out; a number that JSON cannot carry becomes null, as JSON.stringify has it.
 */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => compareText(a, b))
      .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value ?? null);
}

/** Ascending by UTF-16 code units. Not localeCompare: its answer depends on where it runs. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
