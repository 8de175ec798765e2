import { entryName, lanesOf, reach } from '../../lake/coverage.ts';
import { evolution } from '../../lake/evolution.ts';
import type { Generations } from '../../lake/generations.ts';
import { type LaneId, parseLaneId } from '../../lake/keys.ts';
import type { ViewParts } from '../../lake/parts.ts';
import { rollBack } from '../../lake/rollback.ts';
import { tableFacts } from '../../lake/table-lane.ts';
import type { EntryRef } from '../../lake/view.ts';
import { failure } from '../failure.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ViewLink, Views } from '../objects/views.ts';
import type { FactReader, Watch } from './facts.ts';
import { publishedUnder } from './served.ts';
import type { VersionWriter } from './versions.ts';

export interface RollbackDatasetInput {
  readonly dataset: string;
  /** The version whose parts serve again. */
  readonly to: number;
  /** Absent: all. */
  readonly partitions?: readonly string[];
  /** Entries to keep out from here on: they brought bad data. */
  readonly exclude?: readonly EntryRef[];
  /** No plan touches the partitions until a person releases them: bad code built them. */
  readonly pin: boolean;
  readonly by: string;
  readonly reason: string;
  /** One token, one version. */
  readonly token: string;
}

export interface ReleasePinsInput {
  readonly dataset: string;
  readonly partitions: readonly string[];
  readonly by: string;
  readonly reason: string;
  readonly token: string;
}

export interface UndoerPorts {
  readonly views: Views;
  readonly facts: FactReader;
  readonly versions: VersionWriter;
  readonly ledger: Ledger;
}

export function createUndoer({ views, facts, versions, ledger }: UndoerPorts) {
  async function rollback(input: RollbackDatasetInput, at: string, watch: Watch): Promise<ViewLink> {
    const { dataset, to, partitions, pin, by, reason, token } = input;
    const { signal } = watch;
    for (;;) {
      const done = await versions.withToken(dataset, token, to, signal);
      if (done) return done;
      const [head, target] = [
        await views.viewHead(dataset, signal),
        await views.readView(dataset, to, signal),
      ];
      if (!head || !target) {
        throw failure('MalformedInput', `${dataset} has no version ${to}: the newest is ${head?.n ?? 0}`);
      }
      const view = await views.resolveView(head.value, signal);
      const exclude = (input.exclude ?? []).map(({ feed, lane, ordinal }) => ({
        feed,
        lane,
        ordinal,
        reason,
        by,
      }));
      const under = await publishedUnder(ledger, crosses(head, target) ? target : head, signal);
      const read = { lake: under.lake, dataset: under.context.spec };
      const barred = [];
      for (const entry of [...head.value.exclude, ...exclude]) {
        const found = await facts.one(entry, read, watch);
        if (!found) throw failure('MalformedInput', `exclude: there is no entry ${entryName(entry)}`);
        barred.push(found);
      }
      const old = await views.resolveView(target.value, signal);
      const rolled = rollBack(
        {
          head: { version: head.value, view, generations: await generationsOf(view, signal) },
          to: { version: target.value, view: old, generations: await generationsOf(old, signal) },
          partitions,
          exclude,
          barred,
          pin,
          isMappedAlike: await isMappedAlike(target, head, signal),
        },
        sha256Hex,
      );
      if (rolled.kind === 'refused') throw failure('MalformedInput', rolled.reason);
      const { rejected } = head.value;
      const said = { dataset, token, rejected, gate: null, kind: 'rollback', by, reason, at } as const;
      const link = await versions.append(head, view, rolled.view, { ...said, ...rolled.change }, signal);
      if (link) return link;
    }
  }

  function crosses(head: ViewLink, { value }: ViewLink): boolean {
    return head.value.datasetEpoch !== value.datasetEpoch;
  }

  async function isMappedAlike(target: ViewLink, head: ViewLink, signal: AbortSignal): Promise<boolean> {
    if (target.value.spec === head.value.spec) return true;
    const [then, now] = [
      await publishedUnder(ledger, target, signal),
      await publishedUnder(ledger, head, signal),
    ];
    return evolution(then.context, now.context) === 'same';
  }

  /** The last entry within a base is of the generation that the version has. */
  async function generationsOf({ base }: ViewParts, signal: AbortSignal): Promise<Generations> {
    const found = new Map<LaneId, number>();
    for (const id of lanesOf(base)) {
      const { feed, lane } = parseLaneId(id) ?? { feed: '', lane: 0 };
      const last = reach(base, id);
      const [link] = last > 0 ? await ledger.range(feed, lane, last, last, signal) : [];
      const table = link && tableFacts(link.value);
      if (table) found.set(id, table.generation);
    }
    return found;
  }

  async function release(input: ReleasePinsInput, at: string, { signal }: Watch): Promise<ViewLink> {
    const { dataset, partitions, by, reason, token } = input;
    for (;;) {
      const done = await versions.withToken(dataset, token, 0, signal);
      if (done) return done;
      const head = await views.viewHead(dataset, signal);
      const pinned = head?.value.pinned ?? [];
      const stranger = partitions.find((partition) => !pinned.includes(partition));
      if (!head || stranger !== undefined || partitions.length === 0) {
        throw failure(
          'MalformedInput',
          `${stranger ?? 'no partition named'}: pinned in ${dataset} are ${pinned.join(', ') || 'none'}`,
        );
      }
      const view = await views.resolveView(head.value, signal);
      const { datasetEpoch, spec, contract, exclude, rejected, flagged } = head.value;
      const stillPinned = pinned.filter((partition) => !partitions.includes(partition));
      const kept = { datasetEpoch, spec, contract, exclude, rejected, flagged, pinned: stillPinned };
      const link = await versions.append(
        head,
        view,
        view,
        { ...kept, dataset, token, gate: null, kind: 'release', by, reason, at },
        signal,
      );
      if (link) return link;
    }
  }

  return { rollback, release };
}
