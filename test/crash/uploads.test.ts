import { createCipheriv } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { dataset, filesSource } from '../support/rows-specs.ts';
import { landingStep, writeDelivered } from './files.ts';
import { type Written, survivesKills, survivesZombies, useStory } from './kills.ts';
import type { Lab } from './lab.ts';

const COLUMNS = { id: 'string', written_at: 'timestamp', text: 'string' } as const;
const MIB = 1024 * 1024;
/** What is larger is sent in parts. */
const LARGEST_SINGLE_PUT = 16 * MIB;

const of = useStory(async (lab) => {
  const folder = path.join(lab.folder, 'letters');
  await mkdir(folder);
  await writeDelivered(path.join(folder, 'letters.csv'), ['id,written_at,text', ...letters()]);
  const spec = { spec: specOf(folder), by: 'ana', reason: 'first' };
  const writeSpec = await lab.step(new Map(), 'writeSpec', spec);
  return { landFiles: await landingStep(lab, writeSpec.after, 'letters') };
});

const raw = (request: string, what: string, more: Partial<Written> = {}): Written => {
  return { key: '^raw/', request, what, ...more };
};
const rows = (request: string, what: string, more: Partial<Written> = {}): Written => {
  return { key: '^rows/', request, what, ...more };
};

/** What is left of uploads, by where they were to go. */
const leftOf = async (lab: Lab, bucket: string) =>
  (await lab.uploadsOf(bucket)).map((key) => key.split('/')[0]);

test('both the raw file and its rows take three parts', () => {
  const { step } = of('landFiles')();
  const large = [...step.after].filter(([, body]) => body.byteLength > LARGEST_SINGLE_PUT);
  expect(large.map(([key, body]) => [key.split('/')[0], Math.ceil(body.byteLength / (8 * MIB))])).toEqual([
    ['raw', 3],
    ['rows', 3],
  ]);
});

survivesKills(
  'landing a file in parts',
  of('landFiles'),
  [
    raw('UploadPart', 'the first part', { when: ['after'] }),
    raw('CompleteMultipartUpload', 'the raw file'),
    rows('CompleteMultipartUpload', 'the rows', { when: ['before', 'during'] }),
  ],
  {
    'what was sent of an upload that was not completed stays, until the rule of its bucket ends it': {
      of: leftOf,
      is: [['raw'], ['raw'], [], [], ['rows'], [], []],
    },
  },
);

survivesZombies(
  'landing a file in parts',
  of('landFiles'),
  [
    raw('UploadPart', 'the last part', { when: ['before'], nth: 3 }),
    raw('CompleteMultipartUpload', 'the raw file', { when: ['before'] }),
    rows('CompleteMultipartUpload', 'the rows', { when: ['before'] }),
  ],
  { more: { 'whoever completes too late takes back what it sent': { of: leftOf, is: [[], [], []] } } },
);

/** 23 MiB of text that hardly compresses, always the same. */
function letters(): string[] {
  const size = 4096;
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const text = cipher.update(Buffer.alloc((23 * MIB * 3) / 4)).toString('base64');
  return Array.from({ length: Math.floor(text.length / size) }, (_, n) => {
    return `l-${n},2024-03-01T10:00:00Z,${text.slice(n * size, (n + 1) * size)}`;
  });
}

function specOf(folder: string) {
  return {
    lake: { name: 'crash', bucket: 'lake' },
    sources: { letters: { ...filesSource(COLUMNS), from: pathToFileURL(folder).href } },
    datasets: {
      letters: dataset({
        merge: 'append',
        key: ['id'],
        partition: { kind: 'time', column: 'written_at', unit: 'day', from: '2024-03-01', fixed: true },
        columns: COLUMNS,
        feeds: { letters: { role: 'batch', visible: 'publish', map: {} } },
      }),
    },
  };
}
