import { canonical } from './canonical.ts';
import { START_TYPES, type StartType } from './dms-start.ts';

/** What a person types to run a DMS task: `{"task":"shop-cdc"}` is enough. */
export interface DmsRequest {
  /** Identifier or ARN. */
  readonly task: string;
  /** Absent: `start-replication` for a task that never ran, else `resume-processing`. */
  readonly startType?: StartType;
  /** `loaded`: the run ends well once every table is loaded, and leaves the task to go on. Default `stopped`. */
  readonly until?: 'stopped' | 'loaded';
  /** What a cancelled run does with its task: `stop` (default) waits until it stands; `detach` lets it run on. */
  readonly onCancel?: 'stop' | 'detach';
  /** A date, a checkpoint, an LSN or SCN. */
  readonly cdcStartPosition?: string;
  /** `server_time:2026-11-22T12:00:00` or `commit_time:…`: an end that is success. */
  readonly cdcStopPosition?: string;
  /** Tables (`schema.table`) without which it is no success; at most 1,000. */
  readonly tables?: readonly string[];
  /** False: hand the request over and end at once. */
  readonly wait?: boolean;
}

const MOST_TABLES = 1000;

/** Why this is no request, saying what would be right; `undefined` when it is one. */
export function refuseDmsRequest(request: unknown): string | undefined {
  if (typeof request !== 'object' || request === null)
    return 'the input is one JSON object: {"task": "shop-cdc"}';
  const given = new Map(Object.entries(request));
  const task = given.get('task');
  if (typeof task !== 'string' || task === '') {
    return 'task is missing: {"task": "<identifier or ARN of a replication task>"}';
  }
  for (const [name, allowed] of CHOICES) {
    const value = given.get(name);
    if (value !== undefined && !allowed.some((one) => one === value)) {
      return `${name} is ${shown(value)}: it must be one of ${allowed.join(', ')}`;
    }
  }
  for (const name of ['cdcStartPosition', 'cdcStopPosition']) {
    const value = given.get(name);
    if (value !== undefined && (typeof value !== 'string' || value === '')) {
      return `${name} is ${shown(value)}: it must be a text`;
    }
  }
  const stop = given.get('cdcStopPosition');
  if (typeof stop === 'string' && !/^(server|commit)_time:/.test(stop)) {
    return `cdcStopPosition is ${shown(stop)}: it must be server_time:… or commit_time:…`;
  }
  return refuseTables(given.get('tables'));
}

const CHOICES: readonly (readonly [string, readonly (string | boolean)[]])[] = [
  ['startType', START_TYPES],
  ['until', ['stopped', 'loaded']],
  ['onCancel', ['stop', 'detach']],
  ['wait', [true, false]],
];

function refuseTables(tables: unknown): string | undefined {
  if (tables === undefined) return undefined;
  if (!Array.isArray(tables) || tables.length === 0) return 'tables must list at least one schema.table';
  if (tables.length > MOST_TABLES) {
    return `tables lists ${tables.length} names: at most ${MOST_TABLES}; leave it out to expect what the task captures`;
  }
  const wrong: unknown = tables.find((one) => typeof one !== 'string' || !/^[^.]+\..+$/.test(one));
  return wrong === undefined ? undefined : `tables names ${shown(wrong)}: a table is written schema.table`;
}

function shown(value: unknown): string {
  return typeof value === 'string' || typeof value === 'boolean' ? canonical(value) : typeof value;
}
