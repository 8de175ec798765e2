/** The task queues of a lake: one per kind of work, so that each can be scaled and limited by itself. */
export const QUEUES = ['control', 'transfer', 'stream', 'compute', 'watch'] as const;
export type Queue = (typeof QUEUES)[number];

export interface QueueLimits {
  readonly workflows: boolean;
  /** Activities at once in one worker process: what its memory and cores bear. */
  readonly activities: number;
}

/**
 * `control` sequences and looks; `watch` only waits for services that work by themselves; the others move bytes,
 * `stream` those of sources that never end: shards, and tables of databases.
 * Each activity of `transfer` and `compute` may fill DuckDB's limit.
 */
export const QUEUE_LIMITS: Readonly<Record<Queue, QueueLimits>> = {
  control: { workflows: true, activities: 20 },
  transfer: { workflows: false, activities: 2 },
  stream: { workflows: false, activities: 8 },
  compute: { workflows: false, activities: 2 },
  watch: { workflows: false, activities: 600 },
};
