import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { withDuckDb } from '../activities/duckdb.ts';

// The peer: DuckDB alone, which reads the landings, writes the rows and answers from them, in a process of its own.
const [from = '', to = ''] = process.argv.slice(2);
await rm(to, { recursive: true, force: true });
await mkdir(to, { recursive: true });
const names = (await readdir(from)).filter((name) => name.endsWith('.parquet')).sort();
const files = `[${names.map((name) => `'${join(from, name)}'`).join(', ')}]`;
const columns = ['id', 'customer', 'amount', 'placed_at', 'is_open'];
const before = process.cpuUsage();
const startedAt = Date.now();
const answer = await withDuckDb({ memoryMb: 1024, threads: 2, scratch: to }, async (db) => {
  const schema = await db.rows(`DESCRIBE SELECT * FROM read_parquet(${files}, union_by_name = true)`);
  // As in the lake, the hash is of all columns as text.
  const framed = schema
    .map(
      ({ column_name: name }) => `coalesce(strlen("${String(name)}"::VARCHAR), -1), ':', "${String(name)}"`,
    )
    .join(', ');
  await db.run(`COPY (SELECT id, customer, amount::DECIMAL(12,2) AS amount, make_timestamptz(epoch_us(placed_at)) AS placed_at, is_open,
      nullif(ar_h_change_seq, '')::HUGEINT::DECIMAL(38,0) AS _change, row_number() OVER () AS _row, Op AS _op,
      (md5_number_lower(concat(${framed})) >> 1)::BIGINT AS _hash, NULL::VARCHAR AS _extra
    FROM read_parquet(${files}, union_by_name = true)) TO '${to}/rows.parquet' (FORMAT parquet, COMPRESSION zstd)`);
  const [row] = await db.rows(`SELECT count(*)::INTEGER AS rows, sum(amount)::VARCHAR AS amount FROM (
      SELECT ${columns.join(', ')}, _op FROM read_parquet('${to}/rows.parquet')
      QUALIFY row_number() OVER (PARTITION BY id ORDER BY _change DESC, _row DESC) = 1) WHERE _op <> 'D'`);
  return row;
});
const { user, system } = process.cpuUsage(before);
const figure = { cpuSeconds: (user + system) / 1e6, seconds: (Date.now() - startedAt) / 1000, answer };
process.stdout.write(`${JSON.stringify(figure)}\n`);
