import { setTimeout as pause } from 'node:timers/promises';

const LOOK_EVERY_MS = 300;

/** Look until `look` finds something; resolves `undefined` when it does not within `withinMs`. */
export async function waitFor<T>(
  look: () => Promise<T | undefined>,
  withinMs: number,
): Promise<T | undefined> {
  const until = Date.now() + withinMs;
  for (;;) {
    const found = await look();
    if (found !== undefined || Date.now() > until) return found;
    await pause(LOOK_EVERY_MS);
  }
}
