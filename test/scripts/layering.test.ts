import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '../../scripts/temporal/run.mjs';
import { tmpFolder } from '../support/tmp.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** [where the file stands, its one line] */
type Case = readonly [file: string, line: string];

const REFUSED: readonly Case[] = [
  ['lake/a.ts', "import { createHash } from 'node:crypto';"],
  ['lake/a.ts', "import { z } from 'zod';"],
  ['lake/a.ts', "import { x } from '../config/env.ts';"],
  ['lake/a.ts', "import type { X } from '../activities/objects/port.ts';"],
  ['lake/sql/a.ts', "import { x } from '../../config/env.ts';"],
  ['lake/sql/a.ts', "import { z } from 'zod';"],
  ['activities/files/activities.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
  ['activities/files/activities.ts', "import { x } from '../streams/kinesis.ts';"],
  ['activities/files/activities.ts', "import { x } from '../../reading/stamp.ts';"],
  ['activities/files/port.ts', "import type { X } from '@aws-sdk/client-s3';"],
  ['activities/files/local.ts', "import { x } from '../streams/kinesis.ts';"],
  ['activities/files/csv/a.ts', "import { x } from '../../streams/kinesis.ts';"],
  ['activities/files/csv/a.ts', "import { x } from '../../../config/env.ts';"],
  ['activities/files/local.ts', "import { x } from '../../config/env.ts';"],
  ['activities/files/local.ts', "import { x } from '../../workers/queues.ts';"],
  ['activities/duckdb.ts', "import { x } from '../workers/queues.ts';"],
  ['workflows/a.ts', "import { x } from '../activities/files/activities.ts';"],
  ['workflows/a.ts', "import { readFile } from 'node:fs/promises';"],
  ['workflows/a.ts', "import { z } from 'zod';"],
  ['workflows/support/a.ts', "import { x } from '../../config/env.ts';"],
  ['workers/a.ts', "import { x } from '../cli/status.ts';"],
  ['workers/a.ts', "import { x } from '../stack/server.ts';"],
  ['workers/a.ts', "import { x } from '../sample/payments.ts';"],
  ['config/a.ts', "import { x } from '../reading/stamp.ts';"],
  ['reading/verify/a.ts', "import { x } from '../../activities/streams/kinesis.ts';"],
  ['reading/verify/a.ts', "import { x } from '../../config/env.ts';"],
  ['reading/verify/a.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
  ['reading/a.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
  ['reading/a.ts', "import { x } from '../activities/streams/kinesis.ts';"],
  ['reading/a.ts', "import { x } from '../config/env.ts';"],
  ['reading/a.ts', "import { x } from '../workers/wiring.ts';"],
  ['cli/a.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
  ['cli/a.ts', "import { x } from '../activities/objects/s3.ts';"],
  ['cli/a.ts', "import { transferFiles } from '../workflows/transfer-files.ts';"],
  ['cli/a.ts', "import { x } from '../workers/bundle.ts';"],
  ['cli/a.ts', "import { x } from '../stack/server.ts';"],
  ['cli/a.ts', "import { x } from '../scripts/demo.ts';"],
  ['stack/a.ts', "import { x } from '../lake/keys.ts';"],
  ['stack/s3/a.ts', "import { x } from '../../lake/keys.ts';"],
  ['sample/a.ts', "import { x } from '../lake/keys.ts';"],
  ['sample/a.ts', "import { x } from '../stack/server.ts';"],
  ['scripts/a.ts', "import { x } from '../test/support/gate.ts';"],
  ['bench/a.ts', "import { x } from '../test/support/gate.ts';"],
  ['scripts/setup.mjs', "import { z } from 'zod';"],
  ['scripts/temporal/a.mjs', "import { z } from 'zod';"],
];

const ALLOWED: readonly Case[] = [
  ['lake/a.ts', "import { x } from './keys.ts';"],
  ['lake/a.ts', "import { x } from './sql/text.ts';"],
  ['lake/sql/a.ts', "import { x } from '../keys.ts';"],
  ['activities/files/activities.ts', "import { x } from '../objects/commit.ts';"],
  ['activities/files/activities.ts', "import { x } from '../duckdb.ts';"],
  ['activities/files/activities.ts', "import { x } from '../refine/hash.ts';"],
  ['activities/files/rows.ts', "import { x } from '../refine/hash.ts';"],
  ['activities/files/csv/a.ts', "import { x } from '../../failure.ts';"],
  ['activities/files/csv/a.ts', "import { x } from '../../../lake/keys.ts';"],
  ['activities/files/csv/a.ts', "import { x } from '../framer.ts';"],
  ['activities/files/activities.ts', "import { x } from '../failure.ts';"],
  ['activities/files/activities.ts', "import type { X } from '../runs/port.ts';"],
  ['activities/files/activities.ts', "import { x } from '../../lake/keys.ts';"],
  ['activities/files/activities.ts', "import { x } from '../../lake/sql/text.ts';"],
  ['activities/files/activities.ts', "import { heartbeat } from '@temporalio/activity';"],
  ['activities/files/activities.ts', "import { createHash } from 'node:crypto';"],
  ['activities/files/activities.ts', "import { readFile } from 'node:fs/promises';"],
  ['activities/files/activities.ts', "import { x } from './framing.ts';"],
  ['activities/streams/kinesis.ts', "import { KinesisClient } from '@aws-sdk/client-kinesis';"],
  ['activities/streams/kinesis.ts', "import { awsCall } from '../aws.ts';"],
  ['activities/duckdb.ts', "import { DuckDBInstance } from '@duckdb/node-api';"],
  ['activities/duckdb.ts', "import { x } from '../lake/sql/text.ts';"],
  ['activities/objects/s3.ts', "import { S3Client } from '@aws-sdk/client-s3';"],
  ['workflows/a.ts', "import type { X } from '../activities/files/activities.ts';"],
  ['workflows/a.ts', "import { x } from '../lake/keys.ts';"],
  ['workflows/support/a.ts', "import { x } from '../../lake/keys.ts';"],
  ['workflows/a.ts', "import { condition } from '@temporalio/workflow';"],
  ['workers/a.ts', "import { x } from '../reading/stamp.ts';"],
  ['config/a.ts', "import { x } from '../lake/spec.ts';"],
  ['config/a.ts', "import { z } from 'zod';"],
  ['reading/a.ts', "import { x } from '../activities/objects/chain.ts';"],
  ['reading/verify/a.ts', "import { x } from '../../activities/objects/chain.ts';"],
  ['reading/verify/a.ts', "import { x } from '../../activities/duckdb.ts';"],
  ['reading/verify/a.ts', "import { x } from '../../lake/keys.ts';"],
  ['reading/verify/a.ts', "import { x } from '../../lake/sql/text.ts';"],
  ['reading/verify/a.ts', "import { x } from '../stamp.ts';"],
  ['reading/verify/a.ts', "import { x } from './rows.ts';"],
  ['reading/verify/a.ts', "import { join } from 'node:path';"],
  ['reading/a.ts', "import { x } from '../activities/duckdb.ts';"],
  ['reading/a.ts', "import { x } from '../lake/sql/text.ts';"],
  ['reading/a.ts', "import { join } from 'node:path';"],
  ['reading/a.ts', "import { mkdtemp } from 'node:fs/promises';"],
  ['scripts/temporal/a.mjs', "import { rm } from 'node:fs/promises';"],
  ['cli/a.ts', "import { x } from '../reading/stamp.ts';"],
  ['cli/a.ts', "import { x } from '../workers/wiring.ts';"],
  ['cli/a.ts', "import { x } from '../workers/main.ts';"],
  ['cli/a.ts', "import { x } from '../scripts/local/start.ts';"],
  ['cli/a.ts', "import { decideUpdate } from '../workflows/transfer-files.ts';"],
  ['cli/a.ts', "import type { X } from '../workflows/transfer-files.ts';"],
  ['cli/a.ts', "import { Client } from '@temporalio/client';"],
  ['cli/a.ts', "import { startTemporal } from '../scripts/temporal/server.mjs';"],
  ['stack/s3/a.ts', "import { x } from '../service.ts';"],
  ['stack/a.ts', "import { x } from './service.ts';"],
  ['scripts/a.ts', "import { x } from '../sample/payments.ts';"],
  ['test/a.test.ts', "import { x } from '../test/support/gate.ts';"],
];

/** The lines of `cases` that the linter's import rule refuses, in a tree that holds nothing else. */
async function refused(cases: readonly Case[]): Promise<readonly Case[]> {
  const folder = await tmpFolder();
  const config = await readFile(path.join(root, '.oxlintrc.json'), 'utf8');
  // Types play no part in who imports whom, and a tree of single lines has none.
  await writeFile(
    path.join(folder, '.oxlintrc.json'),
    config.replace('"typeAware": true', '"typeAware": false'),
  );
  const lines = new Map<string, Case[]>();
  for (const each of cases) lines.set(each[0], [...(lines.get(each[0]) ?? []), each]);
  for (const [file, each] of lines) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(
      path.join(folder, file),
      each.map(([, line], at) => `${withNameOfItsOwn(line, at)}\n`).join(''),
    );
  }
  const oxlint = path.join(root, 'node_modules', '.bin', 'oxlint');
  const ran = await run(oxlint, ['--format', 'json', '.'], { cwd: folder });
  const found: { diagnostics: { code: string; filename: string; labels: { span: { line: number } }[] }[] } =
    JSON.parse(ran.stdout);
  return found.diagnostics
    .filter(({ code }) => code.includes('no-restricted-imports'))
    .flatMap(({ filename, labels }) => {
      const at = lines.get(filename.replaceAll('\\', '/'))?.[(labels[0]?.span.line ?? 0) - 1];
      return at ? [at] : [];
    });
}

function withNameOfItsOwn(line: string, at: number): string {
  return line.replace(/\{ (\w+) \}/, `{ $1 as name${at} }`);
}

/** Each once: a line may cross two borders. */
const sorted = (cases: readonly Case[]) =>
  [...new Set(cases.map(([file, line]) => `${file}: ${line}`))].toSorted();

test('the linter refuses every import across a border', async () => {
  expect(sorted(await refused(REFUSED))).toEqual(sorted(REFUSED));
});

test('the linter lets through what a folder may import', async () => {
  expect(sorted(await refused(ALLOWED))).toEqual([]);
});
