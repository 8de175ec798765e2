import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../activities/duckdb.ts';

// The peer: DuckDB alone, the same two statements, in a process of its own, which prints its CPU seconds.
const [from = '', to = ''] = process.argv.slice(2);
await rm(to, { recursive: true, force: true });
await mkdir(join(to, 'days'), { recursive: true });
const files = (await readdir(from)).sort().map((name) => `'${join(from, name)}'`);
const fields = ['date', 'delay', 'distance', 'origin', 'destination'];
const framed = fields.map((name) => `coalesce(strlen(${name}), -1), ':', ${name}`).join(', ');
const before = process.cpuUsage();
const startedAt = Date.now();
await withDuckDb({ memoryMb: 1024, threads: 2, scratch: to }, async (db) => {
  await db.run(`COPY (WITH t AS (SELECT *, row_number() OVER () AS _row FROM read_csv([${files.join(', ')}], auto_detect=false, header=true,
      delim=',', quote='"', nullstr=[''], columns={${fields.map((name) => `'${name}': 'VARCHAR'`).join(', ')}}))
    SELECT date::TIMESTAMPTZ AS date, delay::BIGINT AS delay, distance::BIGINT AS distance, origin, destination, _row, 'I' AS _op,
      (md5_number_lower(concat(${framed})) >> 1)::BIGINT AS _hash, NULL::VARCHAR AS _extra FROM t)
    TO '${to}/rows.parquet' (FORMAT parquet, COMPRESSION zstd)`);
  await db.run(`COPY (SELECT * EXCLUDE (n), epoch_us(date) // 86400000000 AS day FROM
      (SELECT *, row_number() OVER (PARTITION BY ${fields.join(', ')} ORDER BY _row) AS n FROM read_parquet('${to}/rows.parquet')) WHERE n = 1)
    TO '${to}/days' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (day))`);
});
const { user, system } = process.cpuUsage(before);
process.stdout.write(
  `${JSON.stringify({ cpuSeconds: (user + system) / 1e6, seconds: (Date.now() - startedAt) / 1000 })}\n`,
);
