import { survivesKills, useStory } from './kills.ts';
import { collectingSteps } from './story.ts';

const of = useStory(collectingSteps);

survivesKills('applying a spec', of('writeSpec'), [{ what: 'the spec', key: '^spec/' }]);

survivesKills('landing files', of('landFiles'), [
  { what: 'the first raw file', key: '^raw/books/' },
  { what: 'the second raw file', key: '^raw/books/', nth: 2 },
  { what: 'the rows', key: '^rows/books/' },
  { what: 'the quarantine', key: '^rejected/books/' },
  { what: 'the entry', key: '^ledger/books/' },
]);

survivesKills('opening lanes', of('openLanes'), [{ what: 'the first entry', key: '^ledger/events/' }]);

survivesKills('collecting a stream', of('collectLane'), [
  { what: 'the raw records', key: '^raw/events/' },
  { what: 'the rows', key: '^rows/events/' },
  { what: 'the quarantine', key: '^rejected/events/' },
  { what: 'the entry', key: '^ledger/events/' },
  { what: 'the hint', key: '^hint/' },
]);
