import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeSettlements } from '../../../sample/payments-files.ts';
import type { Stage } from '../stage.ts';
import { BY, type Play, transfer, update } from './play.ts';

/** The books are collected but for one broken file, which waits until a decision skips it. */
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
    await update(stage, 'transfer/settlements', 'decide', decision);
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
