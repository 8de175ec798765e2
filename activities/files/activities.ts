import { type FilePorts, openSource } from './context.ts';
import { type Decided, decideItems } from './decide.ts';
import { landOffered } from './land.ts';
import { type ListFilesResult, listSource } from './list.ts';
import { readManifest } from './manifest.ts';
import type { LandFilesResult } from './result.ts';

export type { FilePorts } from './context.ts';
export type { LandFilesResult } from './result.ts';
export type { ListFilesResult } from './list.ts';

export interface ListFilesInput {
  readonly source: string;
}

export interface LandFilesInput {
  readonly source: string;
  /** Of `listFiles`. */
  readonly manifest: string;
  /** Files of the manifest, from 0; `to` is excluded. */
  readonly from: number;
  readonly to: number;
}

export interface DecideFilesInput extends Decided {
  readonly source: string;
}

export type FileActivities = ReturnType<typeof createFileActivities>;

/** Collects the files of a source's folder into the lake. */
export function createFileActivities(ports: FilePorts) {
  /**
   * What the folder holds that the ledger does not, as a manifest, and what waits for a person. Safe to run twice:
   * a manifest has a name of its own and is nobody's truth. Fails with `SourceMissing` without the folder.
   */
  async function listFiles({ source }: ListFilesInput): Promise<ListFilesResult> {
    return listSource(await openSource(ports, source));
  }

  /**
   * Files of a manifest are in the lake: raw bytes, typed rows, quarantine, and one entry that names them all. Safe to
   * run twice: what the chain already holds is left out, and counted as landed. The commit point is the entry.
   */
  async function landFiles({ source, manifest, from, to }: LandFilesInput): Promise<LandFilesResult> {
    const context = await openSource(ports, source);
    const offered = await readManifest(context, manifest, from, to);
    return landOffered(context, offered, { restated: context.source.restated, again: false });
  }

  /**
   * What a person decided about parked files is in the lake; what still cannot be read comes back as parked. Safe to
   * run twice: an item version is collected or skipped once. The commit point is the entry.
   */
  async function decideFiles({ source, ...decided }: DecideFilesInput): Promise<LandFilesResult> {
    return decideItems(await openSource(ports, source), decided);
  }

  return { listFiles, landFiles, decideFiles };
}
