import type { Command } from 'commander';
import { verifyLake } from '../reading/verify/verify.ts';
import type { VerifyReport } from '../reading/verify/report.ts';
import { openLake } from '../workers/wiring.ts';
import { type Context, EXIT, bucketOf, untilInterrupted, withScratch } from './context.ts';

/** `verify`: derive the proof again from the objects; status 1 when anything is not as the lake's records say. */
export function addVerify(program: Command, context: () => Context): void {
  program
    .command('verify')
    .description('derive the proof again from the objects alone')
    .argument('[dataset]', 'only this one, and the feeds it is made from')
    .option('--json', 'the report, as JSON')
    .action(async (dataset: string | undefined, { json }: { json?: boolean }) => {
      const io = context();
      const { store } = openLake({ env: io.env, bucket: bucketOf(io) });
      const report = await withScratch(io, async ({ scratch }) =>
        verifyLake({
          store,
          scratch,
          memoryMb: io.env.memoryMb,
          signal: untilInterrupted(),
          say: io.progress,
          ...(dataset !== undefined && { dataset }),
        }),
      );
      if (json) io.data(JSON.stringify(report));
      else for (const line of lines(report)) io.data(line);
      if (report.findings.length > 0) io.endWith(EXIT.failed);
    });
}

function lines(report: VerifyReport): readonly string[] {
  return [
    `${report.lanes} lanes, ${report.entries} entries, ${report.objects} objects: ${report.rows} rows, ${report.rejected} records in quarantine`,
    ...Object.entries(report.datasets).map(([name, { version, partitions, classes, residue }]) => {
      const parts = Object.entries(classes).map(([one, rows]) => `${one} ${rows}`);
      return `${name} version ${version}, ${partitions} partitions: ${parts.join(', ')}; residue ${residue}`;
    }),
    ...report.findings.map(({ kind, where, message }) => `${kind}: ${where} ${message}`),
    report.findings.length === 0 ? 'nothing lost, nothing twice' : `${report.findings.length} findings`,
  ];
}
