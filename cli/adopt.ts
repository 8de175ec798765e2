import type { Command } from 'commander';
import type { DmsReview } from '../activities/dms/review.ts';
import { openDmsReview } from '../workers/wiring.ts';
import { type Context, EXIT, untilInterrupted } from './context.ts';

/** `adopt`: which settings of a DMS task lose data, break order or hide errors, and what would be right. */
export function addAdopt(program: Command, context: () => Context): void {
  program
    .command('adopt')
    .description('look at the settings of a DMS task before the lake relies on it; changes nothing')
    .argument('<task>', 'its ARN or identifier')
    .option('--json', 'findings and changes, as JSON')
    .action(async (task: string, { json }: { json?: boolean }) => {
      const io = context();
      const review = await openDmsReview(io.env)(task, untilInterrupted());
      if (json) io.data(JSON.stringify(review));
      else for (const line of lines(review)) io.data(line);
      if (review.findings.length > 0) io.endWith(EXIT.waits);
    });
}

function lines({ task, taskArn, endpointArn, findings, changes }: DmsReview): readonly string[] {
  if (findings.length === 0) return [`${task}: nothing that loses data, breaks order or hides errors`];
  const told = findings.map(
    ({ harm, of, setting, found, right, because }) =>
      `${harm}: ${of} ${setting} is ${found}; right would be ${JSON.stringify(right)}: ${because}`,
  );
  const { s3, task: settings, mappings } = changes;
  return [
    ...told,
    '',
    'With the task stopped:',
    ...(s3 ? [`aws dms modify-endpoint --endpoint-arn ${endpointArn} --s3-settings ${quoted(s3)}`] : []),
    ...(settings || mappings
      ? [
          [
            `aws dms modify-replication-task --replication-task-arn ${taskArn}`,
            ...(settings ? [`--replication-task-settings ${quoted(settings)}`] : []),
            ...(mappings ? [`--table-mappings ${quoted(mappings)}`] : []),
          ].join(' '),
        ]
      : []),
  ];
}

/** For a POSIX shell. */
function quoted(value: object): string {
  return `'${JSON.stringify(value).replaceAll("'", `'\\''`)}'`;
}
