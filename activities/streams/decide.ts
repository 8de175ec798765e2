import { childrenOf, nextChannels, skipped, strays } from '../../lake/stream.ts';
import { type StreamContext, channelsOfLanes } from './context.ts';
import { StreamLane, sameStream } from './lane.ts';

/** Lets channels that wait go on at the oldest record still held, with the gap on record. Resolves how many entries that took. */
export async function skipLost(context: StreamContext, channels: readonly string[]): Promise<number> {
  let entries = 0;
  const lanes = await channelsOfLanes(context);
  for (const lane of lanes.keys()) {
    if (await skipInLane(context, lane, new Set(channels))) entries += 1;
  }
  return entries;
}

async function skipInLane(context: StreamContext, n: number, wanted: ReadonlySet<string>): Promise<boolean> {
  const { clock, feed, signal } = context;
  for (;;) {
    signal.throwIfAborted();
    const lane = new StreamLane(context, n);
    await lane.refresh();
    const known = await channelsOfLanes(context);
    const waiting = [...(known[n] ?? [])].filter(
      ([id, { closed }]) => wanted.has(id) && !closed && !Object.hasOwn(lane.standing, id),
    );
    if (waiting.length === 0) return false;
    const { shards } = await sameStream(
      context,
      waiting.map(([id]) => id),
    );
    const listed = new Set(shards.map(({ channel }) => channel));
    const at = new Date(clock.now()).toISOString();
    // Which lost shard these came from is lost as well: the first one stands for all.
    let orphans = strays(shards, known);
    const goOn = waiting.map(([id, state]) => {
      if (listed.has(id)) return [id, skipped(state, at)] as const;
      const children = [...childrenOf(id, shards), ...orphans];
      orphans = [];
      return [id, skipped(state, at, children)] as const;
    });
    const standing = nextChannels(lane.standing, new Map(), new Set());
    const appended = await lane.append({ ...standing, ...Object.fromEntries(goOn) });
    if (appended === 'committed') return true;
    // The next attempt is scheduled later than whoever collects now, and so goes before it.
    if (appended === 'superseded')
      throw new Error(`lane ${feed}/${n} is collected by a later attempt: again`);
  }
}
