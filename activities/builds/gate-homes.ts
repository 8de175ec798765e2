import { MOST_EXAMPLES, oneHome } from '../../lake/checks.ts';
import type { CheckResult } from '../../lake/gate.ts';
import { partitionNumber } from '../../lake/partition.ts';
import { type HomeFile, oneHomeSql } from '../../lake/sql/compare.ts';
import type { DuckDb } from '../duckdb.ts';
import type { GateFiles } from './gate-files.ts';
import type { OpenedPlan } from './plan.ts';
import type { BuildManifest } from '../../lake/build.ts';

/** How many partitions either side a key that moved is looked for. */
const DISTANCE = 3;

export interface Homes {
  of(partition: string, rows: number): CheckResult;
}

/** Keys in more than one build, where a `fixed` column says that there is none. `undefined` where nothing says so. */
export async function homes(
  db: DuckDb,
  files: GateFiles,
  { plan, dataset }: OpenedPlan,
  builds: ReadonlyMap<string, BuildManifest>,
): Promise<Homes | undefined> {
  const { partition: by, key, gate } = dataset;
  if (by.kind !== 'time' || !by.fixed || key.includes(by.column)) return undefined;
  const looked = new Map<string, BuildManifest>();
  for (const { partition } of plan.partitions) {
    const own = builds.get(partition);
    if (own && own.files.length > 0) looked.set(partition, own);
    for (const build of await files.beside(partition, DISTANCE)) looked.set(build.partition, build);
  }
  const homeFiles: HomeFile[] = [];
  for (const [partition, build] of looked) {
    const number = partitionNumber(by, partition) ?? 0;
    for (const path of await files.local(build, build.files)) {
      homeFiles.push({ path, number, planned: builds.has(partition) });
    }
  }
  const found = new Map<number, { count: number; examples: string[] }>();
  if (homeFiles.some(({ planned }) => planned)) {
    for (const row of await db.rows(oneHomeSql(dataset, homeFiles))) {
      const number = Number(row['p']);
      const one = found.get(number) ?? { count: 0, examples: [] };
      one.count += 1;
      if (one.examples.length < MOST_EXAMPLES) one.examples.push(String(row['key']));
      found.set(number, one);
    }
  }
  return {
    of(partition, rows) {
      const number = partitionNumber(by, partition) ?? 0;
      return oneHome(found.get(number) ?? { count: 0, examples: [] }, rows, gate);
    },
  };
}
