import { failure } from '../failure.ts';
import type { ObjectStore } from './port.ts';

/** One tiny object that stays, so that a probe leaves nothing behind each time. */
const PROBE_KEY = 'probe/conditional-create';
const ROUNDS = 5;

/** Rejects with `StoreIgnoresConditions` when the store creates a key twice: no commit on it would be safe. */
export async function probeConditionalCreate(store: ObjectStore, signal: AbortSignal): Promise<void> {
  const body = Buffer.from('{"format":1}');
  let isThere = false;
  for (let round = 0; round < ROUNDS; round += 1) {
    const answer = await store.create(PROBE_KEY, body, signal);
    if (answer === 'exists') return;
    if (answer !== 'created') continue;
    if (isThere) {
      throw failure(
        'StoreIgnoresConditions',
        `${PROBE_KEY} was created twice; right would be once, then 412`,
      );
    }
    isThere = true;
  }
  throw failure('Unreachable', `${PROBE_KEY}: ${ROUNDS} conditional creates and no clear answer`);
}
