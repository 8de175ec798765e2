import { type Document, type Node, isAlias, isCollection, isPair, isScalar, visit } from 'yaml';
import type { Fault } from './faults.ts';

/** Values that aliases may stand for in all: some hundred tables that share their columns, and no bomb. */
const MOST_BY_ALIAS = 100_000;

/** What is wrong with a document's aliases: of nothing, of what they stand in, and those that multiply without end. */
export function aliasFaults(document: Document): Fault[] {
  const faults: Fault[] = [];
  const anchors = new Map<string, Node>();
  const sizes = new Map<unknown, number>();
  let byAlias = 0;
  visit(document, {
    Node(_key, node, ancestors) {
      if (!isAlias(node)) {
        if (node.anchor !== undefined) anchors.set(node.anchor, node);
        return;
      }
      const { source } = node;
      const say = (message: string) =>
        faults.push({ path: [], offset: node.range?.[0] ?? 0, message: `*${source} ${message}` });
      const named = anchors.get(source);
      if (!named) {
        say(`names nothing: put &${source} before what it stands for, or write it out`);
      } else if (ancestors.includes(named)) {
        say(`stands within what it stands for, which would never end: write the values out`);
      } else {
        sizes.set(node, sizeOf(named));
        const before = byAlias;
        byAlias += sizes.get(node) ?? 0;
        if (before <= MOST_BY_ALIAS && byAlias > MOST_BY_ALIAS)
          say(`and the aliases before it stand for more than ${MOST_BY_ALIAS} values: write the values out`);
      }
    },
  });
  return faults;

  /** Values in a node, those that its aliases stand for among them; each node is counted once. */
  function sizeOf(node: unknown): number {
    if (isPair(node)) return sizeOf(node.key) + sizeOf(node.value);
    if (isScalar(node)) return 1;
    const known = sizes.get(node);
    if (known !== undefined || !isCollection(node)) return known ?? 0;
    const size = node.items.reduce<number>((sum, item) => sum + sizeOf(item), 1);
    sizes.set(node, size);
    return size;
  }
}
