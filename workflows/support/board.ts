import { defineSearchAttributeKey } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import { canonical } from '../../lake/canonical.ts';
import type { Parked } from '../../lake/decisions.ts';
import { FAILURES, type FailureName } from '../../lake/failures.ts';

export const LAKE_STATE = defineSearchAttributeKey('LakeState', 'KEYWORD');
export const LAKE_SOURCE = defineSearchAttributeKey('LakeSource', 'KEYWORD_LIST');
export const LAKE_DATASET = defineSearchAttributeKey('LakeDataset', 'KEYWORD_LIST');
export const LAKE_FAILURE = defineSearchAttributeKey('LakeFailure', 'KEYWORD_LIST');

export type LakeState = 'Running' | 'NeedsOperator' | 'Held' | 'Paused';

export interface Elsewhere extends Parked {
  /** Workflow id of the run that takes the decision. */
  readonly run: string;
}

export interface Board {
  /** Show where the run stands. Costs an action only when the state or the failures change. */
  show(now: {
    readonly state: LakeState;
    readonly parked: readonly Parked[];
    /** What waits in other runs: shown with the commands that decide it there. */
    readonly elsewhere?: readonly Elsewhere[];
    readonly notes: readonly string[];
  }): void;
  /** The run is about to end: it is in no state any more. */
  end(): void;
}

/** What this run shows of itself: search attributes for lists, details for whoever opens it. */
export function board(subject: { readonly source?: string; readonly dataset?: string }): Board {
  let shown = '';
  let said: readonly string[] = [];
  return {
    end() {
      setCurrentDetails(['**Ended**', '', ...said.map((note) => `- ${note}`)].join('\n'));
      upsertSearchAttributes([
        { key: LAKE_STATE, value: null },
        { key: LAKE_FAILURE, value: null },
      ]);
    },
    show({ state, parked, elsewhere = [], notes }) {
      said = notes;
      setCurrentDetails(details(state, [...parked, ...elsewhere], notes));
      const failures = [...new Set(parked.map((one) => one.failure))].sort();
      const attributes = canonical([state, failures]);
      if (attributes === shown) return;
      shown = attributes;
      upsertSearchAttributes([
        { key: LAKE_STATE, value: state },
        { key: LAKE_FAILURE, value: failures.length > 0 ? failures : null },
        ...(subject.source === undefined ? [] : [{ key: LAKE_SOURCE, value: [subject.source] }]),
        ...(subject.dataset === undefined ? [] : [{ key: LAKE_DATASET, value: [subject.dataset] }]),
      ]);
    },
  };
}

const SHOWN = 20;

function details(
  state: LakeState,
  waiting: readonly (Parked | Elsewhere)[],
  notes: readonly string[],
): string {
  const lines = [`**${state}**`, '', ...notes.map((note) => `- ${note}`)];
  if (waiting.length > 0) lines.push('', `## ${waiting.length} waiting for a decision`, '');
  const { workflowId: here } = workflowInfo();
  for (const one of waiting.slice(0, SHOWN)) {
    const run = 'run' in one ? one.run : here;
    lines.push(
      `### ${inOneLine(one.item)}`,
      '',
      ...(run === here ? [] : [`In \`${run}\``, '']),
      `**${one.failure}**: ${one.message}`,
      '',
      remedy(one.failure),
      '',
    );
    for (const action of one.allowed) {
      lines.push(`To **${action}**:`, '```', decideCommand(run, one.item, action), '```');
    }
  }
  const left = waiting.length - SHOWN;
  if (left > 0) {
    // What waits elsewhere is not among this run's parked.
    const query = waiting.some((one) => 'run' in one) ? 'progress' : 'parked';
    lines.push('', `… and ${left} more: query \`${query}\` lists them.`);
  }
  return lines.join('\n');
}

// In short lines: the Web UI shows them in a narrow panel that does not wrap.
function decideCommand(run: string, item: string, action: string): string {
  const request = JSON.stringify({ items: [item], action, reason: '…', by: '…' }, null, 1);
  return [
    'temporal workflow update execute \\',
    `  --workflow-id '${run}' \\`,
    '  --name decide \\',
    `  --input '${request.replaceAll("'", String.raw`'\''`)}'`,
  ].join('\n');
}

function inOneLine(item: string): string {
  return /\p{Cc}/u.test(item) ? canonical(item) : item;
}

function remedy(failure: string): string {
  const name = Object.keys(FAILURES).find((known): known is FailureName => known === failure);
  return name ? FAILURES[name].remedy : '';
}
