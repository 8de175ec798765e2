import { isUtf8 } from 'node:buffer';
import {
  type Block,
  type CutRecord,
  type FramedRecord,
  type Framer,
  LONGEST_RECORD,
  Unframeable,
  hasMark,
} from '../refine/framing.ts';

const LF = 10;
const CR = 13;
const NEWLINE = Buffer.from('\n');

// JSON has no control character but tab and line ends. DuckDB takes a CR for a line's end, an empty line for a record.
// oxlint-disable-next-line no-control-regex
const UNUSUAL = /[\u0000-\u0008\u000b-\u001f]|^\n|\n\n/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f]/;

/**
 * Finds the records of JSON lines: one a line, whether it ends with LF or CRLF. Empty lines are no records. Whether a
 * line is JSON is for DuckDB to say; what it cannot take as a line of text is cut out here. Blocks hold the records as
 * DuckDB reads them, with LF behind each: where lines ended otherwise they are copies.
 */
export class JsonFramer implements Framer {
  readonly header: readonly string[] = [];
  readonly crlf = false;
  readonly #wanted: readonly number[];
  #nextWanted = 0;
  /** The start of a record that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of `#rest`, in the file. */
  #offset = 0;
  #line = 1;
  isAsRead = true;
  records = 0;
  longest = 0;

  /** `wanted`: ascending numbers of records whose bytes the caller wants. */
  constructor(wanted: readonly number[]) {
    this.#wanted = wanted;
  }

  push(chunk: Buffer): Block | undefined {
    return this.#frame(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]), false);
  }

  end(): Block | undefined {
    return this.#frame(this.#rest, true);
  }

  #frame(buffer: Buffer, isLast: boolean): Block | undefined {
    const end = isLast ? buffer.length : buffer.lastIndexOf(LF) + 1;
    if (buffer.length - end > LONGEST_RECORD) throw this.#tooLong(buffer.subarray(0, end));
    const from = end > 0 && this.#offset === 0 && hasMark(buffer) ? 3 : 0;
    const isText = isUtf8(buffer.subarray(0, end));
    const isUsual = !UNUSUAL.test(buffer.toString('latin1', from, end));
    if (from > 0 || !isUsual) this.isAsRead = false;
    const before = this.records;
    const cuts: Block['cuts'][number][] = [];
    const wanted: FramedRecord[] = [];
    const copied: Buffer[] = [];
    let length = 0;
    for (let at = from; at < end; this.#line += 1) {
      const found = buffer.indexOf(LF, at);
      const next = found === -1 ? end : found + 1;
      const last = found === -1 ? end : found;
      const to = !isUsual && last > at && buffer[last - 1] === CR ? last - 1 : last;
      if (to > at) {
        const start = isUsual ? at : length;
        this.#take(buffer.subarray(at, to), { at, start, isText, isUsual }, cuts, wanted);
        if (!isUsual) copied.push(buffer.subarray(at, to), NEWLINE);
        length += to - at + 1;
      }
      at = next;
    }
    this.#offset += end;
    this.#rest = buffer.subarray(end);
    const records = this.records - before;
    if (records === 0) return undefined;
    const block = isUsual
      ? { bytes: buffer, from, to: end }
      : { bytes: Buffer.concat(copied), from: 0, to: length };
    return { ...block, records, cuts, wanted };
  }

  #take(
    bytes: Buffer,
    where: {
      readonly at: number;
      readonly start: number;
      readonly isText: boolean;
      readonly isUsual: boolean;
    },
    cuts: Block['cuts'][number][],
    wanted: FramedRecord[],
  ): void {
    this.records += 1;
    if (bytes.length > LONGEST_RECORD) throw this.#tooLong(Buffer.alloc(0));
    if (bytes.length > this.longest) this.longest = bytes.length;
    const why = this.#problem(bytes, where);
    if (!why && this.records !== this.#wanted[this.#nextWanted]) return;
    const place = {
      record: this.records,
      line: this.#line,
      offset: this.#offset + where.at,
      bytes: Buffer.from(bytes),
    };
    if (why) {
      cuts.push({ cut: { ...place, ...why }, at: [where.start, where.start + bytes.length] });
      return;
    }
    wanted.push(place);
    this.#nextWanted += 1;
  }

  #problem(
    bytes: Buffer,
    { isText, isUsual }: { readonly isText: boolean; readonly isUsual: boolean },
  ): Pick<CutRecord, 'reason' | 'message'> | undefined {
    if (!isText && !isUtf8(bytes))
      return { reason: 'NotUtf8', message: `line ${this.#line} is not UTF-8; right would be UTF-8` };
    const [found] = isUsual ? [] : (CONTROL.exec(bytes.toString('latin1')) ?? []);
    if (found === undefined) return undefined;
    const code = found.charCodeAt(0).toString(16).padStart(2, '0');
    const message = `line ${this.#line} has the byte 0x${code}; right would be one JSON object, with it escaped or left out`;
    return { reason: 'NotJson', message };
  }

  #tooLong(before: Buffer): Unframeable {
    let line = this.#line;
    for (let at = before.indexOf(LF); at !== -1; at = before.indexOf(LF, at + 1)) line += 1;
    return new Unframeable(
      `line ${line} is longer than ${LONGEST_RECORD} bytes; right would be one JSON object a line, each shorter`,
    );
  }
}
