import { literal } from './text.ts';

/** DuckDB's own default; a buffer must hold four lines. */
const LINE_BYTES = 2_097_152;

/** Files of text without empty lines or bytes 0x01, each line ending with LF, as one column `line`. */
export function readLines(paths: readonly string[], longest: number): string {
  const most = Math.max(LINE_BYTES, longest + 1024);
  const options = {
    auto_detect: 'false',
    header: 'false',
    delim: 'chr(1)',
    quote: `''`,
    escape: `''`,
    new_line: literal('\\n'),
    compression: literal('none'),
    max_line_size: String(most),
    buffer_size: String(Math.max(16 * LINE_BYTES, 4 * most)),
    columns: `{'line': 'VARCHAR'}`,
  };
  const settings = Object.entries(options).map(([name, setting]) => `${name}=${setting}`);
  return `read_csv([${paths.map(literal).join(', ')}], ${settings.join(', ')})`;
}
