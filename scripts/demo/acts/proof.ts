import { join } from 'node:path';
import { verifyLake } from '../../../reading/verify/verify.ts';
import { NEVER } from '../asking.ts';
import type { Stage } from '../stage.ts';
import type { Play } from './play.ts';

/** Everything is derived again from the objects alone. */
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
  const accounts = Object.entries(report.datasets).map(([name, { classes }]) => {
    const became = (['out', 'deleted', 'lost', 'retracted', 'excluded'] as const).filter(
      (one) => one === 'out' || classes[one] > 0,
    );
    return `${name}: in ${classes.in} = ${became.map((one) => `${one} ${classes[one]}`).join(' + ')}, pending ${classes.pending}`;
  });
  promises.tell(
    'proof',
    report.findings.length === 0 && residue === 0,
    `${report.entries} entries, ${report.objects} objects, ${report.rows} rows, ${report.rejected} in quarantine; ${accounts.join('; ')}; residue ${residue}${report.findings[0] ? `; ${report.findings[0].where} ${report.findings[0].message}` : ''}`,
  );
}

async function loseARowsObject(stage: Stage): Promise<void> {
  for await (const { key } of stage.lake.store.list('rows/payment-events/', { signal: NEVER })) {
    await stage.deleteObject(key);
    return;
  }
}
