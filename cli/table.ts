import { styleText } from 'node:util';

export interface Column {
  readonly name: string;
  /** As DuckDB names it: numbers stand on the right. */
  readonly type: string;
}

const NUMBER = /^(U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL.*)$/;

/** Rows as aligned lines, under their names; on a terminal the names are bold and NULL is dim. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly Readonly<Record<string, unknown>>[],
  onTerminal: boolean,
): string[] {
  const cells = rows.map((row) => columns.map(({ name }) => cellText(row[name])));
  const widths = columns.map(({ name }, index) =>
    Math.max(cellText(name).length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (texts: readonly string[], style?: 'bold' | 'dim') =>
    texts
      .map((text, index) => {
        const isNumber = NUMBER.test(columns[index]?.type ?? '');
        const padded = isNumber ? text.padStart(widths[index] ?? 0) : text.padEnd(widths[index] ?? 0);
        return onTerminal && (style || text === 'NULL') ? styleText(style ?? 'dim', padded) : padded;
      })
      .join('  ')
      .trimEnd();
  const names = columns.map(({ name }) => cellText(name));
  return [
    line(names, 'bold'),
    line(
      widths.map((width) => '─'.repeat(width)),
      'dim',
    ),
    ...cells.map((row) => line(row)),
  ];
}

/** One line, whatever a value holds: control characters are written out, so that no data drives a terminal. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  // oxlint-disable-next-line no-control-regex
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (character) => {
    const code = character.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${code}`;
  });
}
