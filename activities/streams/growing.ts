/** Bytes in the making: one buffer that grows, for text that is written once and never read as text. */
export class Growing {
  #buffer: Buffer;
  #length = 0;

  /** `bytes`: how many are to be expected. */
  constructor(bytes: number) {
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(bytes, 1024));
  }

  addText(text: string): void {
    // A UTF-16 unit is three bytes of UTF-8 at most.
    this.#makeRoom(text.length * 3);
    this.#length += this.#buffer.write(text, this.#length, 'utf8');
  }

  addBytes(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** All of it. Nothing may be added before it is cleared. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** What `bytes` gave is void. */
  clear(): void {
    this.#length = 0;
  }

  #makeRoom(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, 2 * this.#buffer.length));
    larger.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = larger;
  }
}
