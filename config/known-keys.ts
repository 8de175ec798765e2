import { z } from 'zod';

/** The keys that a schema takes in the object at `path` of `input`, those that are not built left out. */
export function knownKeys(schema: z.ZodType, path: readonly (string | number)[], input: unknown): string[] {
  const found = new Set<string>();
  for (const one of at([schema], path, input)) {
    if (!(one instanceof z.ZodObject)) continue;
    for (const [key, value] of Object.entries(one.shape)) if (!isNever(value)) found.add(key);
  }
  return [...found];
}

function at(
  schemas: readonly z.core.$ZodType[],
  path: readonly (string | number)[],
  input: unknown,
): z.core.$ZodType[] {
  const here = schemas.flatMap((schema) => options(schema, input));
  const [step, ...rest] = path;
  if (step === undefined) return here;
  const below = here.flatMap((schema): z.core.$ZodType[] => {
    if (schema instanceof z.ZodObject) return [schema.shape[step]].filter((one) => one !== undefined);
    if (schema instanceof z.ZodRecord) return [schema.valueType];
    if (schema instanceof z.ZodArray) return [schema.element];
    return [];
  });
  return at(below, rest, memberOf(input, step));
}

/** What may stand there: without wrappers, and of a union the members whose `kind` fits. */
function options(schema: z.core.$ZodType, input: unknown): z.core.$ZodType[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return options(schema.unwrap(), input);
  if (schema instanceof z.ZodPipe) return options(schema.in, input);
  if (!(schema instanceof z.ZodUnion)) return [schema];
  const kind = memberOf(input, 'kind');
  return schema.options
    .flatMap((option) => options(option, input))
    .filter((option) => {
      const tag = option instanceof z.ZodObject ? option.shape['kind'] : undefined;
      return !(tag instanceof z.ZodLiteral) || tag.value === kind;
    });
}

function memberOf(value: unknown, step: string | number): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(String(step));
}

function isNever(schema: unknown): boolean {
  if (schema instanceof z.ZodOptional) return isNever(schema.unwrap());
  return schema instanceof z.ZodNever;
}
