import { CHANGE_COLUMN, type DatabaseSource } from '../../lake/spec.ts';
import { dataset } from './rows-specs.ts';

const { name, type } = CHANGE_COLUMN;

/** A shop's database of the tests: two tables, of which the customers feed a dataset. */
export function shopSpec(more: Partial<DatabaseSource> = {}) {
  const shop = {
    kind: 'database',
    dms: { task: 'shop-cdc' },
    tables: {
      'public.customers': {
        feed: 'shop.public.customers',
        columns: { id: 'bigint', name: 'string', [name]: type },
      },
      'public.bookings': { feed: 'shop.public.bookings', columns: { id: 'bigint', [name]: type } },
    },
    replicate: 'continuous',
    everyMs: 10_000,
    ...more,
  } as const satisfies DatabaseSource;
  return {
    sources: { shop },
    datasets: {
      customers: dataset({
        merge: 'latest',
        key: ['id'],
        version: name,
        partition: { kind: 'bucket', buckets: 2 },
        columns: { id: 'bigint', name: 'string', [name]: type },
        feeds: { 'shop.public.customers': { role: 'speed', visible: 'commit', map: {} } },
      }),
    },
  };
}
