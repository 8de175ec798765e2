import { invalid } from './identifier.ts';

/** A place in Postgres's log as sixteen hexadecimal digits, so that `<` compares places. */
export type Lsn = string;

/** `0/16B3748` and `00000000/016B3748` alike. */
export function parseLsn(text: string): Lsn {
  const found = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (!found) throw invalid(`"${text}" is no LSN such as 0/16B3748`);
  return [found[1], found[2]].map((half = '') => half.toUpperCase().padStart(8, '0')).join('');
}

/** As Postgres writes it. */
export function formatLsn(lsn: Lsn): string {
  return [lsn.slice(0, 8), lsn.slice(8)].map((half) => half.replace(/^0+(?=.)/, '')).join('/');
}

/** What `RecoveryCheckpoint` holds and `CdcStartPosition` takes. */
export function formatCheckpoint(lsn: Lsn): string {
  return `checkpoint:V1#1#${formatLsn(lsn)}#0#0#*#0#0`;
}

/** Where to start: an LSN, or a checkpoint that this service made. */
export function checkStart(text: string | undefined): Lsn | undefined {
  if (text === undefined || text === '') return undefined;
  const inner = /^checkpoint:V1#\d+#([0-9A-Fa-f]+\/[0-9A-Fa-f]+)#/.exec(text)?.[1];
  if (text.startsWith('checkpoint:') && inner === undefined) {
    throw invalid(`CdcStartPosition "${text}" is no checkpoint of a Postgres source`);
  }
  return parseLsn(inner ?? text);
}

export interface StopAt {
  readonly by: 'server_time' | 'commit_time';
  readonly ms: number;
}

export function checkStop(text: string | undefined): StopAt | undefined {
  if (text === undefined || text === '') return undefined;
  const found = /^(server_time|commit_time):\s?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)$/.exec(text);
  const ms = Date.parse(`${found?.[2]}Z`);
  if (!found || Number.isNaN(ms)) {
    throw invalid(
      `CdcStopPosition "${text}" has to read server_time:2018-02-09T12:12:12 or commit_time:…, in UTC`,
    );
  }
  return { by: found[1] === 'server_time' ? 'server_time' : 'commit_time', ms };
}
