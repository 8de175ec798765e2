import { dirname, resolve } from 'node:path';
import { type Document, LineCounter, isMap, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { LakeSpec } from '../lake/spec.ts';
import { aliasFaults } from './aliases.ts';
import type { Fault } from './faults.ts';
import { knownKeys } from './known-keys.ts';
import { resolveLake } from './lake-rules.ts';
import { LAKE_FILE } from './lake-schema.ts';
import { brokenText, faultsOf, pathText } from './lake-words.ts';
import { type FileText, textOf } from './text.ts';

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
  /** What the file holds: its bytes, or a text that somebody has read. */
  readonly text: string | Uint8Array;
  /** Its path: messages name it, and relative folders in it are relative to it. */
  readonly file: string;
  /** What `${NAME}` stands for; `${NAME:-otherwise}` has a default. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** Read a lake.yaml whole: every problem is found in one pass, in the order of the file, or none is left. */
export function readLake({ text: held, file, variables }: LakeText): LakeReading {
  const read: FileText = typeof held === 'string' ? { kind: 'text', text: held } : textOf(held);
  if (read.kind === 'refused') {
    const { line, column, message } = read;
    return { kind: 'refused', problems: [{ file, line, column, path: '', message }] };
  }
  const { text } = read;
  const lines = new LineCounter();
  const options = { lineCounter: lines, uniqueKeys: true, stringKeys: true, logLevel: 'error' } as const;
  const document = parseDocument(text, options);
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const texts = text.split('\n');
  // A warning is a tag that nothing reads: what it stands before would be taken for another value.
  const broken = [...document.errors, ...document.warnings].map((error) => {
    const place = at(error.pos[0]);
    const rest = (texts[place.line - 1] ?? '').slice(place.column - 1);
    return { ...place, path: '', message: brokenText(error, rest) };
  });
  // What else the parser says of a line follows from the first.
  const first = broken.filter(({ line }, index) => broken.findIndex((one) => one.line === line) === index);
  if (first.length > 0) return { kind: 'refused', problems: first };

  const faults = [...aliasFaults(document), ...takenKeys(document), ...fillVariables(document, variables)];
  // What they stand for or name cannot be read, so nothing else can be said.
  if (faults.some(({ offset }) => offset !== undefined)) return refused(faults);

  const content: unknown = document.toJS({ maxAliasCount: -1 }) ?? {};
  const parsed = LAKE_FILE.safeParse(content, { reportInput: true });
  if (parsed.success) {
    const { spec, faults: found } = resolveLake(parsed.data, dirname(resolve(file)));
    faults.push(...found);
    if (faults.length === 0) return { kind: 'lake', spec };
  } else {
    // A variable that is not set is no value yet: nothing else is to be said of it.
    const open = new Set(faults.map(({ path }) => pathText(path)));
    const known = (path: Fault['path']) => knownKeys(LAKE_FILE, path, content);
    const found = parsed.error.issues.flatMap((issue) => faultsOf(issue, known));
    faults.push(...found.filter(({ path }) => !open.has(pathText(path))));
  }
  return refused(faults);

  function refused(all: readonly Fault[]): LakeReading {
    const problems = all.map(({ path, message, offset }) => ({
      ...at(offset ?? offsetOf(document, path)),
      path: pathText(path),
      message,
    }));
    return { kind: 'refused', problems: problems.toSorted((a, b) => a.line - b.line || a.column - b.column) };
  }
}

/** Names that every object of JavaScript has already. */
function takenKeys(document: Document): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Pair(_key, { key }) {
      if (!isScalar(key) || (key.value !== '__proto__' && key.value !== 'constructor')) return;
      const message = `${key.value} is taken: choose another name`;
      faults.push({ path: [], offset: key.range?.[0] ?? 0, message });
    },
  });
  return faults;
}

/** Replace each `${NAME}` or `${NAME:-otherwise}` in the document's texts; names what is not set. */
function fillVariables(document: Document, variables: LakeText['variables']): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Scalar(_key, node, ancestors) {
      const written = node.value;
      if (typeof written !== 'string' || !written.includes('${')) return;
      node.value = written.replaceAll(
        /\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g,
        (whole, name: string, otherwise?: string) => {
          const value = variables[name] ?? otherwise;
          if (value === undefined)
            faults.push({
              path: pathTo(node, ancestors),
              message: `\${${name}} is not set: set it in the environment of \`tributary apply\``,
            });
          return value ?? whole;
        },
      );
      if (/\$\{(?![A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\})/.test(written))
        faults.push({
          path: pathTo(node, ancestors),
          message: `${written} holds a \${ that begins no variable: write \${NAME}, or \${NAME:-otherwise}`,
        });
    },
  });
  return faults;
}

function pathTo(node: unknown, ancestors: readonly unknown[]): (string | number)[] {
  return [...ancestors, node].flatMap((one, index, all): (string | number)[] => {
    if (isPair(one)) return isScalar(one.key) ? [String(one.key.value)] : [];
    return isSeq(one) ? [one.items.indexOf(all[index + 1])] : [];
  });
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
