import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { format } from 'prettier';
import { DATABASE_VARIABLE, VARIABLES } from '../config/env.ts';
import { lakeJsonSchema } from '../config/lake-json-schema.ts';
import { FAILURES, type FailurePolicy } from '../lake/failures.ts';

// Makes the documents that are generated from code. `--check` writes nothing and exits 1 when one is stale.

const RETRIES: Readonly<Record<FailurePolicy['retry'], string>> = {
  forever: 'for ever, with back-off',
  few: 'a few times, then it waits for a person',
  never: 'not at all',
};

function failures(): string {
  const rows = Object.entries(FAILURES)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(
      ([name, { retry, tell, means, remedy }]) =>
        `| \`${name}\` | ${means} | ${RETRIES[retry]} | ${tell} | ${remedy} |`,
    );
  return [
    '# Failures',
    '',
    'Every way Tributary fails on purpose: the type of the failure that Temporal shows, and what to do. Generated from `lake/failures.ts` by `npm run docs`.',
    '',
    '| type | what it means | retried | who is told | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function settings(): string {
  const rows = Object.entries(VARIABLES).map(
    ([name, variable]) =>
      `| \`${name}\` | ${variable.means} | ${'unset' in variable ? variable.unset : 'nothing'} |`,
  );
  return [
    '# Settings',
    '',
    'What a process reads from its environment; what a lake is made of stands in `lake.yaml`. Generated from `config/env.ts` by `npm run docs`.',
    '',
    '| variable | what it means | unset stands for |',
    '|---|---|---|',
    ...rows,
    `| \`${DATABASE_VARIABLE.name}\` | ${DATABASE_VARIABLE.means} | nothing |`,
    '',
  ].join('\n');
}

/** As `npm run format` would leave it. */
function schema(): Promise<string> {
  return format(JSON.stringify(lakeJsonSchema()), { parser: 'json', printWidth: 110 });
}

const PAGES = {
  'docs/failures.md': failures(),
  'docs/settings.md': settings(),
  'docs/lake.schema.json': await schema(),
};
const root = new URL('../', import.meta.url);
const check = process.argv.includes('--check');
const stale: string[] = [];
for (const [page, text] of Object.entries(PAGES)) {
  const file = fileURLToPath(new URL(page, root));
  const stored = await readFile(file, 'utf8').catch(() => '');
  if (stored === text) continue;
  stale.push(page);
  if (check) continue;
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}
if (check && stale.length > 0) {
  console.error(`stale, run \`npm run docs\`: ${stale.join(', ')}`);
  process.exitCode = 1;
}
