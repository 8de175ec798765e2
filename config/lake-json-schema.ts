import { z } from 'zod';
import { LAKE_FILE } from './lake-schema.ts';
import { mapValues } from './members.ts';

/** A text in which a variable stands is anything at all once `apply` has filled it in. */
const VARIABLE = { type: 'string', pattern: String.raw`\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}` };

type Schema = Readonly<Record<string, unknown>>;

/**
 * The shape of lake.yaml as JSON Schema (draft 7), for editors. It takes everything that `apply` takes; what `apply`
 * finds by holding parts against each other, it does not see.
 */
export function lakeJsonSchema(): Schema {
  const schema = z.toJSONSchema(LAKE_FILE, { target: 'draft-07', io: 'input', unrepresentable: 'any' });
  return {
    $schema: schema.$schema,
    title: 'lake.yaml of Tributary',
    description: 'Generated from config/lake-schema.ts by `npm run docs`.',
    ...(forEditors(schema) as Schema),
  };
}

function forEditors(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(forEditors);
  if (typeof schema !== 'object' || schema === null) return schema;
  const { propertyNames, properties, ...rest } = schema as Schema;
  // Patterns say it, and not every editor's validator knows the format.
  const { format: _, ...kept } = rest;
  const below = Object.fromEntries(
    Object.entries(kept).map(([key, value]) => [key, key === 'default' ? value : forEditors(value)]),
  );
  const whole: Schema = {
    ...below,
    // Names stay as strict as they are.
    ...(propertyNames !== undefined && { propertyNames }),
    // A property may be called what is a word of JSON Schema.
    ...(properties !== undefined && { properties: mapValues(properties as Schema, forEditors) }),
  };
  if (whole['type'] !== 'string' || !('pattern' in whole || 'enum' in whole)) return whole;
  const { description, default: otherwise, ...text } = whole;
  return {
    ...(description !== undefined && { description }),
    ...(otherwise !== undefined && { default: otherwise }),
    anyOf: [text, VARIABLE],
  };
}
