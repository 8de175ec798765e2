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

// Text has no control character but tab and line ends. DuckDB takes a CR for a line's end, an empty line for a record.
// oxlint-disable-next-line no-control-regex
const UNUSUAL = /[\u0000-\u0008\u000b-\u001f]|^\n|\n\n/;
// oxlint-disable-next-line no-control-regex
const CONTROL = /[\u0000-\u0008\u000b-\u001f]/;

type Why = Pick<CutRecord, 'reason' | 'message'>;

/** What a format asks of its lines, beyond being text. */
export interface LineRules {
  /** Lines before the first record, empty ones counted. */
  readonly skip: number;
  /** What lines would be right, in words, where one has no end. */
  readonly lines: string;
  /** Of a line with a control character: the reason, and what would be right, in words. */
  readonly control: { readonly reason: CutRecord['reason']; readonly right: string };
  /** What is wrong with a line of UTF-8, where that can be told before its values are read. */
  readonly problem?: (bytes: Buffer, line: number) => Why | undefined;
}

/**
 * Finds the records of files with one a line, whether it ends with LF or CRLF. Empty lines are no records. What the
 * values of a line say is for DuckDB; what it cannot take as a line of text is cut out here. Blocks hold the records
 * as DuckDB reads them, with LF behind each: where lines ended otherwise they are copies.
 */
export class LineFramer implements Framer {
  readonly header: readonly string[] = [];
  readonly crlf = false;
  readonly #rules: LineRules;
  readonly #wanted: readonly number[];
  #nextWanted = 0;
  /** The start of a record that is not whole yet. */
  #rest: Buffer = Buffer.alloc(0);
  /** Of `#rest`, in the file. */
  #offset = 0;
  #line = 1;
  isAsRead: boolean;
  records = 0;
  longest = 0;

  /** `wanted`: ascending numbers of records whose bytes the caller wants. */
  constructor(rules: LineRules, wanted: readonly number[]) {
    this.#rules = rules;
    this.#wanted = wanted;
    this.isAsRead = rules.skip === 0;
  }

  push(chunk: Buffer): Block | undefined {
    return this.#frame(this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]), false);
  }

  end(): Block | undefined {
    const block = this.#frame(this.#rest, true);
    const lines = this.#line - 1;
    const { skip } = this.#rules;
    if (lines < skip)
      throw new Unframeable(`it has ${lines} lines; right would be at least ${skip} before the first record`);
    return block;
  }

  #frame(buffer: Buffer, isLast: boolean): Block | undefined {
    const end = isLast ? buffer.length : buffer.lastIndexOf(LF) + 1;
    if (buffer.length - end > LONGEST_RECORD) throw this.#tooLong(buffer.subarray(0, end));
    let from = end > 0 && this.#offset === 0 && hasMark(buffer) ? 3 : 0;
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
      if (this.#line <= this.#rules.skip) {
        from = next;
      } else if (to > at) {
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
  ): Why | undefined {
    if (!isText && !isUtf8(bytes))
      return { reason: 'NotUtf8', message: `line ${this.#line} is not UTF-8; right would be UTF-8` };
    const { control, problem } = this.#rules;
    const [found] = isUsual ? [] : (CONTROL.exec(bytes.toString('latin1')) ?? []);
    if (found === undefined) return problem?.(bytes, this.#line);
    const code = found.charCodeAt(0).toString(16).padStart(2, '0');
    return {
      reason: control.reason,
      message: `line ${this.#line} has the byte 0x${code}; right would be ${control.right}`,
    };
  }

  #tooLong(before: Buffer): Unframeable {
    let line = this.#line;
    for (let at = before.indexOf(LF); at !== -1; at = before.indexOf(LF, at + 1)) line += 1;
    return new Unframeable(
      `line ${line} is longer than ${LONGEST_RECORD} bytes; right would be ${this.#rules.lines}`,
    );
  }
}
