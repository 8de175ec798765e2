import { type Evolution, evolution } from '../../lake/evolution.ts';
import { keys } from '../../lake/keys.ts';
import { type BuildContext, buildContext } from '../../lake/planning.ts';
import type { LakeSpec } from '../../lake/spec.ts';
import { failure } from '../failure.ts';
import { sha256Hex } from '../objects/json.ts';
import type { Ledger } from '../objects/ledger.ts';
import type { ViewLink } from '../objects/views.ts';

/** A dataset under one spec of the lake. */
export interface Under {
  /** The spec's number. */
  readonly n: number;
  readonly lake: LakeSpec;
  readonly context: BuildContext;
}

/** How a dataset, as readers of its newest version read it, became what is applied. */
export type Became =
  | { readonly kind: 'same' }
  /** Columns came since. */
  | { readonly kind: 'grown'; readonly before: Under }
  /** The version is of another epoch: every partition is built again, and published as one version. */
  | { readonly kind: 'rebuilt'; readonly before: Under };

/** `NotBuilt` where a version of the applied epoch differs in anything but columns that came. */
export async function servedUnder(
  ledger: Pick<Ledger, 'specOf'>,
  head: ViewLink | undefined,
  applied: Pick<Under, 'n' | 'context'> & { readonly datasetEpoch: number },
  signal: AbortSignal,
): Promise<Became> {
  if (!head) return { kind: 'same' };
  const { spec: n, contract, datasetEpoch } = head.value;
  if (datasetEpoch !== applied.datasetEpoch)
    return { kind: 'rebuilt', before: await publishedUnder(ledger, head, signal) };
  if (n === applied.n) {
    if (contract !== applied.context.contract) throw otherContract(head);
    return { kind: 'same' };
  }
  const before = await publishedUnder(ledger, head, signal);
  const became: Evolution =
    before.context.contract === contract ? evolution(before.context, applied.context) : 'other';
  if (became === 'other') throw otherContract(head);
  return became === 'grown' ? { kind: 'grown', before } : { kind: 'same' };
}

/** What a version was published under, and is read by. */
export async function publishedUnder(
  ledger: Pick<Ledger, 'specOf'>,
  { n: version, value: { dataset, spec: n } }: ViewLink,
  signal: AbortSignal,
): Promise<Under> {
  const spec = await ledger.specOf(n, signal);
  const found = spec?.datasets[dataset];
  if (!spec || !found) {
    const what = spec ? `it has no dataset ${dataset}` : 'nothing is there';
    throw failure('ObjectMissing', `${keys.spec(n)}: ${what}, but ${keys.view(dataset, version)} names it`);
  }
  const { lake, sources, datasets } = spec;
  return {
    n,
    lake: { lake, sources, datasets },
    context: buildContext(spec, dataset, found, sha256Hex),
  };
}

function otherContract({ n, value }: ViewLink) {
  return failure(
    'NotBuilt',
    `version ${n} of ${value.dataset} has another contract than the applied spec, and is of the same epoch: apply the lake.yaml under which it was published`,
  );
}
