/** Objects that never change, kept by key up to a bound; the least recently used leaves first. */
export class ObjectCache<T> {
  readonly #bound: number;
  readonly #objects = new Map<string, { readonly value: T; readonly bytes: number }>();
  #bytes = 0;

  constructor(boundBytes: number = 64 * 1024 * 1024) {
    this.#bound = boundBytes;
  }

  get(key: string): T | undefined {
    const found = this.#objects.get(key);
    if (!found) return undefined;
    this.#objects.delete(key);
    this.#objects.set(key, found);
    return found.value;
  }

  /** `bytes` is the stored length, which parsing multiplies by about 3. */
  keep(key: string, value: T, bytes: number): void {
    this.#bytes += bytes - (this.#objects.get(key)?.bytes ?? 0);
    this.#objects.delete(key);
    this.#objects.set(key, { value, bytes });
    for (const [oldest, { bytes: freed }] of this.#objects) {
      if (this.#bytes <= this.#bound) return;
      this.#objects.delete(oldest);
      this.#bytes -= freed;
    }
  }
}
