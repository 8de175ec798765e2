/** Objects that never change, kept by key up to a bound; the least recently used leaves first. */
export class ObjectCache<V = unknown> {
  readonly #bound: number;
  readonly #objects = new Map<string, { readonly value: V; readonly bytes: number }>();
  #bytes = 0;

  constructor(boundBytes: number = 64 * 1024 * 1024) {
    this.#bound = boundBytes;
  }

  /** In a cache of several types, `T` is what was kept under this key: the caller knows it by the key. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  get<T extends V = V>(key: string): T | undefined {
    const found = this.#objects.get(key);
    if (!found) return undefined;
    this.#objects.delete(key);
    this.#objects.set(key, found);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return found.value as T;
  }

  /** `bytes` is the stored length, which parsing multiplies by about 3. */
  keep(key: string, value: V, bytes: number): void {
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
