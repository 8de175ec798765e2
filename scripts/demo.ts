import { rm, writeFile } from 'node:fs/promises';
import { styleText } from 'node:util';
import { readEnv, refuseFarEndpoint } from '../config/env.ts';
import { findWhatDiffers } from './demo/acts/findings.ts';
import { collectFlights } from './demo/acts/flights.ts';
import { holdAtTheGate, sendLate } from './demo/acts/gate.ts';
import type { Play } from './demo/acts/play.ts';
import { prove } from './demo/acts/proof.ts';
import { compareWithTruth } from './demo/acts/queries.ts';
import { rollBack } from './demo/acts/rollback.ts';
import { fireSchedule } from './demo/acts/schedule.ts';
import { settle } from './demo/acts/settlements.ts';
import { replicateShop } from './demo/acts/shop.ts';
import { streamPayments } from './demo/acts/stream.ts';
import { readOptions } from './demo/options.ts';
import { Promises } from './demo/promises.ts';
import { setStage } from './demo/stage.ts';

// The oldest Node that we serve is on purpose: the demo does not repeat the SDK's advice.
// oxlint-disable-next-line node/no-process-env
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
const options = readOptions(process.argv.slice(2));
const started = Date.now();
const say = (text: string): void =>
  console.error(
    `${styleText('dim', `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s`)}  ${text}`,
  );
refuseFarEndpoint(readEnv());

const promises = new Promises(say);
const ended = new Promise<void>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
});
const stage = await setStage(options, say);
try {
  await Promise.race([perform(), ended]);
  const kept = promises.all();
  console.log(
    `\n${kept.filter(({ held }) => held).length} of ${kept.length} promises held after ${Math.round((Date.now() - started) / 1000)} s`,
  );
  for (const one of kept.filter(({ held }) => !held)) console.log(`  ✘ ${one.name}: ${one.evidence}`);
  if (options.json !== undefined) {
    await writeFile(
      options.json,
      `${JSON.stringify({ seconds: (Date.now() - started) / 1000, promises: kept }, null, 2)}\n`,
    );
  }
  if (!promises.allHeld()) process.exitCode = 1;
  if (!options.exit) await stayUp();
} finally {
  await stage.close();
  if (options.exit && promises.allHeld()) await rm(options.data, { recursive: true, force: true });
}

async function perform(): Promise<void> {
  const play: Play = {
    stage,
    promises,
    say,
    isBroken: (name) => options.broken.has(name),
    // What is sabotaged never comes: there, waiting long shows nothing more.
    patienceMs: options.broken.size > 0 ? 25_000 : 90_000,
  };
  const worker = await stage.local.startWorker();
  say('A worker is ready');
  const applied = await stage.tributary(
    'apply',
    'lake.yaml',
    '--by',
    'the demo',
    '--reason',
    'the sample lake',
  );
  say(applied.stdout.split('\n')[0] ?? '');
  if (applied.code !== 0) throw new Error('lake.yaml could not be applied');
  const shop = act(() => replicateShop(play));
  await act(() => collectFlights(play));
  await act(() => streamPayments(play, worker));
  await act(() => settle(play));
  const held = await act(() => holdAtTheGate(play));
  await act(() => sendLate(play, held?.day ?? stage.payments.days[0] ?? ''));
  await act(() => findWhatDiffers(play, held));
  await act(() => fireSchedule(play));
  await act(() => rollBack(play, held));
  await act(() => compareWithTruth(play));
  await shop;
  await act(() => prove(play));
}

/** An act that fails leaves its promise untold, which counts as broken; the play goes on. */
async function act<T>(play: () => Promise<T>): Promise<T | undefined> {
  try {
    return await play();
  } catch (error) {
    say(styleText('red', error instanceof Error ? (error.stack ?? error.message) : String(error)));
    return undefined;
  }
}

async function stayUp(): Promise<void> {
  console.log(`
It stays up until you press Ctrl-C. Look around:
  Temporal's Web UI   ${stage.local.uiUrl}
  Logs                ${stage.local.logs}
  The shop's Postgres ${stage.shop.url}

Then, in another terminal:
${Object.entries(stage.local.exports)
  .map(([name, value]) => `  export ${name}='${value}'`)
  .join('\n')}
  npx tributary status
  npx tributary query "SELECT origin, count(*) flights, avg(delay) FROM flights GROUP BY origin ORDER BY flights DESC LIMIT 5"
  npx tributary query "SELECT status, count(*) bookings, sum(fare) fares FROM bookings GROUP BY status"
  npx tributary verify
  temporal workflow list
`);
  await ended;
}
