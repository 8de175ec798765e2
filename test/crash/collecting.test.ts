import { survivesKills, useStory } from './kills.ts';
import { collectingSteps } from './story.ts';

const of = useStory(collectingSteps);

// Where a write commits nothing, a lake after it is the lake during it.
const when = ['before', 'during'] as const;

survivesKills('applying a spec', of('writeSpec'), [{ what: 'the spec', key: '^spec/' }]);

survivesKills('landing files', of('landFiles'), [
  { what: 'the first raw file', key: '^raw/books/', when },
  { what: 'the second raw file', key: '^raw/books/', nth: 2, when },
  { what: 'the rows', key: '^rows/books/', when },
  { what: 'the quarantine', key: '^rejected/books/', when },
  { what: 'the entry', key: '^ledger/books/' },
]);

survivesKills('opening lanes', of('openLanes'), [{ what: 'the first entry', key: '^ledger/events/' }]);

survivesKills('collecting a stream', of('collectLane'), [
  { what: 'the raw records', key: '^raw/events/', when },
  { what: 'the rows', key: '^rows/events/', when },
  { what: 'the quarantine', key: '^rejected/events/', when },
  { what: 'the entry', key: '^ledger/events/' },
  { what: 'the hint', key: '^hint/', when },
]);
