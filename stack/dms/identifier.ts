import { randomBytes } from 'node:crypto';
import { ServiceError } from '../json-service.ts';

/** The name of a new resource, as DMS takes it, in lower case. */
export function newIdentifier(name: string | undefined, member: string, taken: readonly string[]): string {
  const id = (name ?? '').toLowerCase();
  if (!/^[a-z][a-z0-9-]{0,254}$/.test(id) || id.endsWith('-') || id.includes('--')) {
    throw invalid(
      `${member} "${name}" has to begin with a letter and to hold letters, digits and single hyphens alone`,
    );
  }
  if (taken.includes(id))
    throw new ServiceError('ResourceAlreadyExistsFault', `${member} ${id} exists already`);
  return id;
}

/** The last part of an ARN: what the caller wants it to be, else as random as AWS makes it. */
export function resourcePart(wanted: string | undefined): string {
  if (wanted !== undefined) return wanted;
  return [...randomBytes(26)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join('');
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterValueException', message);
}

export function wrongState(message: string): ServiceError {
  return new ServiceError('InvalidResourceStateFault', message);
}

/** Refuses members that would mean something and are not built, by their names. */
export function refuseOthers(what: string, given: object, known: readonly string[]): void {
  const others = Object.entries(given).flatMap(([name, value]) =>
    value === undefined || value === null || known.includes(name) ? [] : [name],
  );
  if (others.length > 0) throw invalid(`${what}: ${others.join(', ')} is not built here`);
}
