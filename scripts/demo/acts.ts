import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { flightsParquet } from '../../sample/flights.ts';
import { writeSettlements } from '../../sample/payments-files.ts';
import { verifyLake } from '../../reading/verify/verify.ts';
import { parkedQuery } from '../../workflows/support/parking.ts';
import type { Child } from '../local/child.ts';
import { ask, askAll, askOriginal, findingsOf, gatesOf, versionOf } from './asking.ts';
import type { PromiseName, Promises } from './promises.ts';
import type { Stage } from './stage.ts';
import { waitFor } from './waiting.ts';

export interface Play {
  readonly stage: Stage;
  readonly promises: Promises;
  readonly say: (text: string) => void;
  readonly isBroken: (name: PromiseName) => boolean;
  /** How long anything may take before it counts as not happening. */
  readonly patienceMs: number;
}

const NEVER = new AbortController().signal;
const BY = 'the demo';

/** A bare start from the command line, as an operator types it; resolves the outcome. */
async function transfer(
  { stage }: Play,
  source: string,
): Promise<{ readonly rows: number; readonly waiting: number; readonly rejected: number }> {
  const started = JSON.parse(
    await stage.temporal(
      'workflow',
      'start',
      '--type',
      'transferFiles',
      '--task-queue',
      'control',
      '--input',
      JSON.stringify({ source }),
      '-o',
      'json',
    ),
  ) as { workflowId: string };
  return stage.client.workflow.getHandle(started.workflowId).result() as Promise<{
    rows: number;
    waiting: number;
    rejected: number;
  }>;
}

export async function collectFlights(play: Play): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  if (isBroken('collected')) await rm(stage.flights.files[0] ?? '');
  say(
    `Flights: \`temporal workflow start --type transferFiles --task-queue control --input '{"source":"flights"}'\``,
  );
  const flown = await transfer(play, 'flights');
  const airports = await transfer(play, 'airports');
  say(`${flown.rows} rows of flights and ${airports.rows} airports collected`);
  const before = stage.flights.days - 1;
  const days = await waitFor(async () => {
    const { n } = await ask(stage, 'SELECT count(DISTINCT date::date)::INTEGER AS n FROM flights', 'settled');
    return Number(n) >= before ? Number(n) : undefined;
  }, play.patienceMs);
  const lastDay = stage.flights.last;
  const lake = await ask(
    stage,
    `SELECT count(*)::INTEGER AS rows, sum(delay)::VARCHAR AS delay FROM flights WHERE date < TIMESTAMPTZ '${lastDay} 00:00:00Z'`,
    'settled',
  );
  const original = await askOriginal(
    stage,
    `SELECT count(*)::INTEGER AS rows, sum(delay)::VARCHAR AS delay FROM (SELECT DISTINCT * FROM read_parquet('${flightsParquet()}') WHERE date < TIMESTAMP '${lastDay} 00:00:00')`,
  );
  const held = days !== undefined && lake['rows'] === original['rows'] && lake['delay'] === original['delay'];
  promises.tell(
    'collected',
    held,
    `${String(lake['rows'])} rows of ${days ?? 'too few'} days in the view, ${flown.rows - Number(lake['rows'])} exact copies; the original without its copies has ${String(original['rows'])}`,
  );
}

/** Payments flow while a shard splits and the worker is killed; resolves the worker that took over. */
export async function streamPayments(play: Play, worker: Child): Promise<Child> {
  const { stage, promises, say, isBroken } = play;
  const regular = stage.payments.events.filter(({ late }) => !late);
  const [first, second, third] = [
    regular.slice(0, regular.length / 3),
    regular.slice(regular.length / 3, (regular.length / 3) * 2),
    regular.slice((regular.length / 3) * 2),
  ];
  await stage.send(first);
  let split = { parent: 'none', shards: 4 };
  if (!isBroken('split')) split = await stage.splitShard();
  say(`Shard ${split.parent} was split while records flow: ${split.shards} shards`);
  let taker = worker;
  await stage.send(second);
  if (!isBroken('survives')) {
    await worker.kill();
    say(`Worker ${worker.pid} was killed with SIGKILL`);
    taker = await stage.local.startWorker();
  }
  await stage.send(third);
  const expected = stage.payments.truth.days.reduce((total, { live }) => total + live.payments, 0);
  const seen = await waitFor(async () => {
    const { n } = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM payments');
    return Number(n) >= expected ? Number(n) : undefined;
  }, play.patienceMs);
  const { n } = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM payments');
  promises.tell(
    'split',
    split.shards > 4 && Number(n) === expected,
    `${split.shards} shards, ${String(n)} payments live, ${expected} were sent`,
  );
  promises.tell(
    'survives',
    taker !== worker && seen === expected,
    taker === worker
      ? 'no worker was killed'
      : `worker ${taker.pid} took over from ${worker.pid}; ${String(seen)} payments live`,
  );
  return taker;
}

export async function settle(play: Play): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  const dir = join(stage.sampleDir, 'settlements');
  await writeSettlements({ dir, sample: isBroken('findings') ? wrongBooks(stage) : stage.payments });
  const broken = isBroken('parked') ? undefined : join(dir, 'settled-broken.csv.gz');
  if (broken !== undefined) await writeFile(broken, Buffer.from('1f8b0800000000000003abae0500', 'hex'));
  await new Promise((quiet) => setTimeout(quiet, 1200));
  const done = await transfer(play, 'settlements');
  say(`${done.rows} rows of settlements collected; ${done.waiting} file waits for a person`);
  const list = JSON.parse(
    await stage
      .temporal(
        'workflow',
        'query',
        '--workflow-id',
        'transfer/settlements',
        '--type',
        'parked',
        '-o',
        'json',
      )
      .catch(() => '{}'),
  ) as { queryResult?: { parked: { item: string; failure: string }[] }[] };
  const waiting = list.queryResult?.[0]?.parked ?? [];
  let ended = false;
  if (waiting[0]) {
    const decision = JSON.stringify({
      items: [waiting[0].item],
      action: 'skip',
      reason: 'it is cut short; the processor sends it again',
      by: BY,
    });
    say(
      `\`temporal workflow update execute --workflow-id transfer/settlements --name decide --input '${decision}'\``,
    );
    await stage.temporal(
      'workflow',
      'update',
      'execute',
      '--workflow-id',
      'transfer/settlements',
      '--name',
      'decide',
      '--input',
      decision,
    );
    const result = (await stage.client.workflow.getHandle('transfer/settlements').result()) as {
      waiting: number;
    };
    ended = result.waiting === 0;
  }
  promises.tell(
    'parked',
    done.waiting === 1 && waiting[0]?.failure === 'BadFile' && ended,
    waiting[0] ? `${waiting[0].item} waited (${waiting[0].failure}) and was skipped` : 'nothing waited',
  );
}

/** The same books with one more amount changed, unknown to the truth. */
function wrongBooks(stage: Stage): Stage['payments'] {
  const settlements = stage.payments.settlements.map((one, index) =>
    index === 2
      ? {
          ...one,
          csv: one.csv.replace(
            /(\d)\.(\d)(\d),EUR/,
            (_, a: string, b: string, c: string) => `${a}.${b}${(Number(c) + 1) % 10},EUR`,
          ),
        }
      : one,
  );
  return { ...stage.payments, settlements };
}

/** One day's books differ too much: its batch rows wait at the gate, the other days are published. */
export async function holdAtTheGate(
  play: Play,
): Promise<{ readonly day: string; readonly plan: string } | undefined> {
  const { stage, promises, say, isBroken } = play;
  const [heldDay = '', ...others] = stage.payments.days;
  const gates = await waitFor(async () => {
    const seen = await gatesOf(stage, 'payments');
    const published = await versionOf(stage, 'payments');
    return seen.get(heldDay)?.verdict === 'hold' && others.every((day) => seen.has(day)) && published > 0
      ? seen
      : undefined;
  }, play.patienceMs);
  const gate = gates?.get(heldDay);
  if (!gate) {
    promises.tell('held', false, `no hold of ${heldDay} within ${play.patienceMs / 1000} s`);
    return undefined;
  }
  say(
    `${heldDay} is held: ${gate.checks
      .filter(({ verdict }) => verdict !== 'ok')
      .map(({ finding }) => finding)
      .join('; ')}`,
  );
  if (isBroken('held')) await decide(play, gate.planId, heldDay, 'approve', 'too early, on purpose');
  const truth = stage.payments.truth.days.find(({ day }) => day === heldDay);
  if (isBroken('held'))
    await waitFor(async () => ((await versionOf(stage, 'payments')) > 1 ? true : undefined), play.patienceMs);
  const live = await ask(stage, onDay(heldDay));
  const batch = await ask(
    stage,
    `SELECT count(*)::INTEGER AS n FROM "payments$rows" WHERE _source = 'settlements' AND paid_at::date = DATE '${heldDay}'`,
  );
  const settled = await ask(stage, onDay(heldDay), 'settled');
  const other = await ask(stage, onDay(others[0] ?? ''), 'settled');
  const truthOfOther = stage.payments.truth.days.find(({ day }) => day === others[0]);
  const held =
    Number(batch['n']) === 0 &&
    Number(settled['n']) === 0 &&
    Number(live['n']) === truth?.live.payments &&
    Number(other['n']) === truthOfOther?.settled.payments;
  promises.tell(
    'held',
    held,
    `${heldDay}: ${String(live['n'])} payments live from the stream, ${String(batch['n'])} rows of the books visible, ${String(settled['n'])} settled; ${others[0]} settled with ${String(other['n'])}`,
  );
  return isBroken('held') ? undefined : { day: heldDay, plan: gate.planId };
}

export async function sendLate(play: Play, heldDay: string): Promise<void> {
  const { stage, promises, isBroken } = play;
  const truth = stage.payments.truth.days.find(({ day }) => day === heldDay);
  const sentAt = Date.now();
  if (!isBroken('late')) await stage.send(stage.payments.events.filter(({ late }) => late));
  const seen = await waitFor(
    async () => {
      const { n } = await ask(stage, onDay(heldDay));
      return Number(n) === truth?.liveWithLate.payments ? Number(n) : undefined;
    },
    isBroken('late') ? 5000 : play.patienceMs,
  );
  promises.tell(
    'late',
    seen !== undefined,
    seen === undefined
      ? `the late payments of ${heldDay} were not seen`
      : `${seen - (truth?.live.payments ?? 0)} late payments of ${heldDay} live ${((Date.now() - sentAt) / 1000).toFixed(1)} s after they were sent`,
  );
}

export async function findWhatDiffers(
  play: Play,
  held: { readonly day: string; readonly plan: string } | undefined,
): Promise<void> {
  const { stage, promises, say } = play;
  const before = (await gatesOf(stage, 'payments')) ?? new Map();
  const request = { reason: 'the late events are in', by: BY };
  if (held) await decide(play, held.plan, held.day, 'recompute', request.reason);
  const others = stage.payments.days.filter((day) => day !== held?.day);
  await stage.temporal(
    'workflow',
    'update',
    'execute',
    '--workflow-id',
    'reconcile/payments',
    '--name',
    'recompute',
    '--input',
    JSON.stringify({ ...request, partitions: others }),
  );
  const again = await waitFor(async () => {
    const now = await gatesOf(stage, 'payments');
    return stage.payments.days.every((day) => now.get(day)?.planId !== before.get(day)?.planId)
      ? now
      : undefined;
  }, play.patienceMs);
  const found = await findingsOf(stage, 'payments');
  const { onlyInStream, onlyInBatch, amountDiffers } = stage.payments.truth;
  const planted: Record<string, readonly string[]> = {
    missingInBatch: onlyInStream,
    missingInStream: onlyInBatch,
    differs: amountDiffers,
    moved: [],
    late: [],
    pending: [],
  };
  const wrong = Object.entries(planted).filter(
    ([finding, ids]) => !sameKeys(found.get(finding) ?? new Set(), ids),
  );
  const counts = Object.entries(planted).map(
    ([finding, ids]) => `${finding} ${found.get(finding)?.size ?? 0} of ${ids.length}`,
  );
  promises.tell('findings', again !== undefined && wrong.length === 0, counts.join(', '));
  if (held) {
    const gate = again?.get(held.day);
    say(`${held.day} is approved`);
    if (gate?.verdict === 'hold')
      await decide(play, gate.planId, held.day, 'approve', 'the processor confirmed its amounts');
  }
}

export async function fireSchedule(play: Play): Promise<void> {
  const { stage, promises, isBroken } = play;
  if (isBroken('scheduled'))
    await stage.temporal(
      'schedule',
      'toggle',
      '--schedule-id',
      'schedule/flights',
      '--pause',
      '--reason',
      'sabotage',
    );
  const file = await stage.heldBackFlights.arrive();
  const found = await waitFor(
    async () => {
      const { n } = await ask(
        stage,
        `SELECT count(*)::INTEGER AS n FROM flights WHERE date >= TIMESTAMPTZ '${stage.flights.last} 00:00:00Z'`,
      );
      return Number(n) > 0 ? Number(n) : undefined;
    },
    isBroken('scheduled') ? 20_000 : play.patienceMs,
  );
  promises.tell(
    'scheduled',
    found !== undefined,
    found === undefined
      ? `${file} was not found`
      : `${found} rows of ${stage.flights.last} came without anybody asking`,
  );
}

export async function rollBack(play: Play, held: { readonly day: string } | undefined): Promise<void> {
  const { stage, promises, say, isBroken } = play;
  const day = held?.day ?? stage.payments.days[0] ?? '';
  const truth = stage.payments.truth.days.find((one) => one.day === day);
  const approved = await waitFor(async () => {
    const { n } = await ask(stage, onDay(day), 'settled');
    return Number(n) === truth?.settled.payments ? versionOf(stage, 'payments') : undefined;
  }, play.patienceMs);
  const good = await settledRows(stage);
  const rolled = await stage.tributary(
    'rollback',
    'payments',
    '--to',
    '1',
    '--partitions',
    day,
    '--reason',
    'the books of this day are in doubt',
    '--by',
    BY,
    ...(isBroken('rollback') ? ['--no-pin'] : []),
  );
  say(rolled.stdout.trim());
  const fresh = {
    payment_id: 'pay_fresh',
    paid_at: `${day}T12:00:00.000Z`,
    amount: '12.34',
    currency: 'EUR',
    status: 'captured',
    revision: 1,
  };
  await stage.send([{ partitionKey: fresh.payment_id, data: JSON.stringify(fresh) }]);
  const live = await waitFor(async () => {
    const { n } = await ask(
      stage,
      `SELECT count(*)::INTEGER AS n FROM payments WHERE payment_id = 'pay_fresh'`,
    );
    return Number(n) === 1 ? true : undefined;
  }, play.patienceMs);
  // Nothing undoes it: the reconciliation looks again, and again, and the day stays as the person left it.
  for (let look = 0; look < 3; look += 1) {
    await stage.temporal('workflow', 'signal', '--workflow-id', 'reconcile/payments', '--name', 'nudge');
    await new Promise((pause) => setTimeout(pause, 1500));
  }
  const after = await ask(stage, onDay(day), 'settled');
  promises.tell(
    'rollback',
    approved !== undefined && live === true && Number(after['n']) === 0,
    `${day} settled with ${truth?.settled.payments ?? 0} in version ${approved ?? 'none'}, with ${String(after['n'])} after the rollback; a payment that came since is ${live ? 'live' : 'not live'}`,
  );
  if (approved !== undefined && !isBroken('rollback')) {
    const why = ['--reason', 'the doubt was unfounded', '--by', BY];
    await stage.tributary('rollback', 'payments', '--to', String(approved), '--partitions', day, ...why);
    await stage.tributary('release', 'payments', '--partitions', day, ...why);
    const isAsBefore = (await settledRows(stage)) === good;
    const words = isAsBefore ? 'the same rows are settled as before' : 'other rows are settled than before';
    promises.tell('rollback', isAsBefore, `forward again, ${words}`);
  }
}

async function settledRows(stage: Stage): Promise<string> {
  const { rows } = await ask(
    stage,
    `SELECT count(*)::VARCHAR || ' ' || sum(_hash)::HUGEINT::VARCHAR AS rows FROM "payments$rows"`,
    'settled',
  );
  return String(rows);
}

export async function compareWithTruth(play: Play): Promise<void> {
  const { stage, promises, isBroken } = play;
  if (isBroken('queries')) {
    const day = stage.payments.days[2] ?? '';
    const unplanted = {
      payment_id: 'pay_unplanted',
      paid_at: `${day}T10:00:00.000Z`,
      amount: '1.00',
      currency: 'EUR',
      status: 'captured',
      revision: 1,
    };
    await stage.send([{ partitionKey: unplanted.payment_id, data: JSON.stringify(unplanted) }]);
    await waitFor(async () => {
      const { n } = await ask(
        stage,
        `SELECT count(*)::INTEGER AS n FROM payments WHERE payment_id = 'pay_unplanted'`,
      );
      return Number(n) === 1 ? true : undefined;
    }, play.patienceMs);
  }
  const rows = await askAll(
    stage,
    `SELECT payment_id, amount::VARCHAR AS amount, currency, status, revision::INTEGER AS revision FROM payments WHERE payment_id <> 'pay_fresh' ORDER BY payment_id`,
  );
  const told = new Map(
    rows.map((row) => [
      String(row['payment_id']),
      `${String(row['amount'])} ${String(row['currency'])} ${String(row['status'])} ${String(row['revision'])}`,
    ]),
  );
  const wrong = stage.payments.truth.rows.filter(
    (row) => told.get(row.payment_id) !== `${row.amount} ${row.currency} ${row.status} ${row.revision}`,
  );
  const extra = told.size - stage.payments.truth.rows.length + 0;
  const lake = await ask(
    stage,
    'SELECT count(*)::INTEGER AS rows, sum(distance)::VARCHAR AS distance, min(delay)::INTEGER AS least FROM flights',
  );
  const until = stage.flights.last;
  const original = await askOriginal(
    stage,
    `SELECT count(*)::INTEGER AS rows, sum(distance)::VARCHAR AS distance, min(delay)::INTEGER AS least FROM (SELECT DISTINCT * FROM read_parquet('${flightsParquet()}') WHERE date < TIMESTAMP '${until} 00:00:00' + INTERVAL 1 DAY)`,
  );
  const sameFlights =
    lake['rows'] === original['rows'] &&
    lake['distance'] === original['distance'] &&
    lake['least'] === original['least'];
  const airports = await ask(stage, 'SELECT count(*)::INTEGER AS n FROM airports');
  promises.tell(
    'queries',
    wrong.length === 0 && extra === 0 && sameFlights && Number(airports['n']) === 3376,
    `${told.size} payments, ${wrong.length} unlike the truth${wrong[0] ? ` (${wrong[0].payment_id})` : ''}, ${extra} unknown to it; ${String(lake['rows'])} flights, the original has ${String(original['rows'])}; ${String(airports['n'])} airports; stamp ${lake.stamp.slice(0, 12)}`,
  );
}

export async function prove(play: Play): Promise<void> {
  const { stage, promises, isBroken } = play;
  if (isBroken('proof')) await loseARowsObject(stage);
  const report = await verifyLake({
    store: stage.lake.store,
    scratch: join(stage.local.logs, '..', 'reading'),
    memoryMb: stage.env.memoryMb,
    signal: NEVER,
  });
  const residue = Object.values(report.datasets).reduce((total, one) => total + Math.abs(one.residue), 0);
  const identical = Object.entries(report.datasets).map(
    ([name, { classes }]) =>
      `${name}: in ${classes.in} = out ${classes.out} + lost ${classes.lost}, pending ${classes.pending}`,
  );
  promises.tell(
    'proof',
    report.findings.length === 0 && residue === 0,
    `${report.entries} entries, ${report.objects} objects, ${report.rows} rows, ${report.rejected} in quarantine; ${identical.join('; ')}; residue ${residue}${report.findings[0] ? `; ${report.findings[0].where} ${report.findings[0].message}` : ''}`,
  );
}

async function loseARowsObject(stage: Stage): Promise<void> {
  for await (const { key } of stage.lake.store.list('rows/payment-events/', { signal: NEVER })) {
    await stage.deleteObject(key);
    return;
  }
}

/** Decide a held partition once its run shows it, as a person would who read it there. */
async function decide(
  play: Play,
  plan: string,
  partition: string,
  action: string,
  reason: string,
): Promise<void> {
  const { stage } = play;
  const run = `build/payments/${plan}`;
  await waitFor(async () => {
    const { parked } = await stage.client.workflow.getHandle(run).query(parkedQuery);
    return parked.some(({ item }) => item === partition) ? true : undefined;
  }, play.patienceMs);
  const decision = JSON.stringify({ items: [partition], action, reason, by: BY });
  await stage.temporal(
    'workflow',
    'update',
    'execute',
    '--workflow-id',
    run,
    '--name',
    'decide',
    '--input',
    decision,
  );
}

function onDay(day: string): string {
  return `SELECT count(*)::INTEGER AS n, coalesce(sum(amount), 0)::VARCHAR AS amount FROM payments WHERE paid_at::date = DATE '${day}'`;
}

function sameKeys(found: ReadonlySet<string>, planted: readonly string[]): boolean {
  return (
    found.size === planted.length && planted.every((id) => found.has(id) || found.has(JSON.stringify([id])))
  );
}
