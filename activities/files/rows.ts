import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { canonical } from '../../lake/canonical.ts';
import type { RejectedObject, RowsObject } from '../../lake/entry.ts';
import { keys } from '../../lake/keys.ts';
import { ensureFile } from '../objects/commit.ts';
import type { ObjectStore } from '../objects/port.ts';
import { digestFile } from '../refine/hash.ts';
import { GROUP_BYTES, PATTERN_CHARACTERS, copyRecords } from './copy.ts';
import { type ComingFile, Group } from './group.ts';
import { type PlacedMember, type RefineContext, refineGroup } from './refine.ts';

/** What became of the files of one commit: objects that no other attempt's are named like. */
export interface MadeRows {
  readonly objects: readonly MadeObject[];
  /** Names of files that are no longer what was read. */
  readonly changed: ReadonlySet<string>;
}

/** Where an item's records are: `firstRow` and on in the object. */
export interface StoredMember {
  readonly item: string;
  readonly firstRow: number;
  readonly records: number;
  readonly firstRecord: number;
  readonly rejected: number;
}

export interface MadeObject {
  /** Absent where every record is in quarantine. */
  readonly rows?: RowsObject;
  readonly rejected?: RejectedObject;
  readonly members: readonly StoredMember[];
}

export interface RowsContext extends RefineContext {
  readonly store: ObjectStore;
  readonly feed: string;
  readonly commit: string;
  readonly attempt: string;
  readonly schema: string;
  readonly mappingHash: string | null;
}

/** Makes rows objects of files as they come: many small ones together, large ones in slices. */
export class RowsMaker {
  readonly #context: RowsContext;
  readonly #open = new Map<string, { readonly group: Group; readonly scratch: string }>();
  readonly #objects: MadeObject[] = [];
  readonly #changed = new Set<string>();
  #index = 0;

  constructor(context: RowsContext) {
    this.#context = context;
  }

  async add(file: ComingFile): Promise<void> {
    const { framed, item } = file;
    if (framed.records === 0) return;
    if (framed.local !== undefined) {
      await this.#addWhole(file, framed.local);
      return;
    }
    const own = this.#context.files.path(this.#context.folder, item);
    if (framed.body) {
      await (await this.#groupFor(file)).addSmall(file, framed.body);
    } else if (
      own !== undefined &&
      framed.bodyBytes <= GROUP_BYTES &&
      framed.isAsRead &&
      framed.cuts.length === 0 &&
      !item.endsWith('.gz') &&
      !PATTERN_CHARACTERS.test(own)
    ) {
      const piece = {
        path: own,
        members: [{ file, firstRecord: 1, records: framed.records }],
        isSource: true,
      };
      await (await this.#groupFor(file)).addPiece(piece, framed.bodyBytes);
    } else {
      await this.#copy(file);
    }
  }

  async #addWhole(file: ComingFile, local: string): Promise<void> {
    const { files, folder } = this.#context;
    const { records, bodyBytes } = file.framed;
    const isSource = local === files.path(folder, file.item);
    const piece = { path: local, members: [{ file, firstRecord: 1, records }], isSource };
    await (await this.#groupFor(file)).addPiece(piece, bodyBytes);
  }

  /** Call once, at the end. */
  async finish(): Promise<MadeRows> {
    for (const key of this.#open.keys()) await this.#flush(key);
    const objects = this.#objects.filter(
      ({ members }) => !members.some(({ item }) => this.#changed.has(item)),
    );
    const dropped = this.#objects.filter((object) => !objects.includes(object));
    // What shares an object with a file that changed is left for the next run too.
    for (const { members } of dropped) for (const { item } of members) this.#changed.add(item);
    return { objects, changed: this.#changed };
  }

  async #copy(file: ComingFile): Promise<void> {
    const { framed } = file;
    const isLarge = framed.bodyBytes > GROUP_BYTES;
    // A large file shares its objects with no other: until its end is read, it may turn out to have changed.
    const key = isLarge ? `${keyOf(file)} ${randomUUID()}` : keyOf(file);
    const options = { ...this.#context, format: this.#context.source.format };
    let group = await this.#groupFor(file, key);
    const pieces: (readonly [Parameters<Group['addPiece']>[0], number])[] = [];
    const isSame = await copyRecords(options, { file, group: () => group }, async (piece, bytes) => {
      if (!isLarge) {
        pieces.push([piece, bytes]);
        return;
      }
      await group.addPiece(piece, bytes);
      await this.#flush(key);
      group = await this.#groupFor(file, key);
    });
    if (isSame) for (const [piece, bytes] of pieces) await group.addPiece(piece, bytes);
    else this.#changed.add(file.item);
    if (isLarge) await this.#flush(key);
  }

  async #groupFor(file: ComingFile, key = keyOf(file)): Promise<Group> {
    const found = this.#open.get(key);
    if (found && found.group.bytes + file.framed.bodyBytes <= GROUP_BYTES) return found.group;
    if (found) await this.#flush(key);
    this.#index += 1;
    const scratch = path.join(this.#context.scratch, `group-${this.#index}`);
    await mkdir(scratch);
    const { header, types = [], crlf } = file.framed;
    const { format } = this.#context.source;
    const delimiter = 'csv' in format ? format.csv.delimiter : '';
    const group = new Group({ header, types, crlf, delimiter, scratch });
    this.#open.set(key, { group, scratch });
    return group;
  }

  async #flush(key: string): Promise<void> {
    const opened = this.#open.get(key);
    if (!opened) return;
    this.#open.delete(key);
    const { group, scratch } = opened;
    if (!group.isEmpty) {
      const { refined, changed } = await refineGroup({ ...this.#context, scratch }, group);
      for (const { item } of changed) this.#changed.add(item);
      if (refined) this.#objects.push(await this.#store(refined));
    }
    await rm(scratch, { recursive: true, force: true });
  }

  async #store({
    members,
    parquet,
    statistics,
    quarantine,
  }: NonNullable<Awaited<ReturnType<typeof refineGroup>>['refined']>): Promise<MadeObject> {
    const { feed, commit, attempt, schema, mappingHash, signal } = this.#context;
    const name = { feed, lane: 0, commit, attempt, index: this.#objects.length };
    const rejected = await quarantine.finish();
    if (rejected)
      await this.#put(keys.rejected(name), rejected.path, {
        bytes: rejected.object.bytes,
        sha256: rejected.sha256,
      });
    const made = {
      members: members.map(storedMember),
      ...(rejected && { rejected: { key: keys.rejected(name), ...rejected.object } }),
    };
    if (statistics.rows === 0) return made;
    const expect = await digestFile(parquet, signal);
    await this.#put(keys.rows(name), parquet, expect);
    const rows = {
      key: keys.rows(name),
      bytes: expect.bytes,
      checksum: `sha256:${expect.sha256}`,
      schema,
      mapping: mappingHash,
      ...statistics,
    };
    return { ...made, rows };
  }

  async #put(
    key: string,
    file: string,
    expect: { readonly bytes: number; readonly sha256: string },
  ): Promise<void> {
    const { store, signal, onProgress } = this.#context;
    await ensureFile(store, key, { path: file, expect }, { signal, onProgress });
  }
}

/** Without the file's broken records: they are stored, and may be many. */
function storedMember({ file, firstRow, records, firstRecord, rejected }: PlacedMember): StoredMember {
  return { item: file.item, firstRow, records, firstRecord, rejected };
}

function keyOf({ framed }: ComingFile): string {
  return canonical([framed.header, framed.types, framed.crlf]);
}
