import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { isAggregate, takeApart } from '../../lake/aggregate.ts';
import { userPosition } from '../../lake/positions.ts';
import { hash63 } from '../refine/hash.ts';
import { Growing } from './growing.ts';
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
const RAW_LINE_BYTES = 200;

/** Records of one commit, whole on disk: as they came, and framed for `lake/sql/refine-json.ts`. */
export interface Framed {
  /** What an aggregate holds is counted, not the aggregate; a broken one is a record. */
  readonly records: number;
  /** Channel ids by the number that frames give. */
  readonly channels: readonly string[];
  readonly framed: { readonly path: string; readonly records: number; readonly longest: number };
  readonly raw: { readonly path: string; readonly bytes: number; readonly sha256: string };
  readonly cut: readonly CutRecord[];
  /** Bytes of framed records, by their row, where the frame has others. */
  readonly originals: ReadonlyMap<number, Uint8Array>;
}

// A frame ends at a line feed and its fields at \x01; read_csv takes a carriage return for a line's end as well.
// oxlint-disable-next-line no-control-regex
const UNFRAMEABLE = /[\u0000-\u0008\u000a-\u001f]/;

/** Records on their way into one commit. Pages may be added at once; each stays together and in order. */
export class Frames {
  readonly #folder: string;
  readonly #channels: string[] = [];
  readonly #cut: CutRecord[] = [];
  readonly #originals = new Map<number, Uint8Array>();
  #files: Files | undefined;
  #writing: Promise<void> = Promise.resolve();
  #records = 0;
  #framed = 0;
  #longest = 0;
  #bytes = 0;

  /** A folder of its own, made with the first record. */
  constructor(folder: string) {
    this.#folder = folder;
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
    const prefix = `","channel":${JSON.stringify(channel)},"position":"`;
    const payloads = records.reduce((sum, { data }) => sum + data.length, 0);
    const frames = new Growing(payloads + records.length * FRAME_BYTES);
    const raw = new Growing(Math.ceil(1.25 * payloads) + records.length * RAW_LINE_BYTES);
    let arrivedAtMs = Number.NaN;
    let arrival = '';
    for (const record of records) {
      const { sequence, data } = record;
      // Whole pages arrive at one time.
      if (record.arrivedAtMs !== arrivedAtMs) {
        arrivedAtMs = record.arrivedAtMs;
        arrival = new Date(arrivedAtMs).toISOString();
      }
      const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      const text = isUtf8(bytes) ? bytes.toString('utf8') : undefined;
      const payload =
        text === undefined ? `"base64":"${bytes.toString('base64')}"` : `"text":${JSON.stringify(text)}`;
      raw.addText(`{"arrival":"${arrival}${prefix}${sequence}",${payload}}\n`);
      const place = { channel, position: sequence, bytes };
      const arrived = { number, arrivedAtMs };
      if (isAggregate(bytes)) this.#aggregate(place, arrived, frames);
      else this.#frame(place, text, arrived, frames);
    }
    await this.#write(frames.bytes(), raw.bytes());
  }

  /** Everything, whole on disk. Call once, after every `add`. */
  async finish(): Promise<Framed> {
    await this.#writing;
    const files = await this.#opened();
    const raw = await files.end();
    return {
      records: this.#records,
      channels: this.#channels,
      framed: { path: files.framedPath, records: this.#framed, longest: this.#longest },
      raw,
      cut: this.#cut,
      originals: this.#originals,
    };
  }

  /** Closes what is open, for a batch that is given up. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => undefined);
    await this.#files?.end().catch(() => undefined);
  }

  #numberOf(channel: string): number {
    const found = this.#channels.indexOf(channel);
    return found === -1 ? this.#channels.push(channel) - 1 : found;
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

  async #write(frames: Buffer, raw: Buffer): Promise<void> {
    const turn = this.#writing.then(async () => {
      const files = await this.#opened();
      await files.write(frames, raw);
    });
    // Whoever adds hears of a failure; those that follow hear of it too.
    this.#writing = turn;
    await turn;
  }

  async #opened(): Promise<Files> {
    this.#files ??= await Files.create(this.#folder);
    return this.#files;
  }
}

class Files {
  readonly framedPath: string;
  readonly #rawPath: string;
  readonly #framed: FileHandle;
  // Level 1: what it saves over no compression is most of what there is to save, at half the time of the default.
  readonly #gzip = createGzip({ level: 1, chunkSize: 256 * 1024 });
  readonly #sha256 = createHash('sha256');
  readonly #done: Promise<void>;
  #bytes = 0;
  #ended: Promise<{ path: string; bytes: number; sha256: string }> | undefined;

  static async create(folder: string): Promise<Files> {
    await mkdir(folder, { recursive: true });
    const framedPath = path.join(folder, 'framed');
    return new Files(folder, framedPath, await open(framedPath, 'wx'));
  }

  private constructor(folder: string, framedPath: string, framed: FileHandle) {
    this.framedPath = framedPath;
    this.#framed = framed;
    this.#rawPath = path.join(folder, 'raw.ndjson.gz');
    this.#gzip.on('data', (chunk: Buffer) => {
      this.#sha256.update(chunk);
      this.#bytes += chunk.length;
    });
    this.#done = pipeline(this.#gzip, createWriteStream(this.#rawPath, { flags: 'wx' }));
    // Heard of at the end, or with the next write.
    this.#done.catch(() => undefined);
  }

  async write(frames: Buffer, raw: Buffer): Promise<void> {
    await this.#framed.write(frames);
    await new Promise<void>((resolve, reject) => {
      this.#gzip.write(raw, (error) => (error ? reject(error) : resolve()));
    });
  }

  end(): Promise<{ path: string; bytes: number; sha256: string }> {
    this.#ended ??= this.#end();
    return this.#ended;
  }

  async #end() {
    this.#gzip.end();
    await this.#framed.close();
    await this.#done;
    return { path: this.#rawPath, bytes: this.#bytes, sha256: this.#sha256.digest('hex') };
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
