import type { Command } from 'commander';
import type { WatermarkEvidence } from '../lake/plan.ts';
import { type LakeOverview, lakeOverview } from '../reading/overview.ts';
import { openLake } from '../workers/wiring.ts';
import { type Context, EXIT, Refused, bucketOf, connect, untilInterrupted } from './context.ts';
import {
  type OpenRun,
  type ReplicatedDatabase,
  type Waiting,
  databasesOf,
  openRuns,
  waitingHolds,
  waitingIn,
  watermarksOf,
} from './runs.ts';
import { statusLines } from './status-lines.ts';

export interface Status extends LakeOverview {
  /** Dataset → why its feeds stand where they do; those whose run answers. */
  readonly watermarks: Readonly<Record<string, readonly WatermarkEvidence[]>>;
  /** Source → its tables, of the databases whose run is open and answers. */
  readonly databases: Readonly<Record<string, ReplicatedDatabase>>;
  /** null when no Temporal server answers. */
  readonly runs: readonly OpenRun[] | null;
  readonly waiting: readonly Waiting[];
}

/** `status`: one look at the lake and its runs; status 3 when something waits for a person. */
export function addStatus(program: Command, context: () => Context): void {
  program
    .command('status')
    .description('one look at the lake: what it holds, what runs, what waits for a person')
    .option('--json', 'as one JSON object')
    .action(async ({ json }: { json?: boolean }) => {
      const io = context();
      const signal = untilInterrupted();
      const { store, ledger, spec } = openLake({ env: io.env, bucket: bucketOf(io) });
      const lake = await lakeOverview({ store, ledger, spec: await spec.read(signal) }, signal);
      const status = await withRuns(io, lake);
      if (json) io.data(JSON.stringify(status));
      else for (const line of statusLines(status, process.stdout.isTTY)) io.data(line);
      if (status.runs === null) io.endWith(EXIT.failed);
      else if (status.waiting.length > 0) io.endWith(EXIT.waits);
    });
}

async function withRuns(io: Context, lake: LakeOverview): Promise<Status> {
  const held = waitingHolds(Object.values(lake.datasets).flatMap(({ holds }) => holds));
  const connection = await connect(io).catch((error: unknown) => {
    if (!(error instanceof Refused)) throw error;
    io.progress(`${error.message}; this is the lake alone`);
    return undefined;
  });
  if (!connection) return { ...lake, watermarks: {}, databases: {}, runs: null, waiting: held };
  try {
    const { client } = connection;
    const runs = await openRuns(client);
    const parked = await waitingIn(client, runs);
    const known = new Set(parked.map(({ workflow, item }) => `${workflow} ${item}`));
    const others = held.filter(({ workflow, item }) => !known.has(`${workflow} ${item}`));
    const watermarks: Record<string, readonly WatermarkEvidence[]> = {};
    for (const dataset of Object.keys(lake.datasets)) {
      const found = await watermarksOf(client, dataset);
      if (found) watermarks[dataset] = found;
    }
    const databases = await databasesOf(client, runs);
    return { ...lake, watermarks, databases, runs, waiting: [...parked, ...others] };
  } finally {
    await connection.close();
  }
}
