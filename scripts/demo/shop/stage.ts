import type { ShopSample } from '../../../sample/shop.ts';
import { startPostgres } from '../../postgres/server.ts';
import { ShopDatabase } from './database.ts';
import { makeShopTask } from './task.ts';

/** A shop that is open: its database, and the task that would replicate it. */
export interface Shop {
  readonly sample: ShopSample;
  readonly database: ShopDatabase;
  /** For whoever wants to look with `psql`, or to change a row. */
  readonly url: string;
  /** After what replicates it. */
  close(): Promise<void>;
}

/** Start a Postgres of its own, fill it, and make its task on the stand-ins at `endpoint`. The caller owes a `close`. */
export async function openShop(
  sample: ShopSample,
  { endpoint, region }: { readonly endpoint: string; readonly region: string },
): Promise<Shop> {
  const postgres = await startPostgres();
  try {
    const database = await ShopDatabase.fill(postgres.url, sample);
    await makeShopTask({ endpoint, region, port: postgres.port });
    return {
      sample,
      database,
      url: postgres.url,
      async close() {
        await database.close();
        await postgres.stop();
      },
    };
  } catch (error) {
    await postgres.stop();
    throw error;
  }
}
