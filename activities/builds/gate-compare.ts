import type { BuildManifest, WinnersFile } from '../../lake/build.ts';
import { compareText } from '../../lake/canonical.ts';
import { MOST_EXAMPLES } from '../../lake/checks.ts';
import type { Comparison, PartitionGate } from '../../lake/gate.ts';
import { instantMs, isoInstant } from '../../lake/instant.ts';
import { keys } from '../../lake/keys.ts';
import type { Plan } from '../../lake/plan.ts';
import type { Role } from '../../lake/spec.ts';
import { compareSql } from '../../lake/sql/compare.ts';
import type { DuckDb } from '../duckdb.ts';
import { ensureObject } from '../objects/commit.ts';
import { sha256Hex } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';
import type { GateFiles } from './gate-files.ts';
import type { OpenedPlan } from './plan.ts';

const FINDINGS = ['late', 'pending', 'missingInStream', 'missingInBatch', 'moved', 'differs'] as const;
type Finding = (typeof FINDINGS)[number];

interface Found {
  readonly key: string;
  readonly finding: Finding;
  readonly columns: readonly string[];
}

/**
 * What batch and stream say of a partition's keys. Key buckets with the same rows and sum of `_match` on both sides are
 * equal unread; of the others every key that is not equal goes into one object, named by its content.
 */
export async function compareRoles(
  { store, signal }: { readonly store: ObjectStore; readonly signal: AbortSignal },
  db: DuckDb,
  files: GateFiles,
  { plan, dataset }: OpenedPlan,
  build: BuildManifest,
  asOfUs: number | null,
): Promise<Required<Pick<PartitionGate, 'comparison'>> & Pick<PartitionGate, 'keysIn'>> {
  const { batch, speed } = build.winners ?? {};
  const { equal: unread, buckets } = differing(batch, speed);
  const watermarks = { batch: watermarkOf(plan, 'batch'), speed: watermarkOf(plan, 'speed') };
  const found: Found[] = [];
  let equal = unread;
  if (buckets.length > 0) {
    const beside = await files.beside(build.partition, 1);
    const compared = {
      batch: await winners(build, 'batch'),
      speed: await winners(build, 'speed'),
      batchBeside: (await Promise.all(beside.map((one) => winners(one, 'batch')))).flat(),
      speedBeside: (await Promise.all(beside.map((one) => winners(one, 'speed')))).flat(),
    };
    const ms = watermarks.speed === null ? undefined : instantMs(watermarks.speed);
    const until = { watermarkUs: ms === undefined ? null : ms * 1000, asOfUs };
    for (const row of await db.rows(compareSql(dataset, compared, buckets, until))) {
      const finding = FINDINGS.find((name) => name === row['finding']);
      const columns = Array.isArray(row['columns']) ? row['columns'].map(String) : [];
      if (finding) found.push({ key: String(row['key']), finding, columns });
      else equal += 1;
    }
  }
  found.sort((a, b) => compareText(a.finding, b.finding) || compareText(a.key, b.key));
  const of = (finding: Finding) => found.filter((one) => one.finding === finding);
  const comparison: Comparison = {
    equal,
    late: of('late').length,
    pending: of('pending').length,
    missingInStream: of('missingInStream').length,
    missingInBatch: of('missingInBatch').length,
    moved: of('moved').length,
    differs: of('differs').length,
    differsBy: countBy(of('differs').flatMap(({ columns }) => columns)),
    examples: {
      late: examples(of('late')),
      pending: examples(of('pending')),
      missingInStream: examples(of('missingInStream')),
      missingInBatch: examples(of('missingInBatch')),
      moved: examples(of('moved')),
      differs: examples(of('differs')),
    },
    asOf: asOfUs === null ? null : isoInstant(Math.floor(asOfUs / 1000)),
    watermarks,
  };
  return found.length === 0 ? { comparison } : { comparison, keysIn: await keep(found) };

  async function winners(one: BuildManifest, role: Role): Promise<string[]> {
    const file = one.winners?.[role];
    return file ? files.local(one, [file]) : [];
  }

  async function keep(all: readonly Found[]): Promise<NonNullable<PartitionGate['keysIn']>> {
    const lines = all.map(({ key, finding }) => `${JSON.stringify({ key, finding })}\n`);
    const body = Buffer.from(lines.join(''));
    const sha256 = sha256Hex(body);
    const key = keys.gateKeys(plan.dataset, plan.planId, build.partition, sha256);
    await ensureObject(store, key, body, signal);
    return { key, sha256, bytes: body.byteLength };
  }
}

/** Buckets in which the two sides are not the same, and how many keys the others have. */
function differing(batch: WinnersFile | undefined, speed: WinnersFile | undefined) {
  const names = new Set([...Object.keys(batch?.buckets ?? {}), ...Object.keys(speed?.buckets ?? {})]);
  const buckets: number[] = [];
  let equal = 0;
  for (const name of names) {
    const [b, s] = [batch?.buckets[name], speed?.buckets[name]];
    if (b && s && b.rows === s.rows && b.match === s.match) equal += b.rows;
    else buckets.push(Number(name));
  }
  return { equal, buckets };
}

/** The least over a role's feeds; null where one has none. */
function watermarkOf({ watermarks }: Plan, role: Role): string | null {
  const own = watermarks.filter((one) => one.role === role).map(({ watermark }) => watermark);
  if (own.length === 0 || own.includes(null)) return null;
  return own.reduce((least, one) => (least === null || (one !== null && one < least) ? one : least));
}

function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function examples(found: readonly Found[]): string[] {
  return found.slice(0, MOST_EXAMPLES).map(({ key }) => key);
}
