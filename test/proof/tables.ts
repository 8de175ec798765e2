/** Six tables with types that hurt, as Postgres makes them. `ledger` is partitioned; `events` has no key of its own. */
export const TABLES_SQL = `
  CREATE TYPE mood AS ENUM ('glad', 'so so', 'it''s "bad"');
  CREATE TABLE accounts (id bigint PRIMARY KEY, balance numeric(38,10), opened timestamptz, local timestamp,
    active boolean, note text);
  CREATE TABLE documents (tenant int, code text, body jsonb, tags text[], raw bytea, PRIMARY KEY (tenant, code));
  CREATE TABLE moods (id uuid PRIMARY KEY, mood mood, day date, seen timestamptz, ratio double precision, at time);
  CREATE TABLE ledger (account bigint, at timestamptz, amount numeric(18,4), memo text, PRIMARY KEY (account, at))
    PARTITION BY RANGE (at);
  CREATE TABLE ledger_winter PARTITION OF ledger FOR VALUES FROM ('2026-01-01Z') TO ('2026-03-29Z');
  CREATE TABLE ledger_spring PARTITION OF ledger FOR VALUES FROM ('2026-03-29Z') TO ('2026-07-01Z');
  CREATE TABLE ledger_later PARTITION OF ledger DEFAULT;
  CREATE TABLE settings (name text PRIMARY KEY, value text, numbers int[]);
  CREATE TABLE events (kind text, size int, at timestamptz, payload text);
  ALTER TABLE events REPLICA IDENTITY FULL;`;

/** How the lake declares each: its columns, and the key of its dataset. */
export const DECLARED = {
  accounts: {
    key: ['id'],
    columns: {
      id: 'bigint',
      balance: 'decimal(38,10)',
      opened: 'timestamp',
      local: 'timestamp',
      active: 'boolean',
      note: 'string',
    },
  },
  documents: {
    key: ['tenant', 'code'],
    columns: { tenant: 'integer', code: 'string', body: 'string', tags: 'string', raw: 'string' },
  },
  moods: {
    key: ['id'],
    columns: {
      id: 'string',
      mood: 'string',
      day: 'date',
      seen: 'timestamp',
      ratio: 'double',
      at: 'string',
    },
  },
  ledger: {
    key: ['account', 'at'],
    columns: { account: 'bigint', at: 'timestamp', amount: 'decimal(18,4)', memo: 'string' },
  },
  settings: { key: ['name'], columns: { name: 'string', value: 'string', numbers: 'string' } },
  events: {
    key: ['kind', 'size', 'at', 'payload'],
    columns: { kind: 'string', size: 'integer', at: 'timestamp', payload: 'string' },
  },
} as const satisfies Readonly<
  Record<string, { readonly key: readonly string[]; readonly columns: Readonly<Record<string, string>> }>
>;

/** A lake of these tables, which a task lands and which is built again as soon as anything is late. */
export function proofLake(task: string, bucket: string): string {
  const datasets = Object.entries(DECLARED).map(([name, { key, columns }]) =>
    [
      `  ${name}:`,
      '    merge: latest',
      `    key: [${key.join(', ')}]`,
      '    partition: { buckets: 2 }',
      `    columns: { ${Object.entries(columns)
        .map(([column, type]) => `${column}: '${type}'`)
        .join(', ')} }`,
      `    feeds: { shop.public.${name}: { role: speed } }`,
      '    rebuild: { after: 1s }',
    ].join('\n'),
  );
  return [
    `lake: { name: proof, bucket: ${bucket} }`,
    'sources:',
    '  shop:',
    '    kind: database',
    `    dms: { task: ${task} }`,
    `    tables: [${Object.keys(DECLARED)
      .map((name) => `public.${name}`)
      .join(', ')}]`,
    '    replicate: continuous',
    '    every: 1s',
    'datasets:',
    ...datasets,
    '',
  ].join('\n');
}
