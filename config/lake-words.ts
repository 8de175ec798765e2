import type { YAMLError } from 'yaml';
import type { Fault } from './faults.ts';
import { nearest } from './nearest.ts';

// What the YAML parser and the schema found, in the words of whoever wrote the file.

/** A broken place in the text itself; `rest` = the line from there on. */
export function brokenText({ code, message }: YAMLError, rest: string): string {
  const key = /^["']?([^"':,}]+)/.exec(rest)?.[1]?.trim() ?? 'the key';
  if (code === 'TAB_AS_INDENT') return 'the line begins with a tab: indent with spaces';
  if (code === 'DUPLICATE_KEY') return `${key} stands here a second time: give it once`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a lake is one document';
  if (code === 'NON_STRING_KEY') return 'this key is no text: a key is a name';
  if (code === 'RESOURCE_EXHAUSTION') return 'this nests too deeply: no lake does';
  if (code === 'TAG_RESOLVE_FAILED') return `${rest.split(/\s/)[0]} is no tag here: write the value itself`;
  return (message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '');
}

/** What of zod's issues is used here. */
export interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly input?: unknown;
  readonly keys?: readonly string[];
  readonly expected?: string;
  readonly maximum?: number | bigint;
  readonly minimum?: number | bigint;
  /** Of a key that is no name. */
  readonly issues?: readonly { readonly message: string }[];
  /** Of what may have several shapes: why it has none of them, paths from there on. */
  readonly errors?: readonly (readonly Issue[])[];
}

/** The faults of one issue. */
export function faultsOf(issue: Issue, known: (path: Fault['path']) => readonly string[]): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const name = nameOf(path);
  const say = (message: string): Fault[] => [{ path, message }];
  const { code, message, input, keys = [] } = issue;
  if (code === 'invalid_union' && typeof input === 'object') {
    const [meant, ...others] = (issue.errors ?? []).filter((found) => found.every(isWithin));
    if (meant && others.length === 0)
      return meant.flatMap((one) => faultsOf({ ...one, path: [...issue.path, ...one.path] }, known));
  }
  if (code === 'unrecognized_keys') {
    const there = known(path);
    return keys.map((key) => ({
      path: [...path, key],
      message: `${key} is no key here: ${insteadOf(key, there)}`,
    }));
  }
  if (code === 'invalid_key')
    return say(`${name} is no name for it: it ${issue.issues?.[0]?.message ?? message}`);
  if (message.startsWith('is not built')) return say(`${name} ${message}`);
  const right = message.startsWith('must')
    ? message
    : `must be ${KINDS[issue.expected ?? ''] ?? issue.expected}`;
  if (input === undefined && code === 'invalid_type') return say(`${name} is missing: it ${right}`);
  if (code === 'too_big' && !message.startsWith('must'))
    return say(`${name} is ${shown(input)}: it must be at most ${issue.maximum}`);
  if (code === 'too_small' && !message.startsWith('must'))
    return say(`${name} is ${shown(input)}: it must be at least ${issue.minimum}`);
  if (message.startsWith('must') || code === 'invalid_type')
    return say(`${name} is ${shown(input)}: it ${right}`);
  return say(message);
}

/** A fault of what stands within, or beside it: the whole has the right shape. */
function isWithin({ path, code }: Issue): boolean {
  return path.length > 0 || code === 'unrecognized_keys';
}

/** What may have been meant by a key that is none. */
function insteadOf(key: string, there: readonly string[]): string {
  if (key === '<<') return 'merge keys are not read: write the values out';
  const meant = nearest(key, there);
  if (meant !== undefined) return `did you mean ${meant}?`;
  return `correct its spelling or leave it out; there are: ${there.join(', ')}`;
}

const KINDS: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'a map of keys',
  record: 'a map of names',
  string: 'a text',
};

/** `key[0]`, `amount`; the file for an empty path. */
function nameOf(path: readonly (string | number)[]): string {
  const from = path.findLastIndex((step) => typeof step === 'string');
  return from === -1 ? 'the file' : pathText(path.slice(from));
}

/** `datasets.payments.key[0]`. */
export function pathText(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}

function shown(input: unknown): string {
  if (typeof input === 'number') return String(input);
  const text = JSON.stringify(input) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
