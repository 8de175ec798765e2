import type { DatasetSpec, FilesSource, KinesisSource } from '../../lake/spec.ts';

const NONE = { count: 0 };

/** Flights of the tests: an `append` dataset by day, all of its columns the key unless `key` says less. */
export function flightsSpec(key: readonly string[] = ['at', 'delay', 'origin']) {
  return {
    sources: { flights: filesSource({ at: 'timestamp', delay: 'bigint', origin: 'string' }) },
    datasets: {
      flights: dataset({
        merge: 'append',
        key,
        partition: { kind: 'time', column: 'at', unit: 'day', fixed: false },
        columns: { at: 'timestamp', delay: 'bigint', origin: 'string' },
        feeds: { flights: { role: 'batch', visible: 'commit', map: {} } },
      }),
    },
  };
}

/** Payments of the tests: `latest` by day, a stream and the books. */
export function paymentsSpec(more: Partial<DatasetSpec> = {}) {
  return {
    sources: {
      books: filesSource({
        id: 'string',
        paid_at: 'timestamp',
        gross: 'decimal(18,2)',
        revision: 'bigint',
      }),
      events: streamSource({
        id: 'string',
        paid_at: 'timestamp',
        amount: 'decimal(18,2)',
        revision: 'bigint',
      }),
    },
    datasets: {
      payments: dataset({
        merge: 'latest',
        key: ['id'],
        version: 'revision',
        partition: { kind: 'time', column: 'paid_at', unit: 'day', fixed: true },
        columns: { id: 'string', paid_at: 'timestamp', amount: 'decimal(18,2)', revision: 'bigint' },
        feeds: {
          books: { role: 'batch', visible: 'publish', map: { amount: 'gross' } },
          events: { role: 'speed', visible: 'commit', map: {} },
        },
        gate: {
          compare: ['amount'],
          tolerance: { missing: NONE, differs: NONE, moved: NONE, conflicting: NONE },
          settleAfterMs: 0,
          checks: [],
        },
        ...more,
      }),
    },
  };
}

export function filesSource(columns: FilesSource['columns']): FilesSource {
  return {
    kind: 'files',
    from: 'file:///nowhere/',
    include: ['*'],
    exclude: [],
    quietMs: 0,
    restated: 'park',
    format: { csv: { header: true, delimiter: ',', quote: '"', nulls: [''] } },
    columns,
  };
}

export function streamSource(columns: KinesisSource['columns']): KinesisSource {
  return {
    kind: 'kinesis',
    stream: 'events',
    start: 'earliest',
    format: { json: {} },
    columns,
    commit: { rows: 1000, bytes: 1_000_000, everyMs: 10_000 },
  };
}

export function dataset(
  own: Pick<DatasetSpec, 'merge' | 'key' | 'partition' | 'columns' | 'feeds'> & Partial<DatasetSpec>,
): DatasetSpec {
  return {
    // oxlint-disable-next-line unicorn/no-thenable
    close: { latenessMs: 0, graceMs: 0, needs: [], then: 'provisional' },
    rebuild: { lateRatio: 0.5, lateAfterMs: 86_400_000 },
    gate: {
      compare: [],
      tolerance: { missing: NONE, differs: NONE, moved: NONE, conflicting: NONE },
      settleAfterMs: 0,
      checks: [],
    },
    ...own,
  };
}
