import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { canonical } from '../../lake/canonical.ts';
import type { RejectedObject, RowsObject } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { mappingHash, schemaHash } from '../../lake/mapping.ts';
import { ensureFile } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import { digestFile } from '../refine/hash.ts';
import type { BoundLanding } from './bind.ts';
import type { LandingRows } from './places.ts';
import { type RefineOptions, type RefinedFile, refineGroup } from './refine.ts';

export interface RowsOptions extends RefineOptions {
  readonly commit: string;
}

export interface MadeRows {
  readonly objects: readonly RowsObject[];
  readonly rejected: readonly RejectedObject[];
  /** By item. */
  readonly landings: ReadonlyMap<string, LandingRows>;
}

/** Makes rows objects of landings, in their order: one refine for neighbours of one schema. Stored, and named by nobody yet. */
export async function makeRows(options: RowsOptions, landings: readonly BoundLanding[]): Promise<MadeRows> {
  const objects: RowsObject[] = [];
  const rejected: RejectedObject[] = [];
  const found = new Map<string, LandingRows>();
  let index = 0;
  for (const group of groupsOf(landings)) {
    index += 1;
    const scratch = path.join(options.scratch, `refine-${index}`);
    await mkdir(scratch);
    const refined = await refineGroup({ ...options, scratch }, group);
    const { context, table, commit } = options;
    const name = (at: number) => ({ feed: table.feed, lane: 0, commit, attempt: context.attempt, index: at });
    const base = objects.length;
    for (const file of refined.files)
      objects.push(await storeRows(options, keys.rows(name(objects.length)), file));
    const quarantine = await refined.quarantine.finish();
    if (quarantine) {
      const key = keys.rejected(name(rejected.length));
      const { path: local, sha256, object } = quarantine;
      await put(options, key, local, { bytes: object.bytes, sha256 });
      rejected.push({ key, ...object });
    }
    for (const [item, made] of refined.landings) {
      const spans = made.spans.map((span) => ({ ...span, object: span.object + base }));
      found.set(item, { ...made, spans });
    }
    await rm(scratch, { recursive: true, force: true });
  }
  return { objects, rejected, landings: found };
}

/** Neighbours with the same columns. */
function groupsOf(landings: readonly BoundLanding[]): BoundLanding[][] {
  const groups: BoundLanding[][] = [];
  let last = '';
  for (const landing of landings) {
    if (landing.records === 0) continue;
    const { header, types, crlf, bound, listed } = landing;
    const like = canonical([header, types, crlf, bound, listed.name.kind]);
    if (like === last) groups.at(-1)?.push(landing);
    else groups.push([landing]);
    last = like;
  }
  return groups;
}

async function storeRows(
  options: RowsOptions,
  key: string,
  { path: file, statistics }: RefinedFile,
): Promise<RowsObject> {
  const { context, table } = options;
  const { columns, mapping } = table;
  const expect = await digestFile(file, context.signal);
  await put(options, key, file, expect);
  return {
    key,
    bytes: expect.bytes,
    checksum: `sha256:${expect.sha256}`,
    schema: schemaHash(columns, sha256Hex),
    mapping: mapping ? mappingHash(mapping.dataset, mapping.use, columns, sha256Hex) : null,
    ...statistics,
  };
}

async function put(
  { context: { store, signal }, onProgress }: RowsOptions,
  key: string,
  file: string,
  expect: { readonly bytes: number; readonly sha256: string },
): Promise<void> {
  await ensureFile(store, key, { path: file, expect }, { signal, onProgress });
}
