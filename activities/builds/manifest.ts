import type { BuildFile, BuildManifest, WinnersFile } from '../../lake/build.ts';
import { isoInstant } from '../../lake/instant.ts';
import type { PlannedPartition } from '../../lake/plan.ts';
import { type BeatenClasses, type LandedClasses, countOf } from './classes.ts';
import type { WrittenBuild, WrittenFile } from './write.ts';

/** Everything that was counted in a batch of builds. */
export interface Counts extends LandedClasses, BeatenClasses {}

/** Who made it, with what, when. */
export type BuildAbout = Pick<BuildManifest, 'attempt' | 'engine' | 'by' | 'at'>;

export function buildManifest(
  dataset: string,
  { partition, buildId, inputs }: PlannedPartition,
  number: number,
  { rows, tombstones, winners }: WrittenBuild,
  counts: Counts,
  hasBothRoles: boolean,
  about: BuildAbout,
): BuildManifest {
  const lost = countOf(counts.lost, number);
  const identical = counts.identical.get(number) ?? 0;
  const nothing = { rows: 0, hash: '0' };
  return {
    format: 1,
    dataset,
    partition,
    buildId,
    inputs,
    files: rows ? [buildFile(rows, rows.count.rows)] : [],
    tombstones: tombstones ? buildFile(tombstones, tombstones.count.rows) : null,
    winners: hasBothRoles
      ? {
          ...(winners.batch && { batch: winnersFile(winners.batch) }),
          ...(winners.speed && { speed: winnersFile(winners.speed) }),
        }
      : null,
    classes: {
      in: countOf(counts.in, number),
      out: rows?.count ?? nothing,
      deleted: tombstones?.count ?? nothing,
      lost,
      retracted: countOf(counts.retracted, number),
      excluded: countOf(counts.excluded, number),
      quarantined: nothing,
    },
    lost: { identical, superseded: lost.rows - identical },
    conflicting: counts.conflicting.get(number) ?? { keys: 0, examples: [] },
    minTime: isoOf(rows?.minUs),
    maxTime: isoOf(rows?.maxUs),
    ...about,
  };
}

/** Of all files of a build. */
export function bytesOf({ rows, tombstones, winners }: WrittenBuild): number {
  return [rows, tombstones, winners.batch, winners.speed].reduce((sum, one) => sum + (one?.bytes ?? 0), 0);
}

function winnersFile(written: NonNullable<WrittenBuild['winners']['batch']>): WinnersFile {
  return { ...buildFile(written, written.rows), buckets: written.buckets };
}

function buildFile({ file, bytes, sha256 }: WrittenFile, rows: number): BuildFile {
  return { file, bytes, checksum: `sha256:${sha256}`, rows };
}

function isoOf(us: number | null | undefined): string | null {
  return us === null || us === undefined ? null : isoInstant(Math.floor(us / 1000));
}
