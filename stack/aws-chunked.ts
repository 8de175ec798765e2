import { createHash } from 'node:crypto';
import { Refusal } from './exchange.ts';
import { type Signed, sameText, sha256, signChunk } from './sigv4.ts';

export interface Framing {
  /** What the header promised: the size of the body without its framing. */
  readonly decodedLength: number;
  /** The trailers that the headers announced. */
  readonly announced: readonly string[];
  /** Filled with the trailers that came. */
  readonly trailers: Map<string, string>;
  /** Given when every chunk carries a signature. */
  readonly signed?: Signed;
}

/** Of every chunk with data but the last. */
const SMALLEST_CHUNK = 8192;
const LONGEST_LINE = 16_384;
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** The data of an aws-chunked body, each chunk held to its signature where there is one. */
export async function* decodeChunked(
  source: AsyncIterable<Buffer>,
  framing: Framing,
): AsyncGenerator<Buffer> {
  const input = new Input(source);
  let previous = framing.signed?.signature ?? '';
  let sizeBytes = 0;
  let previousSize = SMALLEST_CHUNK;
  for (;;) {
    const [size, ...extensions] = (await input.line()).split(';');
    if (size === undefined || !/^[0-9a-fA-F]{1,8}$/.test(size))
      throw malformed(`"${size}" is not the size of a chunk`);
    const signature = extensions
      .find((text) => text.startsWith('chunk-signature='))
      ?.slice('chunk-signature='.length);
    const hash = framing.signed ? createHash('sha256') : undefined;
    let left = Number.parseInt(size, 16);
    const isLast = left === 0;
    if (!isLast && previousSize < SMALLEST_CHUNK) throw tooSmall(previousSize);
    previousSize = left;
    sizeBytes += left;
    while (left > 0) {
      const data = await input.take(left);
      hash?.update(data);
      left -= data.length;
      yield data;
    }
    if (framing.signed && hash) {
      const expected = signChunk(framing.signed, 'PAYLOAD', previous, [EMPTY_SHA256, hash.digest('hex')]);
      if (signature === undefined || !sameText(signature, expected)) throw badChunk();
      previous = expected;
    }
    if (isLast) break;
    if ((await input.line()) !== '') throw malformed('a chunk is longer than its size says');
  }
  if (sizeBytes !== framing.decodedLength) {
    throw malformed(
      `x-amz-decoded-content-length is ${framing.decodedLength}, the chunks hold ${sizeBytes} bytes`,
    );
  }
  await readTrailers(input, framing, previous);
}

async function readTrailers(input: Input, framing: Framing, previous: string): Promise<void> {
  let signature: string | undefined;
  let signedText = '';
  for (;;) {
    const line = await input.line();
    if (line === '') {
      // A signed trailer is followed by one empty line of its own before its signature in some clients.
      if (framing.signed && framing.announced.length > 0 && signature === undefined && !input.isAtEnd)
        continue;
      break;
    }
    const colon = line.indexOf(':');
    if (colon < 0) throw malformed(`"${line}" is not a trailer`);
    const [name, value] = [line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()];
    if (name === 'x-amz-trailer-signature') signature = value;
    else {
      framing.trailers.set(name, value);
      signedText += `${name}:${value}\n`;
    }
  }
  const absent = framing.announced.find((name) => !framing.trailers.has(name));
  if (absent !== undefined) throw malformed(`the trailer ${absent} was announced and did not come`);
  if (framing.signed && framing.announced.length > 0) {
    const expected = signChunk(framing.signed, 'TRAILER', previous, [sha256(signedText)]);
    if (signature === undefined || !sameText(signature, expected)) throw badChunk();
  }
}

/** Pulls lines and bytes from the pieces in which a body arrives, without copying its data. */
class Input {
  readonly #source: AsyncIterator<Buffer>;
  #piece: Buffer = Buffer.alloc(0);
  isAtEnd = false;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Up to the next line feed, without the line's end. Empty at the end of the body. */
  async line(): Promise<string> {
    let text = '';
    for (;;) {
      const end = this.#piece.indexOf(10);
      if (end >= 0) {
        text += this.#piece.toString('latin1', 0, end);
        this.#piece = this.#piece.subarray(end + 1);
        return text.endsWith('\r') ? text.slice(0, -1) : text;
      }
      text += this.#piece.toString('latin1');
      if (text.length > LONGEST_LINE) throw malformed('a line of its framing is too long');
      if (!(await this.#more())) return text;
    }
  }

  /** At least one byte and at most `limit`. */
  async take(limit: number): Promise<Buffer> {
    if (this.#piece.length === 0 && !(await this.#more())) throw malformed('it ends within a chunk');
    const data = this.#piece.subarray(0, limit);
    this.#piece = this.#piece.subarray(data.length);
    return data;
  }

  async #more(): Promise<boolean> {
    let next = await this.#source.next();
    while (next.done !== true && next.value.length === 0) next = await this.#source.next();
    this.isAtEnd = next.done === true;
    this.#piece = next.done === true ? Buffer.alloc(0) : next.value;
    return !this.isAtEnd;
  }
}

function malformed(what: string): Refusal {
  return new Refusal(400, 'IncompleteBody', `The aws-chunked body is not well-formed: ${what}.`);
}

function tooSmall(sizeBytes: number): Refusal {
  const rule = `Only the last chunk is allowed to have a size less than ${SMALLEST_CHUNK} bytes`;
  return new Refusal(403, 'InvalidChunkSizeError', `${rule}: one has ${sizeBytes}.`);
}

function badChunk(): Refusal {
  return new Refusal(
    403,
    'SignatureDoesNotMatch',
    'The signature of a chunk or of the trailers does not match.',
  );
}
