import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';
import type { FramedFile } from './survey.ts';

/** A well-framed file on its way into the lake. */
export interface ComingFile {
  readonly item: string;
  readonly framed: FramedFile;
}

/** A run of a file's records within a local file that DuckDB reads. */
export interface Member {
  readonly file: ComingFile;
  /** Number within the file of its first record, from 1. */
  readonly firstRecord: number;
  readonly records: number;
}

/** A local file that DuckDB reads; of text, with a header line where the group has a header. */
export interface Piece {
  readonly path: string;
  readonly members: readonly Member[];
  /** The source's own file: it may still change under us. */
  readonly isSource: boolean;
}

const BUFFERED_BYTES = 1024 * 1024;

/** Files with one header, one kind of line end and the same types, that become one rows object together. */
export class Group {
  readonly header: readonly string[];
  /** Of the header's columns, where the files have types. */
  readonly types: readonly string[];
  readonly #crlf: boolean;
  readonly #headerLine: string;
  readonly #scratch: string;
  readonly #pieces: Piece[] = [];
  #shared: SharedPiece | undefined;
  #made = 0;
  #bytes = 0;
  #longest = 0;

  constructor(options: {
    header: readonly string[];
    types: readonly string[];
    crlf: boolean;
    delimiter: string;
    scratch: string;
  }) {
    this.header = options.header;
    this.types = options.types;
    this.#crlf = options.crlf;
    const names = this.header.map((_, index) => `c${index}`).join(options.delimiter);
    this.#headerLine = names === '' ? '' : `${names}${this.#crlf ? '\r\n' : '\n'}`;
    this.#scratch = options.scratch;
  }

  /** Of text, and what its broken records weigh. */
  get bytes(): number {
    return this.#bytes;
  }

  get longest(): number {
    return this.#longest;
  }

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  /** A file whose records stand in memory joins those before it in one local file. */
  async addSmall(file: ComingFile, body: Buffer): Promise<void> {
    this.#count(file.framed, body.length);
    if (!this.#shared) {
      this.#shared = new SharedPiece(await this.newFile());
      this.#pieces.push(this.#shared);
    }
    await this.#shared.add(this.#terminated(body), { file, firstRecord: 1, records: file.framed.records });
  }

  /** The caller has written it, or it is the source's own. */
  async addPiece(piece: Piece, bytes: number): Promise<void> {
    await this.#endShared();
    for (const { file } of piece.members) this.#count(file.framed, 0);
    this.#bytes += bytes;
    this.#pieces.push(piece);
  }

  /** A new local file that begins with a header line, where the group has a header. Whoever asks closes it. */
  async newFile(): Promise<{ readonly path: string; readonly handle: FileHandle }> {
    this.#made += 1;
    const file = path.join(this.#scratch, `part-${this.#made}`);
    const handle = await open(file, 'wx');
    if (this.#headerLine !== '') await handle.write(this.#headerLine);
    return { path: file, handle };
  }

  /** Everything, whole on disk, in order. */
  async pieces(): Promise<readonly Piece[]> {
    await this.#endShared();
    return this.#pieces;
  }

  // Broken records wait in memory until the group is refined: a quarter of a group's bytes may be theirs.
  #count({ longest, cutBytes }: FramedFile, bytes: number): void {
    this.#bytes += bytes + 4 * cutBytes;
    this.#longest = Math.max(this.#longest, longest);
  }

  #terminated(body: Buffer): Buffer {
    if (body.length === 0 || body.at(-1) === 10) return body;
    return Buffer.concat([body, Buffer.from(this.#crlf ? '\r\n' : '\n')]);
  }

  async #endShared(): Promise<void> {
    await this.#shared?.end();
    this.#shared = undefined;
  }
}

class SharedPiece implements Piece {
  readonly path: string;
  readonly isSource = false;
  readonly members: Member[] = [];
  readonly #handle: FileHandle;
  #waiting: Buffer[] = [];
  #bytes = 0;

  constructor({ path: file, handle }: { readonly path: string; readonly handle: FileHandle }) {
    this.path = file;
    this.#handle = handle;
  }

  async add(body: Buffer, member: Member): Promise<void> {
    this.members.push(member);
    this.#waiting.push(body);
    this.#bytes += body.length;
    if (this.#bytes >= BUFFERED_BYTES) await this.#flush();
  }

  async end(): Promise<void> {
    await this.#flush();
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    await this.#handle.write(Buffer.concat(this.#waiting));
    this.#waiting = [];
    this.#bytes = 0;
  }
}
