import type { ShopSample } from '../../../sample/shop.ts';
import { startPostgres } from '../../postgres/server.ts';
import { ShopDatabase } from './database.ts';

/** A shop that is open: its database, which nobody replicates yet. */
export interface Shop {
  readonly sample: ShopSample;
  readonly database: ShopDatabase;
  /** For whoever wants to look with `psql`, or to change a row. */
  readonly url: string;
  readonly port: number;
  /** After what replicates it. */
  close(): Promise<void>;
}

/** Start a Postgres of its own, and fill it. The caller owes a `close`. */
export async function openShop(sample: ShopSample): Promise<Shop> {
  const postgres = await startPostgres();
  try {
    const database = await ShopDatabase.fill(postgres.url, sample);
    return {
      sample,
      database,
      url: postgres.url,
      port: postgres.port,
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
