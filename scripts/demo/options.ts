import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { type PromiseName, promiseNamed, promiseNames } from './promises.ts';

export interface DemoOptions {
  /** End when everything was shown, with status 0 only if every promise held. */
  readonly exit: boolean;
  readonly broken: ReadonlySet<PromiseName>;
  readonly json?: string;
  readonly flights: number | 'all';
  readonly perDay: number;
  readonly data: string;
}

/** Read the demo's command line; commander ends the process on one it does not understand. */
export function readOptions(argv: readonly string[]): DemoOptions {
  const program = new Command('npm run demo --')
    .description('Fill a lake on this machine with real and generated data, and hold it to its promises')
    .option('--exit', 'end when everything was shown: status 0 only if every promise held', false)
    .option(
      '--break <promises>',
      `sabotage these, between commas: ${promiseNames().join(', ')}`,
      brokenOnes,
      new Set<PromiseName>(),
    )
    .option('--json <file>', 'write what was measured')
    .option('--flights <days>', 'days of flights, 2 to 182, or all', days, 14)
    .option('--per-day <payments>', 'payments a day', wholeNumber, 4000)
    .option('--data <dir>', 'where everything is kept', join(tmpdir(), `tributary-demo-${process.pid}`));
  program.parse([...argv], { from: 'user' });
  const {
    exit,
    break: broken,
    json,
    flights,
    perDay,
    data,
  } = program.opts<{
    exit: boolean;
    break: ReadonlySet<PromiseName>;
    json?: string;
    flights: number | 'all';
    perDay: number;
    data: string;
  }>();
  return {
    exit,
    broken,
    flights,
    perDay,
    data: resolve(data),
    ...(json !== undefined && { json: resolve(json) }),
  };
}

function brokenOnes(text: string): ReadonlySet<PromiseName> {
  return new Set(
    text.split(',').map((name) => {
      const found = promiseNamed(name.trim());
      if (!found) throw new InvalidArgumentError(`it must be one of ${promiseNames().join(', ')}`);
      return found;
    }),
  );
}

function days(text: string): number | 'all' {
  if (text === 'all') return 'all';
  const number = wholeNumber(text);
  if (number < 2 || number > 182) throw new InvalidArgumentError('it must be 2 to 182, or all');
  return number;
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it must be a whole number');
  return Number(text);
}
