import type { Parked } from '../../lake/decisions.ts';
import { cutLanes, openedAt, unclaimedChannels } from '../../lake/stream.ts';
import { failure } from '../failure.ts';
import { type StreamContext, channelsOfLanes, lookAtStream } from './context.ts';
import { StreamLane, sameStream } from './lane.ts';

export interface OpenedLanes {
  readonly lanes: readonly number[];
  readonly parked: readonly Parked[];
}

/** Gives every shard that no lane claims a lane, by an entry without rows that says where it starts. */
export async function openLanesOf(context: StreamContext): Promise<OpenedLanes> {
  const { source } = context;
  const before = await channelsOfLanes(context);
  if (before.length === 0 && !(await lookAtStream(context))) {
    throw failure('SourceMissing', `there is no stream ${source.stream}, or it is not active yet`);
  }
  for (;;) {
    const known = await channelsOfLanes(context);
    const { shards } = await sameStream(
      context,
      known.flatMap((channels) => [...channels.keys()]),
    );
    const [next] = cutLanes(unclaimedChannels(shards, known));
    if (!next) return { lanes: known.map((_, lane) => lane), parked: await parkedOf(context, known.length) };
    const lane = new StreamLane(context, known.length);
    await lane.refresh();
    // Whoever was first with this lane, the next round sees what is left.
    if (!lane.head) await lane.append(Object.fromEntries(next.map((id) => [id, openedAt(source.start)])));
  }
}

async function parkedOf(context: StreamContext, lanes: number): Promise<readonly Parked[]> {
  const parked: Parked[] = [];
  for (let n = 0; n < lanes; n += 1) {
    const lane = new StreamLane(context, n);
    await lane.refresh();
    parked.push(...(await lane.parked()));
  }
  return parked;
}
