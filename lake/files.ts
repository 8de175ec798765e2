import type { Window } from './entry.ts';
import { instantMs, isoInstant } from './instant.ts';
import type { Columns, FilesSource } from './spec.ts';

/**
 * Which paths below a source's folder are its files: one include fits and no exclude does. `*` and `?` stay within
 * a name, `**` crosses folders; everything else, case included, is literal.
 */
export function fileMatcher(source: Pick<FilesSource, 'include' | 'exclude'>): (item: string) => boolean {
  const include = source.include.map(globPattern);
  const exclude = source.exclude.map(globPattern);
  return (item) =>
    include.some((pattern) => pattern.test(item)) && !exclude.some((pattern) => pattern.test(item));
}

function globPattern(glob: string): RegExp {
  const body = glob.replaceAll(/\*\*\/|\*\*|\*|\?|[$()+./[\\\]^{|}]/g, (token) => {
    if (token === '**/') return '(?:[^/]+/)*';
    if (token === '**') return '.*';
    if (token === '*') return '[^/]*';
    return token === '?' ? '[^/]' : `\\${token}`;
  });
  return new RegExp(`^${body}$`, 'su');
}

export type NamedWindow =
  | { readonly kind: 'window'; readonly window: Window }
  /** The source declares no windows. */
  | { readonly kind: 'none' }
  | { readonly kind: 'unreadable'; readonly message: string };

/**
 * The period that a file's name says it covers: `settled-{day}` reads `settled-2026-11-21.csv.gz` as
 * [2026-11-21, + coversMs). The pattern stands at the beginning of the name (of the path, where it has a `/`), and
 * neither a letter nor a digit follows it.
 */
export function windowOf(item: string, declared: FilesSource['window']): NamedWindow {
  if (!declared) return { kind: 'none' };
  const { fromName, coversMs } = declared;
  const name = fromName.includes('/') ? item : item.slice(item.lastIndexOf('/') + 1);
  const [before = '', after = ''] = fromName.split('{day}');
  const day = name.slice(before.length, before.length + 'yyyy-mm-dd'.length);
  const rest = name.slice(before.length + day.length);
  const fromMs = instantMs(`${day}T00:00:00Z`);
  const fits =
    name.startsWith(before) && rest.startsWith(after) && !/^[\p{L}\p{N}]/u.test(rest.slice(after.length));
  if (!fits || fromMs === undefined) {
    return {
      kind: 'unreadable',
      message: `the name says no period: right would be ${fromName}, as in ${before}2026-11-21${after}`,
    };
  }
  return { kind: 'window', window: { from: isoInstant(fromMs), to: isoInstant(fromMs + coversMs) } };
}

/** What a batch delivery speaks for: its windows ascending, each once, and the end of the last. */
export function windowsOf(items: readonly { readonly window?: Window }[]): {
  readonly windows?: readonly Window[];
  readonly asOf?: string;
} {
  const windows = new Map<string, Window>();
  for (const { window } of items) if (window) windows.set(`${window.from}/${window.to}`, window);
  const ascending = [...windows.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, window]) => window);
  const ends = ascending.map(({ to }) => to).sort();
  const asOf = ends.at(-1);
  return asOf === undefined ? {} : { windows: ascending, asOf };
}

/** What is wrong with a header as a whole; undefined when every declared column is there once. */
export function headerProblem(header: readonly string[], columns: Columns): string | undefined {
  const right = `right would be ${Object.keys(columns).join(', ')}`;
  const missing = Object.keys(columns).filter((name) => !header.includes(name));
  if (missing.length > 0)
    return `the header has no column ${missing.join(', ')}: it is ${header.join(', ')}; ${right}`;
  const twice = header.find((name, index) => header.indexOf(name) !== index);
  if (twice !== undefined) return `the header has the column ${JSON.stringify(twice)} twice; ${right}`;
  return header.includes('')
    ? `column ${header.indexOf('') + 1} of the header has no name; ${right}`
    : undefined;
}
