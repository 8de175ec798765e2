import { styleText } from 'node:util';
import type { Status } from './status.ts';
import { cellText, tableLines } from './table.ts';

const MOST_SHOWN = 20;

/** The status for a person. */
export function statusLines(status: Status, onTerminal: boolean): string[] {
  const title = (text: string) => ['', onTerminal ? styleText('bold', text) : text];
  const table = (rows: readonly Readonly<Record<string, string | number>>[]) =>
    tableLines(
      Object.entries(rows[0] ?? {}).map(([name, value]) => ({
        name,
        type: typeof value === 'number' ? 'BIGINT' : 'VARCHAR',
      })),
      rows,
      onTerminal,
    );
  const datasets = Object.entries(status.datasets).map(([dataset, one]) => ({
    dataset,
    version: one.version,
    partitions: one.partitions,
    late: one.late,
    held: one.holds.length,
    pinned: one.pinned.length,
    provisional: one.provisional.length,
    published: one.publishedAt ?? 'never',
  }));
  const lanes = Object.entries(status.feeds).flatMap(([feed, found]) =>
    found.length === 0
      ? [{ feed, lane: '–', head: 0, channels: 0, committed: 'never' }]
      : found.map(({ lane, head, channels, committedAt }) => ({
          feed,
          lane: String(lane),
          head,
          channels,
          committed: committedAt,
        })),
  );
  const databases = Object.entries(status.databases).map(([source, one]) => ({
    source,
    tables: one.tables,
    ready: one.shown < one.tables ? `${one.ready} of ${one.shown} told of` : String(one.ready),
    generation: one.generation,
    waiting: one.waiting,
    rows: one.rows,
  }));
  const evidence = Object.entries(status.watermarks).flatMap(([dataset, found]) =>
    found.map(
      ({ feed, watermark, because }) => `${dataset}  ${feed}  ${watermark ?? 'no watermark yet'}  ${because}`,
    ),
  );
  return [
    `lake ${status.lake}, spec ${status.spec}`,
    ...title('datasets'),
    ...table(datasets),
    ...title('feeds'),
    ...table(lanes),
    ...(databases.length > 0 ? [...title('databases'), ...table(databases)] : []),
    ...(evidence.length > 0 ? [...title('watermarks'), ...evidence] : []),
    ...(status.runs ? [...title('open runs'), ...runLines(status.runs, table)] : []),
    ...waitingLines(status.waiting, title),
  ];
}

type Table = (rows: readonly Readonly<Record<string, string | number>>[]) => string[];

function runLines(runs: NonNullable<Status['runs']>, table: Table): string[] {
  if (runs.length === 0) return ['none'];
  return table(
    runs.map(({ workflow, state, failures, startedAt }) => ({
      workflow,
      state: state ?? '–',
      failures: failures.join(', '),
      started: startedAt,
    })),
  );
}

function waitingLines(waiting: Status['waiting'], title: (text: string) => string[]): string[] {
  if (waiting.length === 0) return ['', 'nothing waits for a person'];
  const lines = waiting
    .slice(0, MOST_SHOWN)
    .flatMap((one) => [
      `${one.workflow}  ${cellText(one.item)}  ${one.failure}: ${cellText(one.message)}`,
      `  ${one.allowed.join(', ') || 'no action yet'}: ${one.command}`,
    ]);
  const more = waiting.length - MOST_SHOWN;
  return [
    ...title(`${waiting.length} waiting for a person`),
    ...lines,
    ...(more > 0 ? [`… and ${more} more: --json lists them all`] : []),
  ];
}
