import { isUtf8 } from 'node:buffer';
import {
  type Block,
  type CutRecord,
  type FramedRecord,
  type Framer,
  LONGEST_RECORD,
  Unframeable,
  hasMark,
} from './framing.ts';

export interface FramerOptions {
  readonly delimiter: string;
  readonly quote: string;
  /** An empty line of a one-column file is a record only where an empty text is null, as DuckDB has it. */
  readonly emptyIsNull: boolean;
  /** Ascending numbers of records whose bytes the caller wants. */
  readonly wanted?: readonly number[];
}

const LF = 10;
const CR = 13;

/**
 * Finds the records of a CSV file (RFC 4180: quotes only at a field's edges) in one pass over its bytes, without
 * making texts of them. Empty lines are no records. Throws `Unframeable`; what it framed until then is void.
 */
export class CsvFramer implements Framer {
  readonly isAsRead = true;
  readonly #delimiter: number;
  readonly #quote: number;
  readonly #options: FramerOptions;
  /** The start of a record that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of `#rest`, in the file. */
  #offset = 0;
  #line = 1;
  #header: readonly string[] | undefined;
  #crlf: boolean | undefined;
  #nextWanted = 0;
  records = 0;
  cuts = 0;
  longest = 0;

  constructor(options: FramerOptions) {
    this.#options = options;
    this.#delimiter = options.delimiter.charCodeAt(0);
    this.#quote = options.quote === '' ? -1 : options.quote.charCodeAt(0);
  }

  /** Undefined before the first line is whole. */
  get header(): readonly string[] | undefined {
    return this.#header;
  }

  /** Lines end with CRLF; false where none has ended yet. */
  get crlf(): boolean {
    return this.#crlf ?? false;
  }

  push(chunk: Buffer): Block | undefined {
    return this.#frame(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]), false);
  }

  /** The last record needs no terminator. */
  end(): Block | undefined {
    const block = this.#frame(this.#rest, true);
    if (!this.#header) {
      throw new Unframeable(`${this.#offset} bytes without a header line; right would be the columns' names`);
    }
    return block;
  }

  #frame(buffer: Buffer, isLast: boolean): Block | undefined {
    const [delimiter, quote] = [this.#delimiter, this.#quote];
    const greatest = Math.max(delimiter, quote, CR);
    const end = buffer.length;
    // A multi-byte character holds no LF: up to the last one, none is torn.
    const isText = isUtf8(buffer.subarray(0, isLast ? end : buffer.lastIndexOf(LF) + 1));
    const cuts: Block['cuts'][number][] = [];
    const wanted: FramedRecord[] = [];
    const recordsBefore = this.records;
    let from = 0;
    let start = this.#offset === 0 && hasMark(buffer) ? 3 : 0;
    let line = this.#line;
    let i = start;
    let fields = 1;
    let fieldStart = start;
    let inner = 0;
    const finish = (to: number, next: number) => {
      if (to > start || (this.#options.emptyIsNull && this.#header?.length === 1)) {
        if (!this.#header) {
          this.#header = this.#readHeader(buffer.subarray(start, to), line);
          from = next;
        } else {
          this.records += 1;
          if (to - start > this.longest) this.longest = to - start;
          const isBad = fields !== this.#header.length || (!isText && !isUtf8(buffer.subarray(start, to)));
          if (isBad || this.records === this.#options.wanted?.[this.#nextWanted]) {
            const place = {
              record: this.records,
              line,
              offset: this.#offset + start,
              bytes: Buffer.from(buffer.subarray(start, to)),
            };
            if (isBad)
              cuts.push({
                cut: { ...place, ...describe(line, fields, this.#header.length) },
                at: [start, to],
              });
            else {
              wanted.push(place);
              this.#nextWanted += 1;
            }
          }
        }
      } else if (!this.#header) {
        throw new Unframeable(`line ${line} is empty; right would be a header line with the columns' names`);
      }
      line += 1 + inner;
      start = next;
      i = next;
      fieldStart = next;
      fields = 1;
      inner = 0;
    };

    scan: while (i < end) {
      const byte = buffer[i] ?? 0;
      if (byte > greatest) {
        i += 1;
      } else if (byte === delimiter) {
        fields += 1;
        i += 1;
        fieldStart = i;
      } else if (byte === LF) {
        this.#checkEnding(false, line + inner);
        finish(i, i + 1);
      } else if (byte === CR) {
        if (i + 1 === end && !isLast) break;
        if (buffer[i + 1] !== LF)
          throw new Unframeable(
            `line ${line + inner} has a CR that no LF follows; right would be lines that all end with LF, or all with CRLF`,
          );
        this.#checkEnding(true, line + inner);
        finish(i, i + 2);
      } else if (byte === quote) {
        if (i !== fieldStart)
          throw new Unframeable(
            `line ${line + inner} has a quote within an unquoted field; right would be the whole field in quotes, with its quotes doubled`,
          );
        let at = i + 1;
        let lines = 0;
        for (; ; at += 1) {
          if (at >= end) {
            if (isLast)
              throw new Unframeable(
                `the quote that opens in line ${line + inner} never closes; right would be a closing quote`,
              );
            break scan;
          }
          const inside = buffer[at];
          if (inside === LF) lines += 1;
          if (inside !== quote) continue;
          if (at + 1 === end && !isLast) break scan;
          if (buffer[at + 1] !== quote) break;
          at += 1;
        }
        inner += lines;
        i = at + 1;
        const after = buffer[i];
        if (i < end && after !== delimiter && after !== LF && after !== CR) {
          throw new Unframeable(
            `line ${line + inner} goes on after a closing quote; right would be a delimiter or the end of the line`,
          );
        }
      } else {
        i += 1;
      }
    }
    if (isLast && start < end) finish(end, end);
    if (end - start > LONGEST_RECORD) {
      throw new Unframeable(
        `the record that begins in line ${line} is longer than ${LONGEST_RECORD} bytes; right would be a shorter one, or a quote that closes`,
      );
    }
    this.#line = line;
    this.#offset += start;
    this.#rest = buffer.subarray(start);
    this.cuts += cuts.length;
    const records = this.records - recordsBefore;
    return records === 0 && wanted.length === 0
      ? undefined
      : { bytes: buffer, from, to: start, records, cuts, wanted };
  }

  #checkEnding(isCrlf: boolean, line: number): void {
    this.#crlf ??= isCrlf;
    if (this.#crlf === isCrlf) return;
    const [found, before] = isCrlf ? ['CRLF', 'LF'] : ['LF', 'CRLF'];
    throw new Unframeable(
      `line ${line} ends with ${found}, the lines before with ${before}; right would be one of the two`,
    );
  }

  #readHeader(bytes: Buffer, line: number): readonly string[] {
    if (!isUtf8(bytes)) throw new Unframeable(`line ${line}, the header, is not UTF-8; right would be UTF-8`);
    return splitFields(bytes.toString('utf8'), this.#options);
  }
}

/** The fields of one well-framed record, quotes taken off. */
export function splitFields(
  text: string,
  { delimiter, quote }: Pick<FramerOptions, 'delimiter' | 'quote'>,
): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= text.length;) {
    const isQuoted = quote !== '' && text[at] === quote;
    let end = isQuoted ? at + 1 : at;
    if (isQuoted) {
      while (text[end] !== quote || text[end + 1] === quote) end += text[end] === quote ? 2 : 1;
      fields.push(text.slice(at + 1, end).replaceAll(quote + quote, quote));
      at = end + 2;
      if (end + 1 === text.length) break;
    } else {
      end = text.indexOf(delimiter, at);
      if (end === -1) end = text.length;
      fields.push(text.slice(at, end));
      at = end + 1;
    }
  }
  return fields;
}

function describe(line: number, found: number, right: number): Pick<CutRecord, 'reason' | 'message'> {
  if (found === right)
    return { reason: 'NotUtf8', message: `line ${line} is not UTF-8; right would be UTF-8` };
  const reason = found > right ? 'TooManyColumns' : 'TooFewColumns';
  return { reason, message: `line ${line} has ${found} fields; right would be ${right}, as the header has` };
}
