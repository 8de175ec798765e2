import { type ViewParts, chunksOf, coverageHash, coverageObject } from '../../lake/parts.ts';
import { keys } from '../../lake/keys.ts';
import type { ViewVersion } from '../../lake/view.ts';
import { ensureObject } from '../objects/commit.ts';
import { eachOf } from '../objects/fetch.ts';
import { encode, sha256Hex } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { ViewLink, Views } from '../objects/views.ts';

const PARALLEL_PUTS = 16;

/** What a version says beside its place in the chain and its parts. */
export type VersionFacts = Omit<ViewVersion, 'format' | 'n' | 'prev' | 'base' | 'parts'>;

export type VersionWriter = ReturnType<typeof createVersionWriter>;

export function createVersionWriter({
  store,
  views,
}: {
  readonly store: ObjectStore;
  readonly views: Views;
}) {
  /**
   * The version after `head`, with these parts. Resolves `undefined` when another took its number. Safe to run twice:
   * parts and coverages are named by their content, and the version's create is conditional.
   */
  async function append(
    head: ViewLink | undefined,
    before: ViewParts,
    after: ViewParts,
    facts: VersionFacts,
    signal: AbortSignal,
  ): Promise<ViewLink | undefined> {
    const { dataset } = facts;
    const objects = new Map<string, Uint8Array>();
    const parts: Record<string, string> = {};
    for (const [chunk, object] of Object.entries(chunksOf(after.parts, sha256Hex))) {
      const body = encode(object);
      const name = sha256Hex(body);
      parts[chunk] = name;
      if (head?.value.parts[chunk] !== name) objects.set(keys.part(dataset, name), body);
    }
    const base = coverageHash(after.base, sha256Hex);
    const named = new Set(Object.values(after.parts).map(({ at }) => at));
    for (const [name, lanes] of Object.entries(after.coverages)) {
      if (named.has(name) && !before.coverages[name]) {
        objects.set(keys.coverage(dataset, name), encode(coverageObject(lanes)));
      }
    }
    if (head?.value.base !== base) {
      objects.set(keys.coverage(dataset, base), encode(coverageObject(after.base)));
    }
    await eachOf([...objects], PARALLEL_PUTS, ([key, body]) => ensureObject(store, key, body, signal));
    const next: ViewVersion = {
      format: 1,
      n: (head?.n ?? 0) + 1,
      prev: head?.sha256 ?? null,
      base,
      parts,
      ...facts,
    };
    const appended = await views.chain(dataset).append(next, signal);
    return appended.kind === 'committed' ? appended.link : undefined;
  }

  /** The version with this token among those after `since`. */
  async function withToken(
    dataset: string,
    token: string,
    since: number,
    signal: AbortSignal,
  ): Promise<ViewLink | undefined> {
    const head = await views.viewHead(dataset, signal);
    if (!head || head.n <= since) return undefined;
    const versions = await views.chain(dataset).range(since + 1, head.n, signal);
    return versions.find(({ value }) => value.token === token);
  }

  /** Show outsiders the newest version. Written again and again: it is never truth. */
  async function project(dataset: string, at: string, signal: AbortSignal): Promise<void> {
    const head = await views.viewHead(dataset, signal);
    if (!head) return;
    const { n, sha256, value } = head;
    const latest = {
      format: 1,
      dataset,
      version: n,
      key: keys.view(dataset, n),
      sha256,
      publishedAt: value.at,
      at,
    };
    await store.overwrite(keys.projection(dataset), encode(latest), signal);
  }

  return { append, withToken, project };
}
