import { survivesZombies, useStory } from './kills.ts';
import { collectingSteps, publishingSteps } from './story.ts';

const of = useStory(async (lab) => {
  const collecting = await collectingSteps(lab);
  return { ...collecting, ...(await publishingSteps(lab, collecting)) };
});
const when = ['before'] as const;

survivesZombies('applying a spec', of('writeSpec'), [{ what: 'the spec', key: '^spec/', when }]);

survivesZombies('landing files', of('landFiles'), [
  { what: 'the first raw file', key: '^raw/books/' },
  { what: 'the rows', key: '^rows/books/', when },
  { what: 'the quarantine', key: '^rejected/books/', when },
  { what: 'the entry', key: '^ledger/books/', when },
]);

survivesZombies('opening lanes', of('openLanes'), [
  { what: 'the first entry', key: '^ledger/events/', when },
]);

survivesZombies('collecting a stream', of('collectLane'), [
  { what: 'the raw records', key: '^raw/events/', when },
  { what: 'the rows', key: '^rows/events/' },
  { what: 'the entry', key: '^ledger/events/', when },
]);

survivesZombies('planning', of('assessDataset'), [{ what: 'the plan', key: '^plan/', when }]);

survivesZombies('building', of('buildPartitionsBatch'), [
  { what: 'the first file of a build', key: '/0\\.parquet$' },
  { what: 'the first build', key: '/_build\\.json$', when },
  { what: 'the second build', key: '/_build\\.json$', nth: 2, when },
]);

survivesZombies('gating', of('gatePlan'), [{ what: 'the report', key: '^gate/.*\\.json$', when }]);

survivesZombies('publishing', of('publishPlan'), [
  { what: 'the hold of the other day', key: '^hold/', when },
  { what: 'the first chunk of parts', key: '^part/' },
  { what: 'the version', key: '^view/', when },
]);

survivesZombies('publishing what a person approved', of('approvePlan'), [
  { what: 'the version', key: '^view/' },
  { what: 'the end of the hold', key: '^hold/', when },
  { what: 'the outcome of the plan', key: '^outcome/', when },
]);

survivesZombies('rejecting', of('closeHolds'), [
  { what: 'the end of the hold', key: '^hold/', when },
  { what: 'the outcome of the plan', key: '^outcome/', when },
]);

survivesZombies('asking for a new build of what is held', of('askAnew'), [
  { what: 'the end of the hold', key: '^hold/', when },
  { what: 'the outcome of the plan', key: '^outcome/', when },
]);

survivesZombies('rolling back', of('rollbackDataset'), [{ what: 'the version', key: '^view/', when }]);
