import { canonical } from '../../lake/canonical.ts';
import { keys } from '../../lake/keys.ts';
import type { StreamContext } from './context.ts';

/** Channel → when its source last said that nothing followed what its lane had committed. */
export type CaughtUp = Readonly<Record<string, { readonly caughtUpAt: string }>>;

/** What the lanes of a source last said. Never truth: it may be old, or lack a lane, but never says too much. */
export async function readHint({ store, feed, signal }: StreamContext): Promise<CaughtUp> {
  const body = await store.get(keys.hint(feed), signal);
  if (!body) return {};
  const hint = parsed(body);
  if (typeof hint !== 'object' || hint === null || !('channels' in hint)) return {};
  return hint.channels as CaughtUp;
}

/** Says it for the channels of one lane; what other lanes said stays, unless they say it at this moment. */
export async function writeHint(
  context: StreamContext,
  channels: CaughtUp,
  closed: ReadonlySet<string>,
): Promise<void> {
  const { store, feed, clock, signal } = context;
  const others = Object.entries(await readHint(context)).filter(([id]) => !closed.has(id));
  const at = new Date(clock.now()).toISOString();
  const body = canonical({ format: 1, at, channels: { ...Object.fromEntries(others), ...channels } });
  await store.overwrite(keys.hint(feed), Buffer.from(body), signal);
}

// Whatever was overwritten badly is overwritten soon.
function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    return undefined;
  }
}
