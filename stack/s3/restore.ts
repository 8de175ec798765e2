import { Refusal } from '../exchange.ts';
import { childText, leaf, branch } from '../xml.ts';
import { type Handler, bucketOf, emptyReply, isoTime, malformed, wholeNumber } from './call.ts';
import { readDocument } from './document-body.ts';
import type { Restore, Tier, Version } from './model.ts';
import { COLD_CLASSES, storageClassOf } from './stored-headers.ts';
import { versionOf } from './version-of.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Fastest first. */
const TIERS: readonly Tier[] = ['Expedited', 'Standard', 'Bulk'];
/** The longest that AWS says a tier takes. */
const TAKES_MS: Readonly<Record<string, Readonly<Partial<Record<Tier, number>>>>> = {
  GLACIER: { Expedited: 5 * MINUTE_MS, Standard: 300 * MINUTE_MS, Bulk: 720 * MINUTE_MS },
  DEEP_ARCHIVE: { Standard: 720 * MINUTE_MS, Bulk: 2_880 * MINUTE_MS },
};

type Progress = 'none' | 'ongoing' | 'restored';

/** What of a cold object is there at that moment; a hot one is always readable. */
export function restoreProgress({ restore }: Version, nowMs: number): Progress {
  if (!restore || nowMs >= restore.expiresMs) return 'none';
  return nowMs < restore.readyMs ? 'ongoing' : 'restored';
}

export function isCold({ headers }: Version): boolean {
  return COLD_CLASSES.includes(storageClassOf(headers));
}

/** Refuses to give the bytes of a cold object that is not restored. */
export function checkReadable(version: Version, nowMs: number, what: 'object' | 'source object'): void {
  if (!isCold(version) || restoreProgress(version, nowMs) === 'restored') return;
  const storageClass = storageClassOf(version.headers);
  throw new Refusal(
    403,
    'InvalidObjectState',
    `The operation is not valid for the ${what}'s storage class: ${storageClass}.`,
    {},
    { StorageClass: storageClass },
  );
}

/** `x-amz-restore`, while there is something to tell. */
export function restoreHeader(version: Version, nowMs: number): Record<string, string> {
  const progress = restoreProgress(version, nowMs);
  if (progress === 'none' || !version.restore) return {};
  const expiry = new Date(version.restore.expiresMs).toUTCString();
  const told =
    progress === 'ongoing' ? 'ongoing-request="true"' : `ongoing-request="false", expiry-date="${expiry}"`;
  return { 'x-amz-restore': told };
}

/** The same, in a list that asks for it. */
export function restoreStatus(version: Version, nowMs: number): string {
  const progress = restoreProgress(version, nowMs);
  if (progress === 'none' || !version.restore) return '';
  return branch(
    'RestoreStatus',
    leaf('IsRestoreInProgress', progress === 'ongoing'),
    leaf('RestoreExpiryDate', progress === 'restored' ? isoTime(version.restore.expiresMs) : undefined),
  );
}

/** 202 for a restore that begins or becomes faster, 200 for one that is there and stays longer. */
export const restoreObject: Handler = async (call, context) => {
  const { root } = await readDocument(call, 'optional');
  if (root?.name !== 'RestoreRequest') throw malformed();
  const unserved = ['Type', 'SelectParameters', 'OutputLocation'].find(
    (name) => childText(root, name) !== undefined,
  );
  if (unserved !== undefined) {
    throw new Refusal(501, 'NotImplemented', `${unserved} in a RestoreRequest is not implemented.`);
  }
  const bucket = bucketOf(call, context);
  const version = versionOf(bucket, call.key, call.query.get('versionId'));
  const storageClass = storageClassOf(version.headers);
  if (!isCold(version)) {
    throw new Refusal(
      403,
      'InvalidObjectState',
      "Restore is not allowed for the object's current storage class.",
      {},
      { StorageClass: storageClass },
    );
  }
  const job = root.children.find(({ name }) => name === 'GlacierJobParameters');
  const tier = parseTier((job && childText(job, 'Tier')) ?? 'Standard', storageClass);
  const days = wholeNumber('Days', childText(root, 'Days'), 1, 36_500);
  const nowMs = context.clock.now();
  const before = restoreProgress(version, nowMs);
  if (before === 'ongoing' && !isFaster(tier, version.restore)) {
    throw new Refusal(409, 'RestoreAlreadyInProgress', 'Object restore is already in progress.');
  }
  const kept = before === 'ongoing' ? version.restore?.days : undefined;
  const wantedDays = kept ?? days;
  if (wantedDays === undefined) throw malformed();
  const readyMs =
    before === 'restored'
      ? (version.restore?.readyMs ?? nowMs)
      : nowMs + (context.settings.restoreMs ?? TAKES_MS[storageClass]?.[tier] ?? 0);
  const restore: Restore = {
    tier,
    days: wantedDays,
    readyMs,
    expiresMs: midnightAfter(Math.max(readyMs, nowMs) + wantedDays * DAY_MS),
  };
  context.store.commit([{ type: 'restore', bucket: bucket.name, key: call.key, id: version.id, restore }]);
  return emptyReply(before === 'restored' ? 200 : 202);
};

function parseTier(text: string, storageClass: string): Tier {
  const tier = TIERS.find((one) => one === text);
  if (tier === undefined) throw malformed();
  if (TAKES_MS[storageClass]?.[tier] !== undefined) return tier;
  throw new Refusal(400, 'InvalidArgument', `Retrieval by ${tier} is not there for ${storageClass}.`);
}

function isFaster(tier: Tier, running: Restore | undefined): boolean {
  return running !== undefined && TIERS.indexOf(tier) < TIERS.indexOf(running.tier);
}

/** S3 lets a copy go at a midnight of UTC, never before its days are over. */
function midnightAfter(ms: number): number {
  return Math.ceil(ms / DAY_MS) * DAY_MS;
}
