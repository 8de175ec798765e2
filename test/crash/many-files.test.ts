import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { dataset, filesSource } from '../support/rows-specs.ts';
import { landingStep, writeDelivered } from './files.ts';
import { survivesKills, survivesZombies, useStory } from './kills.ts';

const COLUMNS = { id: 'string', paid_at: 'timestamp', amount: 'decimal(18,2)' } as const;
const DAY_MS = 86_400_000;
/** More than an entry lists itself: files, and partitions of a rows object. */
const [FILES, DAYS] = [101, 501];

const of = useStory(async (lab) => {
  const folder = path.join(lab.folder, 'many');
  await writeMany(folder);
  const spec = { spec: specOf(folder), by: 'ana', reason: 'first' };
  const writeSpec = await lab.step(new Map(), 'writeSpec', spec);
  return { landFiles: await landingStep(lab, writeSpec.after, 'many') };
});

const ITEMS = { what: 'the list of files', key: '^manifest/many/0/[^/]+-items\\.json$' };
const PARTITIONS = {
  what: 'the list of partitions',
  key: '^manifest/many/0/[^/]+-partitions-0\\.json$',
};
const ENTRY = { what: 'the entry', key: '^ledger/many/' };

test('both lists stand beside their entry', () => {
  const { step } = of('landFiles')();
  const entry = Buffer.from(step.after.get('ledger/many/0/000000000001.json') ?? []).toString();
  expect(JSON.parse(entry)).toMatchObject({
    itemsIn: { key: expect.stringMatching(ITEMS.key) as string },
    rows: [
      { rows: 501, partitions: {}, partitionsIn: { key: expect.stringMatching(PARTITIONS.key) as string } },
    ],
  });
});

survivesKills('landing many files', of('landFiles'), [
  { ...PARTITIONS, when: ['before', 'during'] },
  { ...ITEMS, when: ['before', 'during'] },
  ENTRY,
]);

survivesZombies('landing many files', of('landFiles'), [
  { ...PARTITIONS, when: ['before'] },
  { ...ITEMS, when: ['before', 'after'] },
]);

/** One of them is payments; the others wait, so that their rows cost nothing. */
async function writeMany(folder: string): Promise<void> {
  await mkdir(folder);
  const lines = Array.from({ length: DAYS }, (_, n) => {
    const at = new Date(Date.UTC(2022, 0, 1) + n * DAY_MS).toISOString();
    return `p-${n},${at},1.50`;
  });
  await writeDelivered(path.join(folder, '1.csv'), ['id,paid_at,amount', ...lines]);
  for (let file = 2; file <= FILES; file += 1) {
    await writeDelivered(path.join(folder, `${file}.csv`), ['who,when', `p-${file},yesterday`]);
  }
}

function specOf(folder: string) {
  return {
    lake: { name: 'crash', bucket: 'lake' },
    sources: { many: { ...filesSource(COLUMNS), from: pathToFileURL(folder).href } },
    datasets: {
      payments: dataset({
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'paid_at', unit: 'day', from: '2022-01-01', fixed: true },
        columns: COLUMNS,
        feeds: { many: { role: 'batch', visible: 'publish', map: {} } },
      }),
    },
  };
}
