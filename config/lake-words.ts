import type { YAMLError } from 'yaml';
import type { Fault } from './faults.ts';

// What the YAML parser and the schema found, in the words of whoever wrote the file.

/** A broken place in the text itself. */
export function brokenText({ code, message }: YAMLError, line: string): string {
  const key = /^\s*(?:- )?["']?([^"':]+)/.exec(line)?.[1]?.trim() ?? 'the key';
  if (code === 'TAB_AS_INDENT') return 'the line begins with a tab: indent with spaces';
  if (code === 'DUPLICATE_KEY') return `${key} stands here a second time: give it once`;
  if (code === 'MULTIPLE_DOCS') return 'a second document begins here: a lake is one document';
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
  /** Of a key that is no name. */
  readonly issues?: readonly { readonly message: string }[];
}

/** The faults of one issue. */
export function faultsOf(issue: Issue): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const name = nameOf(path);
  const say = (message: string): Fault[] => [{ path, message }];
  const { code, message, input, keys = [] } = issue;
  if (code === 'unrecognized_keys') {
    return keys.map((key) => ({
      path: [...path, key],
      message: `${key} is no key here: correct its spelling or leave it out`,
    }));
  }
  if (code === 'invalid_key')
    return say(`${name} is no name for it: it ${issue.issues?.[0]?.message ?? message}`);
  if (message.startsWith('is not built')) return say(`${name} ${message}`);
  const right = message.startsWith('must')
    ? message
    : `must be ${KINDS[issue.expected ?? ''] ?? issue.expected}`;
  if (input === undefined && code === 'invalid_type') return say(`${name} is missing: it ${right}`);
  if (message.startsWith('must') || code === 'invalid_type')
    return say(`${name} is ${shown(input)}: it ${right}`);
  return say(message);
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
  const text = JSON.stringify(input) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
