import {
  closeSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { HEAD_BYTES, NEWLINE, arrivalOf } from './record-line.ts';

interface Segment {
  readonly path: string;
  readonly from: number;
  readonly fd: number;
  bytes: number;
}

export interface Page {
  /** Whole lines, as they lie on disk. */
  readonly lines: Buffer;
  readonly records: number;
  /** Where the next page begins. */
  readonly next: number;
  /** When the last record of the page arrived; undefined on an empty page. */
  readonly arrivedAt: number | undefined;
}

const PROBE = 64 * 1024;

/**
 * The records of one shard, in append-only segment files. A position counts bytes from the shard's first
 * record and stays valid for ever. What `append` returned from is with the operating system; a torn tail
 * is dropped on opening. Nothing is held in memory but one open file per segment.
 */
export class ShardLog {
  readonly #dir: string;
  readonly #segments: Segment[];

  constructor(dir: string) {
    this.#dir = dir;
    mkdirSync(dir, { recursive: true });
    const names = readdirSync(dir)
      .filter((name) => name.endsWith('.log'))
      .toSorted((a, b) => (a < b ? -1 : 1));
    this.#segments = names.map((name) => openSegment(dir, Number.parseInt(name, 10)));
    if (this.#segments.length === 0) this.#segments.push(openSegment(dir, 0));
    dropTornTail(this.#last());
  }

  get start(): number {
    return this.#segments[0]?.from ?? 0;
  }

  get end(): number {
    const last = this.#last();
    return last.from + last.bytes;
  }

  /** Write whole lines. Throws, with the log as it was, when the disk refuses. */
  append(lines: Buffer, segmentBytes: number): void {
    if (this.#last().bytes >= segmentBytes) this.#segments.push(openSegment(this.#dir, this.end));
    const segment = this.#last();
    try {
      for (let done = 0; done < lines.length;) {
        done += writeSync(segment.fd, lines, done, lines.length - done, segment.bytes + done);
      }
    } catch (error) {
      ftruncateSync(segment.fd, segment.bytes);
      throw error;
    }
    segment.bytes += lines.length;
  }

  /** The records from a position on: at least one if there is one, else as many as both bounds and the segment allow. */
  read(position: number, maxRecords: number, maxBytes: number): Page {
    const segment = this.#segmentAt(position);
    if (!segment || position >= this.end) {
      return { lines: Buffer.alloc(0), records: 0, next: position, arrivedAt: undefined };
    }
    const offset = position - segment.from;
    const left = segment.bytes - offset;
    for (
      let size = Math.min(left, maxBytes, Math.max(PROBE, maxRecords * 2_048));
      ;
      size = Math.min(left, size * 2)
    ) {
      const bytes = readAt(segment.fd, offset, size);
      const cut = cutLines(bytes, size > maxBytes ? 1 : maxRecords);
      const full = cut.records === maxRecords || size === left || (size >= maxBytes && cut.records > 0);
      if (!full) continue;
      const lines = bytes.subarray(0, cut.bytes);
      const arrivedAt = cut.records > 0 ? arrivalOf(lines.subarray(cut.lastLine)) : undefined;
      return { lines, records: cut.records, next: position + cut.bytes, arrivedAt };
    }
  }

  /** When the record at a position arrived, or undefined at the end. */
  arrivalAt(position: number): number | undefined {
    const segment = this.#segmentAt(position);
    if (!segment || position >= this.end) return undefined;
    return arrivalOf(readAt(segment.fd, position - segment.from, HEAD_BYTES));
  }

  /** The first record that arrived at this time or later, or the end. Arrivals never descend within a log. */
  firstArrivedSince(time: number): number {
    let segment: Segment | undefined;
    for (const candidate of this.#segments) {
      if (segment && (this.arrivalAt(candidate.from) ?? Infinity) >= time) break;
      segment = candidate;
    }
    if (!segment) return this.end;
    let [low, high] = [segment.from, segment.from + segment.bytes];
    let first = high;
    while (low < high) {
      const middle = low + Math.floor((high - low) / 2);
      const record = this.recordAtOrAfter(middle);
      if (record >= high) {
        high = middle;
      } else if ((this.arrivalAt(record) ?? Infinity) >= time) {
        first = record;
        high = middle;
      } else {
        low = this.recordAtOrAfter(record + 1);
      }
    }
    return first;
  }

  /** The first record that begins at this place or after it, or the end. */
  recordAtOrAfter(place: number): number {
    const segment = this.#segmentAt(place);
    if (!segment || place <= segment.from) return Math.max(place, this.start);
    for (let offset = place - segment.from - 1; offset < segment.bytes; offset += PROBE) {
      const found = readAt(segment.fd, offset, Math.min(PROBE, segment.bytes - offset)).indexOf(NEWLINE);
      if (found >= 0) return segment.from + offset + found + 1;
    }
    return segment.from + segment.bytes;
  }

  /** Where the last record begins; the end of an empty log. */
  lastRecord(): number {
    const last = this.#segments.findLast((segment) => segment.bytes > 0);
    if (!last) return this.end;
    for (let until = last.bytes - 1; until > 0; until = Math.max(0, until - PROBE)) {
      const from = Math.max(0, until - PROBE);
      const newline = readAt(last.fd, from, until - from).lastIndexOf(NEWLINE);
      if (newline >= 0) return last.from + from + newline + 1;
    }
    return last.from;
  }

  /** Give back the files that lie wholly before a position. The end stays where it is. */
  dropBefore(position: number): void {
    if (position >= this.end && this.#last().bytes > 0) this.#segments.push(openSegment(this.#dir, this.end));
    while (this.#segments.length > 1) {
      const [first] = this.#segments;
      if (!first || first.from + first.bytes > position) return;
      closeSync(first.fd);
      unlinkSync(first.path);
      this.#segments.shift();
    }
  }

  close(): void {
    for (const segment of this.#segments.splice(0)) closeSync(segment.fd);
  }

  #last(): Segment {
    const last = this.#segments.at(-1);
    if (!last) throw new Error(`the log in ${this.#dir} is closed`);
    return last;
  }

  #segmentAt(position: number): Segment | undefined {
    return this.#segments.findLast((segment) => segment.from <= position);
  }
}

function openSegment(dir: string, from: number): Segment {
  const path = join(dir, `${String(from).padStart(16, '0')}.log`);
  const fd = openSync(path, 'a+');
  return { path, from, fd, bytes: fstatSync(fd).size };
}

function dropTornTail(segment: Segment): void {
  let whole = segment.bytes;
  while (whole > 0) {
    const from = Math.max(0, whole - PROBE);
    const newline = readAt(segment.fd, from, whole - from).lastIndexOf(NEWLINE);
    whole = newline >= 0 ? from + newline + 1 : from;
    if (newline >= 0) break;
  }
  if (whole === segment.bytes) return;
  ftruncateSync(segment.fd, whole);
  segment.bytes = whole;
}

function readAt(fd: number, offset: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  const got = readSync(fd, bytes, 0, size, offset);
  return got === size ? bytes : bytes.subarray(0, got);
}

function cutLines(bytes: Buffer, maxRecords: number): { records: number; bytes: number; lastLine: number } {
  let [records, end, lastLine] = [0, 0, 0];
  while (records < maxRecords) {
    const newline = bytes.indexOf(NEWLINE, end);
    if (newline < 0) break;
    lastLine = end;
    end = newline + 1;
    records += 1;
  }
  return { records, bytes: end, lastLine };
}
