import { keys } from '../../lake/keys.ts';
import type { Plan } from '../../lake/plan.ts';
import type { DatasetSpec, SpecObject } from '../../lake/spec.ts';
import { failure } from '../failure.ts';
import { readObject } from '../objects/json.ts';
import type { ObjectStore } from '../objects/port.ts';

export interface PlanRef {
  readonly dataset: string;
  readonly planId: string;
}

/** A plan with the spec that it was made under. */
export interface OpenedPlan {
  readonly plan: Plan;
  readonly spec: SpecObject;
  readonly dataset: DatasetSpec;
}

/** `ObjectMissing` where the plan or its spec is gone. */
export async function openPlan(
  store: ObjectStore,
  { dataset: name, planId }: PlanRef,
  signal: AbortSignal,
): Promise<OpenedPlan> {
  const planKey = keys.plan(name, planId);
  const plan = await readObject<Plan>(store, planKey, signal);
  if (!plan) throw failure('ObjectMissing', `${planKey}: nothing is there; right would be the plan to build`);
  const specKey = keys.spec(plan.spec);
  const spec = await readObject<SpecObject>(store, specKey, signal);
  if (!spec) throw failure('ObjectMissing', `${specKey}: nothing is there; ${planKey} names it`);
  const dataset = spec.datasets[name];
  if (!dataset) {
    throw failure('UnknownSource', `${specKey} has no dataset ${name}; ${planKey} was made under it`);
  }
  return { plan, spec, dataset };
}
