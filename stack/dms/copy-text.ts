/** Takes the chunks of `COPY … TO STDOUT` in text format and gives its rows. */
export class CopyText {
  #rest: Buffer = Buffer.alloc(0);

  /** The rows that the chunk completes. */
  rows(chunk: Buffer): (string | null)[][] {
    const whole = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    const end = whole.lastIndexOf(10) + 1;
    this.#rest = whole.subarray(end);
    if (end === 0) return [];
    return whole
      .toString('utf8', 0, end - 1)
      .split('\n')
      .map(fieldsOf);
  }
}

function fieldsOf(line: string): (string | null)[] {
  return line.split('\t').map((field) => {
    if (!field.includes('\\')) return field;
    return field === '\\N'
      ? null
      : field.replaceAll(/\\(.)/g, (_, escaped: string) => ESCAPES[escaped] ?? escaped);
  });
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };
