import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../../activities/duckdb.ts';
import { sha256Hex } from '../../activities/objects/json.ts';
import type { RowsObject } from '../../lake/entry.ts';
import { mappingHashes } from '../../lake/hashes.ts';
import { isoInstant } from '../../lake/instant.ts';
import { keys } from '../../lake/keys.ts';
import { matchColumns, schemaHash } from '../../lake/mapping.ts';
import { partitionName } from '../../lake/partition.ts';
import { type LakeSpec, datasetOf, feedOf } from '../../lake/spec.ts';
import { matchSql } from '../../lake/sql/refine-mapping.ts';
import { statisticsSql } from '../../lake/sql/statistics.ts';
import { duckType, ident, literal } from '../../lake/sql/text.ts';

/** Values of a feed's columns, as text; `_op` is `I` unless given. */
export type FeedRow = Readonly<Record<string, string | number | null>>;

/** Which object it is to be. */
export interface RowsPlace {
  readonly feed: string;
  readonly lane: number;
  readonly ordinal: number;
  readonly index: number;
}

/** A rows object of these rows, as a collector would have made it, and its bytes. `scratch` is a folder. */
export async function makeRowsObject(
  { spec, scratch }: { readonly spec: LakeSpec; readonly scratch: string },
  { feed, lane, ordinal, index }: RowsPlace,
  rows: readonly FeedRow[],
): Promise<{ readonly object: RowsObject; readonly body: Buffer }> {
  const source = feedOf(spec, feed);
  const served = datasetOf(spec, feed);
  if (!source) throw new Error(feed);
  const mapping = served && { dataset: served.dataset, use: served.use, columns: source.columns };
  const isStream = source.spec.kind === 'kinesis';
  const path = join(scratch, `${feed}-${lane}-${ordinal}-${index}.parquet`);
  const values = rows.map((row, n) => {
    const own = Object.entries(source.columns).map(([name, type]) => {
      const value = row[name] ?? null;
      return `${value === null ? 'NULL' : literal(String(value))}::${duckType(type)} AS ${ident(name)}`;
    });
    const { _channel: channel, _op: op = 'I', ...content } = row;
    const hash = BigInt(`0x${createHash('md5').update(JSON.stringify(content)).digest('hex').slice(0, 15)}`);
    const stream = isStream
      ? [`${literal(String(channel ?? 'c'))} AS _channel`, `'${n}' AS _position`]
      : source.table === undefined
        ? []
        : [`'log' AS _channel`];
    // A record of a landing has two numbers.
    const place = source.table === undefined ? n + 1 : 2 * (n + 1);
    const lineage = [`${place}::BIGINT AS _row`, `'${op}' AS _op`, `${hash}::BIGINT AS _hash`];
    return `SELECT ${[...own, ...lineage, 'NULL::VARCHAR AS _extra', ...stream].join(', ')}`;
  });
  const match = mapping && matchColumns(mapping.dataset) ? matchSql(mapping, ident) : undefined;
  const select = `SELECT *${match ? `, ${match} AS _match` : ''} FROM (${values.join(' UNION ALL ')})`;
  const options = { memoryMb: 256, threads: 1, scratch };
  const statistics = await withDuckDb(options, async (db) => {
    await db.run(`COPY (${select}) TO ${literal(path)} (FORMAT parquet)`);
    return db.rows(statisticsSql(path, mapping));
  });
  const body = await readFile(path);
  const key = keys.rows({ feed, lane, commit: `c${ordinal}`, attempt: 'a', index });
  const iso = (us: unknown) => (us === null ? null : isoInstant(Math.floor(Number(us) / 1000)));
  const partitions = statistics.map((row) => [
    served ? partitionName(served.dataset.partition, Number(row['partition'])) : 'all',
    {
      rows: Number(row['rows']),
      hash: String(row['hash']),
      minTime: iso(row['min_us']),
      maxTime: iso(row['max_us']),
    },
  ]);
  const object = {
    key,
    bytes: body.byteLength,
    checksum: `sha256:${sha256Hex(body)}`,
    rows: rows.length,
    hash: String(statistics.reduce((sum, row) => sum + BigInt(String(row['hash'])), 0n)),
    schema: schemaHash(source.columns, sha256Hex),
    mapping: served ? (mappingHashes(spec, served.dataset, sha256Hex)[feed] ?? null) : null,
    partitions: Object.fromEntries(partitions),
  };
  return { object, body };
}
