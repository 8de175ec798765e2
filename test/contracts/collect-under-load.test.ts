import { MergeShardsCommand } from '@aws-sdk/client-kinesis';
import { expect, test } from 'vitest';
import { openOf } from './kinesis-story.ts';
import { type WireLake, numbersByKey, payment, wireLake } from './wire-lake.ts';

/** One record of every key, round after round, while `reshard` works; both go on until both are done. */
class Load {
  readonly keys: readonly string[];
  readonly #lake: WireLake;
  #rounds = 0;
  #isDone = false;

  constructor(lake: WireLake, keys: number) {
    this.#lake = lake;
    this.keys = Array.from({ length: keys }, (_, n) => `k${n}`);
  }

  get rounds(): number {
    return this.#rounds;
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Rounds before, between and after the steps; during each of them the load goes on. */
  async run(steps: readonly (() => Promise<void>)[], rounds: number): Promise<void> {
    await this.#put(rounds);
    for (const step of steps) {
      const work = { isOver: false };
      const working = step().finally(() => (work.isOver = true));
      while (!work.isOver) await this.#put(1);
      await working;
      await this.#put(rounds);
    }
    this.#isDone = true;
  }

  async #put(rounds: number): Promise<void> {
    for (let round = 0; round < rounds; round += 1) {
      const n = this.#rounds;
      await this.#lake.put(this.keys.map((key) => ({ key, data: payment(key, n) })));
      this.#rounds += 1;
    }
  }
}

test('from 4 shards to 8 to 3 under load: every record lands once, each key in its order', async () => {
  const lake = await wireLake(4);
  const load = new Load(lake, 40);
  const scaled = (target: number) => () => lake.story.scale(lake.stream, target);
  // Nobody may go below half at once: from 8 to 3 the way is by 4.
  await expect(lake.story.scale(lake.stream, 9)).rejects.toMatchObject({ name: 'InvalidArgumentException' });
  const [collected] = await Promise.all([
    lake.collectUntil(() => load.isDone),
    load.run([scaled(8), scaled(4), scaled(3)], 10),
  ]);
  const shards = await lake.story.shards(lake.stream);
  expect(openOf(shards)).toHaveLength(3);
  expect(collected).toEqual({ rows: 40 * load.rounds, rejected: 0 });
  const numbers = numbersByKey(await lake.landed());
  const inOrder = Array.from({ length: load.rounds }, (_, n) => n);
  expect(numbers).toEqual(Object.fromEntries(load.keys.map((key) => [key, inOrder])));
  expect(await lake.verify()).toMatchObject({ findings: [], datasets: { payments: { residue: 0 } } });
});

test('80 shards are two lanes, and a key keeps its order when its shards merge across them under load', async () => {
  const lake = await wireLake(80);
  expect(lake.lanes).toEqual([0, 1]);
  expect((await lake.entriesOf(0)).map(({ channels }) => Object.keys(channels ?? {}).length)).toEqual([40]);
  const load = new Load(lake, 400);
  const merge = async () => {
    const pair = { ShardToMerge: 'shardId-000000000039', AdjacentShardToMerge: 'shardId-000000000040' };
    await lake.story.client.send(new MergeShardsCommand({ StreamName: lake.stream, ...pair }));
    await lake.story.active(lake.stream);
  };
  const [collected] = await Promise.all([
    lake.collectUntil(() => load.isDone),
    load.run([merge, () => lake.story.scale(lake.stream, 60)], 2),
  ]);
  expect(collected).toEqual({ rows: 400 * load.rounds, rejected: 0 });
  const landed = await lake.landed();
  expect(new Set(landed.map(({ lane }) => lane))).toEqual(new Set([0, 1]));
  const inOrder = Array.from({ length: load.rounds }, (_, n) => n);
  expect(numbersByKey(landed)).toEqual(Object.fromEntries(load.keys.map((key) => [key, inOrder])));
  const needs = (await lake.entriesOf(0)).flatMap((entry) => Object.keys(entry.needs ?? {}));
  expect(needs).toContain('events/1');
  expect(await lake.verify()).toMatchObject({ findings: [], datasets: { payments: { residue: 0 } } });
});
