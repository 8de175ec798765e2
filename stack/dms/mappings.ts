import { z } from 'zod';
import { invalid } from './identifier.ts';
import type { SourceColumn } from './kinds.ts';

/** What a task takes from the source, and under which names it lands. */
export interface Mappings {
  isSelected(schema: string, table: string): boolean;
  /** Where it lands. */
  target(schema: string, table: string): { readonly schema: string; readonly table: string };
  columns(schema: string, table: string): ColumnRules;
}

export interface ColumnRules {
  /** The name that it lands under; undefined when it is left out. */
  target(column: string): string | undefined;
  /** The names of the columns that hold what was in it before a change. */
  beforeImages(column: SourceColumn): readonly string[];
  /** Columns that DMS adds: the name, and the header that it is filled from. */
  readonly added: readonly { readonly name: string; readonly header: Header }[];
}

const HEADERS = [
  'AR_H_STREAM_POSITION',
  'AR_H_TIMESTAMP',
  'AR_H_COMMIT_TIMESTAMP',
  'AR_H_OPERATION',
  'AR_H_USER',
  'AR_H_CHANGE_SEQ',
] as const;
export type Header = (typeof HEADERS)[number];

const locator = z.object({
  'schema-name': z.string(),
  'table-name': z.string().optional(),
  'column-name': z.string().optional(),
});
const beforeImage = z.strictObject({
  'column-prefix': z.string().default('BI_'),
  'column-suffix': z.string().default(''),
  'column-filter': z.enum(['pk-only', 'non-lob', 'all']).default('pk-only'),
});
const rule = z.object({
  'rule-type': z.string(),
  'rule-id': z.union([z.string(), z.number()]).optional(),
  'rule-name': z.string().optional(),
  'rule-action': z.string().optional(),
  'rule-target': z.string().optional(),
  'object-locator': locator.optional(),
  value: z.string().nullish(),
  expression: z.string().optional(),
  'before-image-def': beforeImage.optional(),
  filters: z.array(z.unknown()).optional(),
});
const document = z.object({ rules: z.array(rule) });
type Rule = z.infer<typeof rule>;

const ACTIONS = [
  'rename',
  'convert-lowercase',
  'convert-uppercase',
  'add-prefix',
  'add-suffix',
  'remove-prefix',
  'remove-suffix',
];

/** Refuses what is malformed, and rules that are not built, by their names. */
export function parseMappings(text: string): Mappings {
  const rules = parsed(text);
  const selections = rules.filter((one) => one['rule-type'] === 'selection');
  const transformations = rules.filter((one) => one['rule-type'] === 'transformation');
  if (selections.length === 0) throw invalid('TableMappings has no selection rule');
  const acting = (action: 'include' | 'exclude', schema: string, table: string) =>
    selections.some((one) => one['rule-action'] === action && fits(one, schema, table));
  const explicit = (schema: string, table: string) =>
    selections.some((one) => one['rule-action'] === 'explicit' && fits(one, schema, table));
  const changed = (target: string, schema: string, table: string, name: string, column?: string) =>
    transformations
      .filter((one) => one['rule-target'] === target && fits(one, schema, table, column))
      .reduce(transformed, name);
  return {
    isSelected: (schema, table) =>
      explicit(schema, table) || (acting('include', schema, table) && !acting('exclude', schema, table)),
    target: (schema, table) => ({
      schema: changed('schema', schema, table, schema),
      table: changed('table', schema, table, table),
    }),
    columns: (schema, table) => {
      const mine = transformations.filter((one) => one['rule-target'] === 'column');
      const removed = mine.filter((one) => one['rule-action'] === 'remove-column');
      const imaged = mine.filter((one) => one['rule-action'] === 'add-before-image-columns');
      const target = (column: string) =>
        removed.some((one) => fits(one, schema, table, column))
          ? undefined
          : changed('column', schema, table, column, column);
      return {
        target,
        beforeImages: (column) => {
          const name = target(column.name);
          if (name === undefined) return [];
          return imaged
            .filter((one) => fits(one, schema, table, column.name) && isImaged(one, column))
            .map((one) => imageName(one, name));
        },
        added: mine
          .filter((one) => one['rule-action'] === 'add-column' && fits(one, schema, table))
          .map((one) => ({ name: one.value ?? '', header: headerOf(one) })),
      };
    },
  };
}

function parsed(text: string): readonly Rule[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid(`TableMappings is no JSON: ${String(error)}`);
  }
  const read = document.safeParse(json);
  if (!read.success) throw invalid(`TableMappings: ${z.prettifyError(read.error)}`);
  for (const one of read.data.rules) check(one);
  return read.data.rules;
}

function check(one: Rule): void {
  const [type, action, target] = [one['rule-type'], one['rule-action'] ?? '', one['rule-target'] ?? ''];
  const name = `rule ${one['rule-id'] ?? one['rule-name'] ?? ''}`;
  if (!one['object-locator']) throw invalid(`${name} has no object-locator`);
  if ((one.filters ?? []).length > 0) throw invalid(`${name}: filters are not built here`);
  if (type === 'selection' && ['include', 'exclude', 'explicit'].includes(action)) return;
  if (type === 'transformation' && ['schema', 'table', 'column'].includes(target) && ACTIONS.includes(action))
    return;
  if (type === 'transformation' && target === 'column' && action === 'remove-column') return;
  if (type === 'transformation' && target === 'column' && action === 'add-column') return void headerOf(one);
  if (type === 'transformation' && target === 'column' && action === 'add-before-image-columns') {
    if (!one['before-image-def']) throw invalid(`${name}: ${action} needs a before-image-def`);
    if (imageName(one, '') === '') throw invalid(`${name}: column-prefix and column-suffix are both empty`);
    return;
  }
  throw invalid(`${name}: ${type} ${target} ${action} is not built here`);
}

function headerOf(one: Rule): Header {
  const found = HEADERS.find((header) => one.expression === `$${header}`);
  if (found !== undefined && one.value) return found;
  const known = HEADERS.map((header) => `$${header}`).join(', ');
  throw invalid(`rule ${one['rule-id']}: add-column needs a value, and an expression of ${known}`);
}

function isImaged({ 'before-image-def': image }: Rule, { isKey, isLob }: SourceColumn): boolean {
  const filter = image?.['column-filter'];
  return filter === 'all' || (filter === 'non-lob' && !isLob) || (filter === 'pk-only' && isKey);
}

function imageName({ 'before-image-def': image }: Rule, column: string): string {
  return `${image?.['column-prefix'] ?? ''}${column}${image?.['column-suffix'] ?? ''}`;
}

function fits(one: Rule, schema: string, table: string, column?: string): boolean {
  const where = one['object-locator'];
  return (
    where !== undefined &&
    like(where['schema-name'], schema) &&
    like(where['table-name'] ?? '%', table) &&
    (column === undefined || like(where['column-name'] ?? '%', column))
  );
}

/** As in SQL: % is anything; DMS takes [_] for an underscore, and _ for any one character. */
function like(pattern: string, name: string): boolean {
  const source = pattern.replaceAll(/\[_\]|[%_]|[.*+?^${}()|[\]\\]/g, (found) => {
    if (found === '[_]') return '_';
    return found === '%' ? '.*' : found === '_' ? '.' : `\\${found}`;
  });
  return new RegExp(`^${source}$`, 's').test(name);
}

function transformed(name: string, one: Rule): string {
  const value = one.value ?? '';
  switch (one['rule-action'] ?? '') {
    case 'rename':
      return value;
    case 'convert-lowercase':
      return name.toLowerCase();
    case 'convert-uppercase':
      return name.toUpperCase();
    case 'add-prefix':
      return `${value}${name}`;
    case 'add-suffix':
      return `${name}${value}`;
    case 'remove-prefix':
      return name.startsWith(value) ? name.slice(value.length) : name;
    case 'remove-suffix':
      return value !== '' && name.endsWith(value) ? name.slice(0, -value.length) : name;
    default:
      return name;
  }
}
