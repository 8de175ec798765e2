import type { IncomingHttpHeaders } from 'node:http';
import { Refusal, header } from '../exchange.ts';
import type { Version } from './model.ts';

/**
 * Refuses a write whose condition does not hold for the current version. Call it in the turn of the event loop
 * that also commits.
 */
export function checkWrite(headers: IncomingHttpHeaders, current: Version | undefined): void {
  const noneMatch = header(headers, 'if-none-match');
  if (noneMatch !== undefined) {
    if (noneMatch.trim() !== '*') {
      throw new Refusal(501, 'NotImplemented', `If-None-Match on a write must be "*", found ${noneMatch}.`);
    }
    if (current) throw preconditionFailed('If-None-Match');
  }
  const match = header(headers, 'if-match');
  if (match === undefined) return;
  if (!current)
    throw new Refusal(404, 'NoSuchKey', 'The specified key does not exist, so If-Match cannot hold.');
  if (!matches(match, current)) throw preconditionFailed('If-Match');
}

/** `modified`: the client has it already, or so it says. */
export function checkRead(headers: IncomingHttpHeaders, version: Version): 'modified' | 'unmodified' {
  const match = header(headers, 'if-match');
  const noneMatch = header(headers, 'if-none-match');
  const unmodifiedSince = instant(header(headers, 'if-unmodified-since'));
  const modifiedSince = instant(header(headers, 'if-modified-since'));
  if (match !== undefined) {
    if (!matches(match, version)) throw preconditionFailed('If-Match');
  } else if (unmodifiedSince !== undefined && seconds(version) > unmodifiedSince) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (noneMatch !== undefined) return matches(noneMatch, version) ? 'unmodified' : 'modified';
  return modifiedSince !== undefined && seconds(version) <= modifiedSince ? 'unmodified' : 'modified';
}

/** The four conditions on the source of a copy; each failure is 412. */
export function checkCopySource(headers: IncomingHttpHeaders, source: Version): void {
  const prefix = 'x-amz-copy-source-';
  const under = (name: string): IncomingHttpHeaders => {
    const value = header(headers, prefix + name);
    return value === undefined ? {} : { [name]: value };
  };
  const names = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'];
  const conditions = Object.assign({}, ...names.map(under)) as IncomingHttpHeaders;
  if (checkRead(conditions, source) === 'unmodified') throw preconditionFailed(`${prefix}if-none-match`);
}

export function preconditionFailed(condition: string): Refusal {
  return new Refusal(
    412,
    'PreconditionFailed',
    `At least one of the pre-conditions you specified did not hold: ${condition}`,
  );
}

function matches(list: string, { etag }: Version): boolean {
  return list.split(',').some((one) => {
    const named = one.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
    return named === '*' || named === etag;
  });
}

function seconds({ modifiedMs }: Version): number {
  return Math.floor(modifiedMs / 1000);
}

function instant(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1000);
}
