import type { LandingColumns } from '../landing-columns.ts';
import { CHANGE_COLUMN } from '../spec.ts';
import type { LandingSource } from './landing-source.ts';
import type { Problem } from './refine-cast.ts';
import type { LandingRefine } from './refine-landing.ts';
import { mappingProblems } from './refine-mapping.ts';

const OPERATIONS = `('I', 'U', 'D')`;

/** When one record becomes two rows, and what the row of the old key has. */
export interface Splitting {
  readonly condition: string;
  readonly old: (column: string) => string;
}

/** What may be wrong with a record, the first thing first. */
export function landingProblems(
  refine: LandingRefine,
  source: LandingSource,
  value: (column: string) => string,
  split: Splitting | undefined,
): Problem[] {
  const { bound, columns, mapping, nowUs } = refine;
  const place = (column: string) => (column === CHANGE_COLUMN.name ? bound.change : bound.declared[column]);
  const text = (column: string) => {
    const at = place(column);
    return at === undefined ? 'NULL::VARCHAR' : source.text(at);
  };
  const isConstant = refine.loadChange !== undefined;
  const ofValues = Object.entries(columns).flatMap(([name, type]) => {
    const at = place(name);
    if (at === undefined || (name === CHANGE_COLUMN.name && isConstant)) return [];
    return source.problem(at, name, value(name), type);
  });
  // Where the task numbers no changes, nothing is missing.
  const isNumbered = isConstant ? refine.loadChange !== null : bound.change !== undefined;
  const fits = ({ reason, column }: Problem) =>
    isNumbered || reason !== 'Missing' || column !== CHANGE_COLUMN.name;
  const ofMapping = mapping ? mappingProblems(mapping, value, text, nowUs).filter(fits) : [];
  return [
    ...operationProblems(bound, source),
    ...ofValues,
    ...ofMapping,
    ...splitProblems(refine, source, split),
  ];
}

function operationProblems({ op }: LandingColumns, source: LandingSource): Problem[] {
  if (op === undefined) return [];
  const text = source.text(op);
  return [
    {
      when: `${text} IS NULL OR ${text} NOT IN ${OPERATIONS}`,
      reason: 'NotAnOperation',
      column: 'Op',
      found: text,
      right: 'I, U or D',
    },
  ];
}

/** What is wrong with the row of the old key, where there is one. */
function splitProblems(
  { bound, columns, mapping, nowUs }: LandingRefine,
  source: LandingSource,
  split: Splitting | undefined,
): Problem[] {
  if (!split || !mapping) return [];
  const { condition, old } = split;
  const imageText = (column: string) => {
    const at = bound.before[column] ?? bound.declared[column];
    return at === undefined ? 'NULL::VARCHAR' : source.text(at);
  };
  const ofValues = Object.entries(columns).flatMap(([name, type]) => {
    const at = bound.before[name];
    return at === undefined ? [] : source.problem(at, source.name(at), old(name), type);
  });
  const ofMapping = mappingProblems(mapping, old, imageText, nowUs).filter(
    ({ column }) => column !== undefined && bound.before[column] !== undefined,
  );
  return [...ofValues, ...ofMapping].map((problem) => ({
    ...problem,
    when: `(${condition}) AND (${problem.when})`,
  }));
}
