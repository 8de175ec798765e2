import { expect, test } from 'vitest';
import { survivesKills, useStory } from './kills.ts';
import { collectingSteps, publishingSteps } from './story.ts';

const of = useStory(async (lab) => publishingSteps(lab, await collectingSteps(lab)));

// Where a write commits nothing, a lake after it is the lake during it.
const when = ['before', 'during'] as const;

survivesKills('planning', of('assessDataset'), [{ what: 'the plan', key: '^plan/' }]);

survivesKills('building', of('buildPartitionsBatch'), [
  { what: 'the first file of a build', key: '/0\\.parquet$', when },
  { what: 'the winners of a role', key: '/winners-speed\\.parquet$', when },
  { what: 'the first build', key: '/_build\\.json$' },
  { what: 'the second build', key: '/_build\\.json$', nth: 2 },
]);

survivesKills('gating', of('gatePlan'), [
  { what: 'the keys of a comparison', key: '^gate/.*\\.ndjson$', when },
  { what: 'the report', key: '^gate/.*\\.json$' },
]);

survivesKills('holding', of('openHolds'), [{ what: 'the hold', key: '^hold/' }]);

survivesKills('publishing', of('publishPlan'), [
  { what: 'the hold of the other day', key: '^hold/' },
  { what: 'the coverage', key: '^coverage/', when },
  { what: 'the first chunk of parts', key: '^part/', when },
  { what: 'the second chunk of parts', key: '^part/', nth: 2, when },
  { what: 'the version', key: '^view/' },
  { what: 'the projection', key: '^projection/' },
]);

survivesKills('keeping a decision', of('recordDecision'), [{ what: 'the decision', key: '^audit/' }]);

survivesKills('publishing what a person approved', of('approvePlan'), [
  { what: 'the chunk of parts', key: '^part/', when },
  { what: 'the version', key: '^view/' },
  { what: 'the end of the hold', key: '^hold/' },
  // It holds the version before, so that nobody sees from outside when it was written.
  { what: 'the projection', key: '^projection/', when: ['before', 'after'] },
  { what: 'the outcome of the plan', key: '^outcome/' },
]);

survivesKills('rejecting', of('closeHolds'), [
  { what: 'the end of the hold', key: '^hold/' },
  { what: 'the outcome of the plan', key: '^outcome/' },
]);

survivesKills('asking for a new build of what is held', of('askAnew'), [
  { what: 'the end of the hold', key: '^hold/' },
  { what: 'the outcome of the plan', key: '^outcome/' },
]);

survivesKills('ending a plan that a person gave up', of('abandonPlan'), [
  { what: 'the end of the hold', key: '^hold/' },
  { what: 'the outcome of the plan', key: '^outcome/' },
]);

test('what was asked for anew is planned again', () => {
  const { step } = of('planAnew')();
  expect(step.result).toMatchObject({ partitions: 1, version: 1, holds: [] });
});

survivesKills('planning anew', of('planAnew'), [{ what: 'the plan', key: '^plan/' }]);

survivesKills('rolling back', of('rollbackDataset'), [
  { what: 'the chunk of parts', key: '^part/', when },
  { what: 'the version', key: '^view/' },
]);

survivesKills('letting go of what was pinned', of('releasePins'), [{ what: 'the version', key: '^view/' }]);
