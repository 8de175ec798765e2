/** A lake of thousands of tables fits; anything larger is another file. */
const MOST_BYTES = 4_000_000;

export type FileText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'refused'; readonly line: number; readonly column: number; readonly message: string };

/** A file's bytes as the text that they are in UTF-8, or why they are none. */
export function textOf(bytes: Uint8Array): FileText {
  if (bytes.byteLength > MOST_BYTES)
    return refused(1, 1, `the file has ${bytes.byteLength} bytes: a lake.yaml has at most ${MOST_BYTES}`);
  const [first = 0, second = 0] = bytes;
  // Its byte order mark; without one, every other byte of our letters is a zero.
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff))
    return refused(1, 1, 'the file is UTF-16: save it as UTF-8');
  const text = decoded(bytes);
  if (text === undefined) {
    const before = rightBeginning(bytes);
    const { line, column } = endOf(before);
    const byte = (bytes[Buffer.byteLength(before)] ?? 0).toString(16).padStart(2, '0');
    return refused(line, column, `byte 0x${byte} is not UTF-8: save the file as UTF-8`);
  }
  // oxlint-disable-next-line no-control-regex
  const control = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/);
  if (control === -1) return { kind: 'text', text };
  const { line, column } = endOf(text.slice(0, control));
  const code = text.charCodeAt(control).toString(16).padStart(4, '0');
  return refused(line, column, `the control character U+${code} stands here: leave it out`);
}

function refused(line: number, column: number, message: string): FileText {
  return { kind: 'refused', line, column, message };
}

/** Without its byte order mark. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** What can be read before the first byte that is wrong. */
function rightBeginning(bytes: Uint8Array): string {
  let [right, wrong] = [0, bytes.byteLength + 1];
  while (wrong - right > 1) {
    const middle = Math.floor((right + wrong) / 2);
    if (begins(bytes.subarray(0, middle)) === undefined) wrong = middle;
    else right = middle;
  }
  return begins(bytes.subarray(0, right)) ?? '';
}

/** A character that is only cut off at the end is not wrong yet. */
function begins(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    return undefined;
  }
}

function endOf(text: string): { readonly line: number; readonly column: number } {
  const lines = text.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}
