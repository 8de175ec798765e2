import type { Client, QueryResult } from 'pg';
import { type Random, seededRandom } from '../../sample/random.ts';

const ZONES = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'];
const MOODS = ['glad', 'so so', 'it\'s "bad"'];
const PIECES = [
  "'",
  '"',
  '""',
  '\\',
  '\\N',
  '\n',
  '\r\n',
  '\t',
  ',',
  ';',
  '|',
  'NULL',
  '-1:',
  ' ',
  '{}',
  'ünï',
  '😀',
  'e\u0301',
  '\u00a0',
  'x',
  'long '.repeat(40),
];

/**
 * Transactions that depend on the seed and on what stands in the database: inserts, updates, deletes, keys that change,
 * rows that are deleted and inserted again, several tables at once. Of rows that are equal in all columns, all change.
 */
export class Workload {
  readonly #random: Random;
  #fresh = 0;
  /** Rows inserted, updated or deleted so far. */
  changes = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Play transactions until so many more rows were changed. */
  async play(client: Client, changes: number): Promise<void> {
    const until = this.changes + changes;
    while (this.changes < until) {
      const zone = ZONES[this.#random.below(ZONES.length)];
      const statements = [`BEGIN; SET LOCAL TimeZone TO '${zone}'`];
      const count = this.#random.weighted([
        [1, 3],
        [2, 3],
        [6, 2],
        [20, 1],
      ]);
      for (let n = 0; n < count; n += 1) statements.push(this.#statement());
      statements.push(this.#random.below(12) === 0 ? 'ROLLBACK' : 'COMMIT');
      const answers = (await client.query(statements.join(';\n'))) as unknown as readonly QueryResult[];
      if (answers.at(-1)?.command === 'ROLLBACK') continue;
      const changed = answers.filter(({ command }) => /^(INSERT|UPDATE|DELETE)$/.test(command));
      this.changes += changed.reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0);
    }
  }

  #statement(): string {
    const tables = [
      [() => this.#accounts(), 4],
      [() => this.#documents(), 3],
      [() => this.#moods(), 2],
      [() => this.#ledger(), 3],
      [() => this.#settings(), 2],
      [() => this.#events(), 2],
    ] as const;
    return this.#random.weighted<() => string>(tables)();
  }

  #accounts(): string {
    const from = this.#random.below(3_000);
    const some = `id BETWEEN ${from} AND ${from + this.#random.below(40)}`;
    const insert = `INSERT INTO accounts SELECT n, ${this.#amount(28, 10)}, ${this.#instant()}, ${this.#instant()},
      ${this.#random.weighted([
        ['true', 3],
        ['false', 3],
        ['NULL', 1],
      ])}, ${this.#text()} FROM generate_series(${from}, ${from + this.#random.below(60)}) n
      ON CONFLICT (id) DO UPDATE SET balance = excluded.balance, note = excluded.note`;
    return this.#random.weighted([
      [insert, 4],
      [`UPDATE accounts SET balance = ${this.#amount(28, 10)}, note = ${this.#text()} WHERE ${some}`, 3],
      [`UPDATE accounts SET opened = ${this.#instant()} WHERE ${some}`, 2],
      [`UPDATE accounts SET id = -${this.#next()} WHERE id = ${from}`, 1],
      [`DELETE FROM accounts WHERE ${some}`, 1],
      [`DELETE FROM accounts WHERE ${some};\n${insert}`, 1],
    ]);
  }

  #documents(): string {
    const tenant = this.#random.below(40);
    const insert = `INSERT INTO documents VALUES (${tenant}, ${quoted(this.#words(1 + this.#random.below(3)))},
      ${this.#json()}, ${this.#array()}, ${this.#bytes()}) ON CONFLICT (tenant, code) DO UPDATE SET body = excluded.body`;
    return this.#random.weighted([
      [insert, 6],
      [`UPDATE documents SET body = ${this.#json()}, tags = ${this.#array()} WHERE tenant = ${tenant}`, 3],
      [`UPDATE documents SET raw = ${this.#bytes()} WHERE tenant = ${tenant}`, 2],
      [`UPDATE documents SET tenant = ${1_000 + this.#next()} WHERE tenant = ${tenant}`, 1],
      [`DELETE FROM documents WHERE tenant = ${tenant}`, 1],
    ]);
  }

  #moods(): string {
    const id = (n: number) => `md5('${n}')::uuid`;
    const which = this.#random.below(800);
    const mood = this.#nullable(() => quoted(MOODS[this.#random.below(MOODS.length)] ?? ''));
    const ratio = this.#nullable(() => `${(this.#random.below(2_000_000) - 1_000_000) / 7}::float8`);
    const insert = `INSERT INTO moods VALUES (${id(which)}, ${mood}, ${this.#instant()}, ${this.#instant()}, ${ratio},
      ${this.#instant()}) ON CONFLICT (id) DO UPDATE SET mood = excluded.mood, ratio = excluded.ratio`;
    return this.#random.weighted([
      [insert, 5],
      [`UPDATE moods SET mood = ${mood} WHERE id < ${id(which)} AND ratio > 0`, 1],
      [`DELETE FROM moods WHERE id = ${id(which)};\n${insert}`, 2],
      [`DELETE FROM moods WHERE id = ${id(which)}`, 1],
    ]);
  }

  #ledger(): string {
    const account = this.#random.below(150);
    const insert = `INSERT INTO ledger SELECT ${account}, ${this.#instant()} + n * interval '17 days 1.000001 seconds',
      ${this.#amount(14, 4)}, ${this.#text()} FROM generate_series(0, ${this.#random.below(12)}) n
      ON CONFLICT (account, at) DO NOTHING`;
    const moved = `UPDATE ledger SET at = at + interval '45 days' WHERE account = ${account}
      AND at < '2026-03-29Z' AND NOT EXISTS (SELECT FROM ledger l WHERE l.account = ledger.account
        AND l.at = ledger.at + interval '45 days')`;
    return this.#random.weighted([
      [insert, 5],
      [
        `UPDATE ledger SET amount = ${this.#amount(14, 4)}, memo = ${this.#text()} WHERE account = ${account}`,
        3,
      ],
      [moved, 1],
      [`DELETE FROM ledger WHERE account = ${account} AND amount < 0`, 1],
    ]);
  }

  #settings(): string {
    const name = `setting ${this.#random.below(300)}`;
    const numbers = this.#nullable(() => `'{${this.#random.below(9)},NULL,-${this.#random.below(99)}}'`);
    const insert = `INSERT INTO settings VALUES (${quoted(name)}, ${this.#text()}, ${numbers})
      ON CONFLICT (name) DO UPDATE SET value = excluded.value, numbers = excluded.numbers`;
    return this.#random.weighted([
      [insert, 5],
      [`UPDATE settings SET name = ${quoted(`renamed ${this.#next()}`)} WHERE name = ${quoted(name)}`, 2],
      [`DELETE FROM settings WHERE name = ${quoted(name)};\n${insert}`, 2],
      [`DELETE FROM settings WHERE name = ${quoted(name)}`, 1],
    ]);
  }

  #events(): string {
    const kind = quoted(`kind ${this.#random.below(60)}`);
    const at = this.#nullable(() => `'2026-03-0${1 + this.#random.below(3)} 12:00'`);
    const one = `(${kind}, ${this.#random.below(5)}, ${at}, ${this.#nullable(() => quoted(this.#words(1)))})`;
    const count = this.#random.weighted([
      [1, 4],
      [2, 1],
    ]);
    return this.#random.weighted([
      [`INSERT INTO events VALUES ${Array.from({ length: count }, () => one).join(', ')}`, 6],
      [`UPDATE events SET size = ${1_000 + this.#next()} WHERE kind = ${kind} AND size < 1000`, 1],
      [
        `UPDATE events SET payload = ${this.#text()} || ${this.#next()} WHERE kind = ${kind} AND payload IS NULL`,
        1,
      ],
      [`DELETE FROM events WHERE kind = ${kind} AND size >= 2`, 1],
    ]);
  }

  /** A number that was never given before. */
  #next(): number {
    return (this.#fresh += 1);
  }

  #nullable(value: () => string): string {
    return this.#random.below(8) === 0 ? 'NULL' : value();
  }

  #words(count: number): string {
    return Array.from({ length: count }, () => PIECES[this.#random.below(PIECES.length)]).join('');
  }

  #text(): string {
    return this.#nullable(() => quoted(this.#words(this.#random.below(5))));
  }

  #amount(whole: number, scale: number): string {
    const digits = (count: number) =>
      Array.from({ length: count }, () => String(this.#random.below(10))).join('');
    return this.#nullable(
      () =>
        `${this.#random.below(2) ? '-' : ''}${digits(1 + this.#random.below(whole))}.${digits(1 + this.#random.below(scale))}`,
    );
  }

  /** Local to the transaction's zone; now and then in the hour that a clock change takes away or gives twice. */
  #instant(): string {
    const pad = (n: number) => String(n).padStart(2, '0');
    const hour = `${pad(this.#random.below(24))}:${pad(this.#random.below(60))}:${pad(this.#random.below(60))}`;
    const day = this.#random.weighted([
      ['2026-03-29', 1],
      ['2026-10-25', 1],
      ['1969-12-31', 1],
      [`2026-0${1 + this.#random.below(6)}-1${this.#random.below(10)}`, 6],
    ]);
    return `timestamptz '${day} ${hour}.${String(this.#random.below(1_000_000)).padStart(6, '0')}'`;
  }

  #json(): string {
    const value = {
      b: this.#words(2),
      a: [null, this.#random.below(9) / 4, { '': this.#words(1) }],
      c: true,
    };
    return this.#nullable(() => `${quoted(JSON.stringify(value))}::jsonb`);
  }

  #array(): string {
    const elements = [quoted(this.#words(1)), quoted(this.#words(2)), 'NULL'];
    return this.#nullable(() => `ARRAY[${elements.slice(0, this.#random.below(4)).join(', ')}]::text[]`);
  }

  #bytes(): string {
    const hex = Array.from({ length: this.#random.below(12) }, () =>
      this.#random.below(256).toString(16).padStart(2, '0'),
    );
    return this.#nullable(() => `'\\x${hex.join('')}'::bytea`);
  }
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
