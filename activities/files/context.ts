import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { activityInfo, cancellationSignal, heartbeat } from '@temporalio/activity';
import { feedId } from '../../lake/keys.ts';
import { type FilesSource, datasetOf } from '../../lake/spec.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import type { DuckDbOptions } from '../duckdb.ts';
import { failure } from '../failure.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { FileFolder, SpecReader } from './port.ts';

export interface FilePorts {
  readonly store: ObjectStore;
  readonly ledger: Ledger;
  readonly spec: SpecReader;
  readonly files: FileFolder;
  /** Objects below prefixes, of a region's buckets. Without it no source may have any. */
  readonly prefixes?: (region: string | undefined) => FileFolder;
  readonly duck: DuckDbOptions;
  readonly clock: { now(): number };
}

/** One source as the newest applied spec has it, for one attempt of an activity. */
export interface SourceContext extends FilePorts {
  readonly feed: string;
  readonly folder: string;
  readonly source: FilesSource;
  readonly mapping: Mapping | undefined;
  readonly specNumber: number;
  readonly bucket: string;
  readonly run: string;
  readonly attempt: string;
  readonly signal: AbortSignal;
  readonly onProgress: () => void;
}

/** Fails with `UnknownSource` when the spec has no files source of this name. */
export async function openSource(ports: FilePorts, name: string): Promise<SourceContext> {
  const signal = cancellationSignal();
  const { n, spec } = await ports.spec.read(signal);
  const source = Object.hasOwn(spec.sources, name) ? spec.sources[name] : undefined;
  if (source?.kind !== 'files') {
    const known = Object.entries(spec.sources).flatMap(([one, { kind }]) => (kind === 'files' ? [one] : []));
    throw failure(
      'UnknownSource',
      `${JSON.stringify(name)} is ${source ? `a ${source.kind} source` : 'no source'} of spec ${n}; sources of files: ${known.join(', ') || 'none'}`,
    );
  }
  const served = datasetOf(spec, name);
  const info = activityInfo();
  return {
    ...ports,
    ...placeOf(ports, source),
    feed: feedId(name, sha256Hex),
    source,
    mapping: served && { dataset: served.dataset, use: served.use, columns: source.columns },
    specNumber: n,
    bucket: spec.lake.bucket,
    run: info.workflowExecution?.runId ?? info.activityId,
    attempt: String(info.attempt),
    signal,
    onProgress: () => heartbeat(),
  };
}

function placeOf(
  { files, prefixes }: FilePorts,
  { from, region }: FilesSource,
): Pick<SourceContext, 'files' | 'folder'> {
  if (!from.startsWith('s3:')) return { files, folder: fileURLToPath(from) };
  if (!prefixes) throw failure('NotBuilt', `${from}: this worker reads no buckets; right would be a folder`);
  return { files: prefixes(region), folder: from };
}

/** A folder of its own for `work`, gone afterwards. */
export async function withScratch<T>(
  { duck }: SourceContext,
  work: (scratch: string) => Promise<T>,
): Promise<T> {
  const scratch = await mkdtemp(path.join(duck.scratch, 'files-'));
  try {
    return await work(scratch);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 3 });
  }
}
