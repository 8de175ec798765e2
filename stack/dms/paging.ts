import { ServiceError } from '../json-service.ts';

export interface Paged {
  readonly Filters?:
    | readonly { readonly Name?: string | undefined; readonly Values?: readonly string[] | undefined }[]
    | undefined;
  readonly MaxRecords?: number | undefined;
  readonly Marker?: string | undefined;
}

/** Which property of a thing a filter looks at, by the filter's name. */
export type FilterTable<Thing> = Readonly<Record<string, (thing: Thing) => string>>;

/**
 * The page of `things` that is asked for. Filters must all fit; within one, any value may. A filter that
 * nothing fits is a ResourceNotFoundFault where `what` is named: by it the waiters of DMS see that something is gone.
 */
export function page<Thing>(
  things: readonly Thing[],
  asked: Paged,
  filters: FilterTable<Thing>,
  limits: { readonly what?: string; readonly most: number },
): { items: Thing[]; Marker?: string } {
  const fitting = things.filter((thing) =>
    (asked.Filters ?? []).every(({ Name = '', Values = [] }) => {
      const read = filters[Name];
      if (read) return Values.includes(read(thing));
      const known = Object.keys(filters).join(', ');
      throw new ServiceError(
        'InvalidParameterValueException',
        `no filter is named ${Name}: there are ${known}`,
      );
    }),
  );
  if (limits.what !== undefined && fitting.length === 0 && (asked.Filters ?? []).length > 0) {
    throw new ServiceError('ResourceNotFoundFault', `No ${limits.what} found matching the filter`);
  }
  const size = asked.MaxRecords ?? 100;
  if (!Number.isInteger(size) || size < 20 || size > limits.most) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `MaxRecords is ${size}; it has to be a whole number from 20 to ${limits.most}`,
    );
  }
  const from = offsetOf(asked.Marker);
  const items = fitting.slice(from, from + size);
  return from + size < fitting.length ? { items, Marker: markerAt(from + size) } : { items };
}

function markerAt(offset: number): string {
  return Buffer.from(`at ${offset}`).toString('base64');
}

function offsetOf(marker: string | undefined): number {
  if (marker === undefined) return 0;
  const found = /^at (\d+)$/.exec(Buffer.from(marker, 'base64').toString())?.[1];
  if (found === undefined) {
    throw new ServiceError(
      'InvalidParameterValueException',
      `Marker "${marker}" was not issued by this service`,
    );
  }
  return Number(found);
}
