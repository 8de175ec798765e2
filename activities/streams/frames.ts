import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { isAggregate, takeApart } from '../../lake/aggregate.ts';
import { userPosition } from '../../lake/positions.ts';
import { hash63 } from '../refine/hash.ts';
import { Growing } from './growing.ts';
import { arePlain } from './plain.ts';
import type { StreamRecord } from './port.ts';

/** A record that cannot be handed to DuckDB as it is, and why. */
export interface CutRecord {
  readonly channel: string;
  readonly position: string;
  readonly reason: 'NotUtf8' | 'NotJson' | 'BrokenAggregate';
  readonly message: string;
  readonly bytes: Uint8Array;
}

type Place = Pick<CutRecord, 'channel' | 'position' | 'bytes'>;

/** The number of a record's channel, and when it arrived. */
interface Arrived {
  readonly number: number;
  readonly arrivedAtMs: number;
}

/** What a line has beside the payload, about. */
const FRAME_BYTES = 100;

/** Records of one commit, whole on disk, framed for `lake/sql/refine-json.ts`. */
export interface Framed {
  /** What an aggregate holds is counted, not the aggregate; a broken one is a record. */
  readonly records: number;
  /** Channel ids by the number that frames give. */
  readonly channels: readonly string[];
  readonly framed: { readonly path: string; readonly records: number; readonly longest: number };
  readonly cut: readonly CutRecord[];
  /** Bytes of framed records, by their row, where the frame has others. */
  readonly originals: ReadonlyMap<number, Uint8Array>;
}

// A frame ends at a line feed and its fields at \x01; read_csv takes a carriage return for a line's end as well.
// oxlint-disable-next-line no-control-regex
const UNFRAMEABLE = /[\u0000-\u0008\u000a-\u001f]/;

/** Records on their way into one commit. Pages may be added at once; each stays together and in order. */
export class Frames {
  readonly #path: string;
  readonly #channels: string[] = [];
  readonly #cut: CutRecord[] = [];
  readonly #originals = new Map<number, Uint8Array>();
  /** As many as there were pages at once: large memory that is made and dropped has all of it collected each time. */
  readonly #spare: Growing[] = [];
  #file: FileHandle | undefined;
  #writing: Promise<void> = Promise.resolve();
  #records = 0;
  #framed = 0;
  #longest = 0;
  #bytes = 0;

  /** `path` must not exist; nothing is made before the first record. */
  constructor(path: string) {
    this.#path = path;
  }

  get records(): number {
    return this.#records;
  }

  /** Of payloads, those of user records where a record holds several. */
  get bytes(): number {
    return this.#bytes;
  }

  async add(channel: string, records: readonly StreamRecord[]): Promise<void> {
    if (records.length === 0) return;
    const number = this.#numberOf(channel);
    const payloads = records.reduce((sum, { data }) => sum + data.length, 0);
    const frames = this.#spare.pop() ?? new Growing(payloads + records.length * FRAME_BYTES);
    if (arePlain(records)) {
      for (const record of records) this.#framePlain(number, record, frames);
    } else {
      for (const record of records) this.#frameAny(channel, number, record, frames);
    }
    await this.#write(frames.bytes());
    frames.clear();
    this.#spare.push(frames);
  }

  /** Everything, whole on disk. Call once, after every `add`. */
  async finish(): Promise<Framed> {
    await this.#writing;
    const file = await this.#opened();
    await file.close();
    return {
      records: this.#records,
      channels: this.#channels,
      framed: { path: this.#path, records: this.#framed, longest: this.#longest },
      cut: this.#cut,
      originals: this.#originals,
    };
  }

  /** Closes what is open, for a batch that is given up. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#file?.close().catch(() => undefined);
  }

  #numberOf(channel: string): number {
    const found = this.#channels.indexOf(channel);
    return found === -1 ? this.#channels.push(channel) - 1 : found;
  }

  /** Of a page that was looked at as a whole. */
  #framePlain(number: number, { sequence, arrivedAtMs, data }: StreamRecord, frames: Growing): void {
    this.#records += 1;
    this.#bytes += data.length;
    this.#framed += 1;
    if (data.length + 128 > this.#longest) this.#longest = data.length + 128;
    frames.addText(`${number}\u0001${arrivedAtMs}\u0001${sequence}\u0001\u0001`);
    frames.addBytes(data);
    frames.addText('\n');
  }

  #frameAny(channel: string, number: number, record: StreamRecord, frames: Growing): void {
    const { sequence, arrivedAtMs, data } = record;
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    const place = { channel, position: sequence, bytes };
    const arrived = { number, arrivedAtMs };
    if (isAggregate(bytes)) this.#aggregate(place, arrived, frames);
    else this.#frame(place, isUtf8(bytes) ? bytes.toString('utf8') : undefined, arrived, frames);
  }

  /** Frames of the user records in a record. Where a shard carries one that a split gave to another, it is here all the same. */
  #aggregate(place: Place, arrived: Arrived, frames: Growing): void {
    const { channel, position: sequence } = place;
    const taken = takeApart(place.bytes, md5);
    if (taken.kind === 'broken') {
      this.#count(place);
      this.#cut.push({ ...place, reason: 'BrokenAggregate', message: taken.message });
      return;
    }
    for (const [index, record] of taken.records.entries()) {
      const bytes = Buffer.from(record.buffer, record.byteOffset, record.byteLength);
      const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined;
      const position = userPosition(sequence, index);
      this.#frame({ channel, position, bytes }, text, arrived, frames);
    }
  }

  /** Adds its line, or nothing when it was cut out. */
  #frame(place: Place, text: string | undefined, { number, arrivedAtMs }: Arrived, frames: Growing): void {
    const { position, bytes } = place;
    this.#count(place);
    const isPlain = text !== undefined && text !== '' && !UNFRAMEABLE.test(text);
    const line = isPlain ? text : this.#unusual(place, text);
    if (line === undefined) return;
    this.#framed += 1;
    if (!isPlain) this.#originals.set(this.#framed, bytes);
    const hash = isPlain ? '' : hash63(bytes).toString();
    if (bytes.length + 128 > this.#longest) this.#longest = bytes.length + 128;
    frames.addText(`${number}\u0001${arrivedAtMs}\u0001${position}\u0001${hash}\u0001`);
    if (isPlain) frames.addBytes(bytes);
    else frames.addText(line);
    frames.addText('\n');
  }

  #count({ bytes }: Place): void {
    this.#records += 1;
    this.#bytes += bytes.length;
  }

  /** A payload that is no line of text, as one; undefined when it was cut out. */
  #unusual(place: Place, text: string | undefined): string | undefined {
    // Between values, line breaks mean nothing. Within a text they would be no JSON, and a blank would hide that.
    if (text !== undefined && isJson(text)) return text.replaceAll(/[\n\r]/g, ' ');
    const found =
      text === undefined
        ? `${place.bytes.length} bytes that are not UTF-8`
        : JSON.stringify(text.slice(0, 100));
    const reason = text === undefined ? 'NotUtf8' : 'NotJson';
    this.#cut.push({ ...place, reason, message: `the record has ${found}; right would be one JSON object` });
    return undefined;
  }

  async #write(frames: Buffer): Promise<void> {
    const turn = this.#writing.then(async () => {
      const file = await this.#opened();
      await file.write(frames);
    });
    // Whoever adds hears of a failure; those that follow hear of it too.
    this.#writing = turn;
    await turn;
  }

  async #opened(): Promise<FileHandle> {
    this.#file ??= await open(this.#path, 'wx');
    return this.#file;
  }
}

function md5(bytes: Uint8Array): Uint8Array {
  return createHash('md5').update(bytes).digest();
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
