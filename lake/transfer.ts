import { type Sha256, canonical, compareText } from './canonical.ts';
import type { KnownItem } from './chain.ts';
import type { Action, Parked } from './decisions.ts';
import type { EntryItem } from './entry.ts';
import type { FailureName } from './failures.ts';
import { instantMs } from './instant.ts';
import type { FilesSource, MergeRule } from './spec.ts';

/** A file as its source lists it. */
export interface OfferedFile {
  readonly item: string;
  readonly bytes: number;
  /** ISO, milliseconds. */
  readonly modifiedAt: string;
}

/** The id of an item version: what was in the file, under which name, for which feed. */
export function itemVersion(feed: string, item: string, checksum: string, sha256: Sha256): string {
  return sha256(canonical({ feed, item, checksum }));
}

export type Listed = 'new' | 'unquiet' | 'known' | 'waiting';

/**
 * What a listing says of a file before anybody reads it. Name, size and time are a cheap first look: `new` also
 * stands for a known name that looks different, and the checksum decides later.
 */
export function classifyListed(
  offered: OfferedFile,
  known: readonly KnownItem[] | undefined,
  quiet: { readonly nowMs: number; readonly quietMs: number },
): Listed {
  const same = known?.find((one) => one.bytes === offered.bytes && one.modifiedAt === offered.modifiedAt);
  if (same) return same === waitingVersion(known) ? 'waiting' : 'known';
  const modifiedMs = instantMs(offered.modifiedAt) ?? Number.POSITIVE_INFINITY;
  return modifiedMs > quiet.nowMs - quiet.quietMs ? 'unquiet' : 'new';
}

/** The version of an item that waits for a person: the last one, if it is parked. */
export function waitingVersion(known: readonly KnownItem[] | undefined): KnownItem | undefined {
  const last = known?.at(-1);
  return last?.state === 'parked' ? last : undefined;
}

export interface OfferedVersion extends OfferedFile {
  readonly checksum: string;
  readonly version: string;
}

export type VersionPlan =
  /** `retracts`: the versions whose rows go as its own come. */
  | { readonly kind: 'collect'; readonly retracts: readonly KnownItem[] }
  /** The chain has what it says already, or it waits: no entry. */
  | { readonly kind: 'nothing'; readonly waits?: KnownItem }
  | { readonly kind: 'skip'; readonly reason: string }
  | { readonly kind: 'park'; readonly failure: FailureName; readonly message: string };

export interface VersionRules {
  /** A feed without a dataset is append. */
  readonly merge: MergeRule;
  readonly restated: FilesSource['restated'];
  /** A person asked for it: what is parked is looked at again. */
  readonly again: boolean;
}

/**
 * What becomes of a version whose bytes were read and are well formed. An item version is collected or skipped at
 * most once, ever; versions of an item are ordered by source time, then id.
 */
export function planVersion(
  offered: OfferedVersion,
  known: readonly KnownItem[] | undefined,
  rules: VersionRules,
): VersionPlan {
  const versions = known ?? [];
  const settled = versions.filter((one) => one.state !== 'parked');
  const own = versions.filter((one) => one.version === offered.version);
  if (own.some((one) => one.state !== 'parked')) return { kind: 'nothing' };
  const live = settled.filter((one) => one.state === 'collected' && one.retractedBy === undefined);
  const waits = own.at(-1);
  if (waits && !rules.again) return { kind: 'nothing', waits };

  const later = settled.find((one) => compareVersions(one, offered) > 0);
  if (later)
    return { kind: 'skip', reason: `older: entry ${later.ordinal} has a version of ${later.modifiedAt}` };
  if (live.length === 0 || rules.merge === 'latest') return { kind: 'collect', retracts: [] };
  switch (rules.restated) {
    case 'retract':
      return { kind: 'collect', retracts: live };
    case 'skip':
      return {
        kind: 'skip',
        reason: `restated: entry ${live.at(-1)?.ordinal ?? 0} has rows of this name, and they stay`,
      };
    case 'park':
      return waits
        ? { kind: 'nothing', waits }
        : { kind: 'park', failure: 'FileRestated', message: restatedMessage(live, offered) };
  }
}

function restatedMessage(live: readonly KnownItem[], offered: OfferedVersion): string {
  const last = live.at(-1);
  return (
    `entry ${last?.ordinal ?? 0} collected ${last?.bytes ?? 0} bytes with ${last?.checksum ?? 'no checksum'} of ` +
    `${last?.modifiedAt ?? 'no time'}; now it has ${offered.bytes} bytes with ${offered.checksum} of ${offered.modifiedAt}`
  );
}

function compareVersions(
  a: Pick<EntryItem, 'modifiedAt' | 'version'>,
  b: Pick<EntryItem, 'modifiedAt' | 'version'>,
): number {
  return compareText(a.modifiedAt, b.modifiedAt) || compareText(a.version, b.version);
}

const ALLOWED: Readonly<Partial<Record<FailureName, readonly Action[]>>> = {
  BadFile: ['retry', 'skip'],
  FileRestated: ['skip', 'retract'],
};

/** `BadFile: line 3 …`: a parked item's reason, and what it says to the person who decides. */
export function parkedReason(failure: FailureName, message: string): string {
  return `${failure}: ${message}`;
}

/** A parked item as a person sees it. */
export function parkedItem({ item, reason }: Pick<EntryItem, 'item' | 'reason'>): Parked {
  const [, name = 'BadFile', message = reason ?? 'no reason'] = /^(\w+): (.*)$/s.exec(reason ?? '') ?? [];
  const failure = name === 'FileRestated' ? 'FileRestated' : 'BadFile';
  return { item, failure, message, allowed: ALLOWED[failure] ?? [] };
}
