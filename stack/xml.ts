/** One element: its text with entities resolved, and its child elements. Attributes are dropped. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** The document's root, or undefined when the text is not well-formed. */
export function parseXml(text: string): XmlElement | undefined {
  const root: Open = { name: '', text: '', children: [] };
  const open: Open[] = [root];
  const token = /<!\[CDATA\[([\s\S]*?)\]\]>|<[?!][^>]*>|<\/([^\s>]+)\s*>|<([^\s/>]+)[^>]*?(\/?)>|([^<]+)/y;
  let at = 0;
  while (at < text.length) {
    token.lastIndex = at;
    const found = token.exec(text);
    const parent = open.at(-1);
    if (!found || !parent) return undefined;
    at = token.lastIndex;
    const [, cdata, closed, opened, selfClosing, characters] = found;
    if (characters !== undefined) parent.text += unescape(characters);
    else if (cdata !== undefined) parent.text += cdata;
    else if (opened !== undefined) {
      const element: Open = { name: opened, text: '', children: [] };
      parent.children.push(element);
      if (selfClosing === '') open.push(element);
    } else if (closed !== undefined && open.pop()?.name !== closed) return undefined;
  }
  return open.length === 1 && root.children.length === 1 ? root.children[0] : undefined;
}

/** The text of the first child of that name. */
export function childText(element: XmlElement, name: string): string | undefined {
  return element.children.find((child) => child.name === name)?.text;
}

/** An element with text; nothing when the value is undefined. */
export function leaf(name: string, value: string | number | boolean | undefined): string {
  return value === undefined ? '' : `<${name}>${escape(String(value))}</${name}>`;
}

/** An element with elements, each already rendered. */
export function branch(name: string, ...inner: readonly string[]): string {
  return `<${name}>${inner.join('')}</${name}>`;
}

/** A document in the given namespace. */
export function xmlDocument(
  name: string,
  namespace: string | undefined,
  ...inner: readonly string[]
): Buffer {
  const xmlns = namespace === undefined ? '' : ` xmlns="${namespace}"`;
  return Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>\n<${name}${xmlns}>${inner.join('')}</${name}>`);
}

interface Open {
  readonly name: string;
  text: string;
  readonly children: Open[];
}

function escape(text: string): string {
  // Control characters have no place in XML 1.0; AWS writes them as references all the same.
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[&<>"\u0000-\u001f\u007f]/g, (c) => {
    if (c === '&') return '&amp;';
    if (c === '<') return '&lt;';
    if (c === '>') return '&gt;';
    return c === '"' ? '&quot;' : `&#x${c.charCodeAt(0).toString(16).toUpperCase()};`;
  });
}

function unescape(text: string): string {
  return text.replace(
    /&(?:#x([0-9a-fA-F]+)|#(\d+)|(\w+));/g,
    (whole, hex?: string, dec?: string, name?: string) => {
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (dec !== undefined) return String.fromCodePoint(Number(dec));
      return NAMED[name ?? ''] ?? whole;
    },
  );
}
