import { dirname, resolve } from 'node:path';
import { LineCounter, isMap, isScalar, parseDocument, visit, type Document } from 'yaml';
import type { LakeSpec } from '../lake/spec.ts';
import { type Fault, resolveLake } from './lake-rules.ts';
import { LAKE_FILE } from './lake-schema.ts';

/** One thing that is wrong with a lake.yaml: where, what was found, and what would be right. */
export interface Problem {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `datasets.payments.key[0]`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
}

export type LakeReading =
  | { readonly kind: 'lake'; readonly spec: LakeSpec }
  | { readonly kind: 'refused'; readonly problems: readonly Problem[] };

export interface LakeText {
  readonly text: string;
  /** Its path: messages name it, and relative folders in it are relative to it. */
  readonly file: string;
  /** What `${NAME}` stands for; `${NAME:-otherwise}` has a default. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Read a lake.yaml whole: every problem is found in one pass, in the order of the file, or none is left. */
export function readLake({ text, file, variables }: LakeText): LakeReading {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const broken = document.errors.map((error) => ({
    ...at(error.pos[0]),
    path: '',
    message: error.message.split('\n')[0] ?? '',
  }));
  if (broken.length > 0) return { kind: 'refused', problems: broken };

  const unset = fillVariables(document, variables);
  const parsed = LAKE_FILE.safeParse(document.toJS() ?? {}, { reportInput: true });
  const faults: Fault[] = [...unset];
  if (parsed.success) {
    const { spec, faults: found } = resolveLake(parsed.data, dirname(resolve(file)));
    faults.push(...found);
    if (faults.length === 0) return { kind: 'lake', spec };
  } else {
    for (const issue of parsed.error.issues) faults.push(...faultsOf(issue));
  }
  const problems = faults.map(({ path, message }) => ({
    ...at(offsetOf(document, path)),
    path: pathText(path),
    message,
  }));
  return { kind: 'refused', problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
}

interface Issue {
  readonly code?: string;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly input?: unknown;
  readonly keys?: readonly string[];
  readonly expected?: string;
}

function faultsOf(issue: Issue): Fault[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  if (issue.code === 'unrecognized_keys') {
    return (issue.keys ?? []).map((key) => ({
      path: [...path, key],
      message: `${key} is no key here: correct its spelling or leave it out`,
    }));
  }
  const last = String(path.at(-1) ?? 'the file');
  if (issue.input === undefined && issue.code === 'invalid_type') {
    return [
      {
        path,
        message: `${last} is missing: ${issue.message.startsWith('must') ? issue.message : `${issue.expected ?? 'a value'} is needed`}`,
      },
    ];
  }
  if (issue.message.startsWith('must'))
    return [{ path, message: `${last} is ${shown(issue.input)}: it ${issue.message}` }];
  if (issue.message.startsWith('is not built')) return [{ path, message: `${last} ${issue.message}` }];
  if (issue.code === 'invalid_type')
    return [
      { path, message: `${last} is ${shown(issue.input)}: it must be ${issue.expected ?? 'something else'}` },
    ];
  return [{ path, message: issue.message }];
}

function shown(input: unknown): string {
  const text = JSON.stringify(input) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

/** Replace each `${NAME}` or `${NAME:-otherwise}` in the document's texts; names what is not set. */
function fillVariables(document: Document, variables: LakeText['variables']): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Scalar(_key, node, ancestors) {
      if (typeof node.value !== 'string' || !node.value.includes('${')) return;
      node.value = node.value.replaceAll(
        /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
        (whole, name: string, otherwise?: string) => {
          const value = variables[name] ?? otherwise;
          if (value === undefined)
            faults.push({
              path: pathTo(document, node, ancestors),
              message: `\${${name}} is not set: set it in the environment of \`tributary apply\``,
            });
          return value ?? whole;
        },
      );
    },
  });
  return faults;
}

function pathTo(document: Document, node: unknown, ancestors: readonly unknown[]): (string | number)[] {
  const path: (string | number)[] = [];
  for (const ancestor of [...ancestors, node]) {
    const pair = ancestor as { key?: { value?: unknown } };
    if (pair.key && typeof pair.key === 'object' && 'value' in pair.key) path.push(String(pair.key.value));
  }
  return document.hasIn(path) ? path : [];
}

/** Where a path stands in the text: its key where it has one, else the nearest thing around it. */
function offsetOf(document: Document, path: readonly (string | number)[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const step = path[length - 1];
    if (isMap(parent)) {
      const pair = parent.items.find(({ key }) => isScalar(key) && String(key.value) === String(step));
      if (pair && isScalar(pair.key) && pair.key.range) return pair.key.range[0];
    }
    const node = document.getIn(path.slice(0, length), true);
    if (node && typeof node === 'object' && 'range' in node && Array.isArray(node.range))
      return Number(node.range[0]);
  }
  return 0;
}

function pathText(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === 'number' ? `[${step}]` : `${index > 0 ? '.' : ''}${step}`))
    .join('');
}
