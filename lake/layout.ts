import type { FixedColumn, FixedLayout } from './spec.ts';

/** A column of a layout, with its name. */
export interface PlacedColumn extends FixedColumn {
  readonly name: string;
}

/** Its columns as they stand in a line, from left to right. */
export function placedColumns({ columns }: Pick<FixedLayout, 'columns'>): readonly PlacedColumn[] {
  return Object.entries(columns)
    .map(([name, column]) => ({ name, ...column }))
    .sort((a, b) => a.start - b.start);
}

/** Characters of a line: up to the end of its last column. */
export function layoutWidth(layout: Pick<FixedLayout, 'columns'>): number {
  return Math.max(...Object.values(layout.columns).map(lastOf));
}

/** The last character of a column. */
export function lastOf({ start, width }: Pick<FixedColumn, 'start' | 'width'>): number {
  return start + width - 1;
}

/** What lies between columns, from left to right. */
export function gapsOf(layout: Pick<FixedLayout, 'columns'>): readonly { start: number; width: number }[] {
  const gaps: { start: number; width: number }[] = [];
  let next = 1;
  for (const column of placedColumns(layout)) {
    if (column.start > next) gaps.push({ start: next, width: column.start - next });
    next = lastOf(column) + 1;
  }
  return gaps;
}
