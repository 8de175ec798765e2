import { type LakeSpec, datasetOf } from '../../lake/spec.ts';
import type { Mapping } from '../../lake/sql/refine-mapping.ts';
import { COLUMNS, STREAM } from './records.ts';

/** A lake of one stream that feeds one dataset by day, with the defaults of lake.yaml. */
export function benchLake(bucket: string): LakeSpec {
  const none = { count: 0 };
  return {
    lake: { name: 'bench', bucket },
    sources: {
      events: {
        kind: 'kinesis',
        stream: STREAM,
        start: 'earliest',
        format: { json: {} },
        columns: COLUMNS,
        commit: { rows: 250_000, bytes: 64_000_000, everyMs: 10_000 },
      },
    },
    datasets: {
      payments: {
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'at', unit: 'day', fixed: true },
        columns: COLUMNS,
        feeds: { events: { role: 'speed', visible: 'commit', map: {} } },
        // oxlint-disable-next-line unicorn/no-thenable -- lake.yaml calls it so
        close: { latenessMs: 0, graceMs: 0, needs: [], then: 'hold' },
        rebuild: { lateRatio: 0.1, lateAfterMs: 86_400_000 },
        gate: {
          compare: [],
          tolerance: { missing: none, differs: none, moved: none, conflicting: none },
          settleAfterMs: 0,
          checks: [],
        },
      },
    },
  };
}

/** What the stream's records are refined by. */
export function benchMapping(spec: LakeSpec): Mapping {
  const served = datasetOf(spec, 'events');
  if (!served) throw new Error('the stream of this bench feeds no dataset');
  return { dataset: served.dataset, use: served.use, columns: COLUMNS };
}
