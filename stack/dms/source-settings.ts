import { invalid, refuseOthers } from './identifier.ts';
import type { Endpoint } from './model.ts';

/** How the source is reached and read. */
export interface Source {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string | undefined;
  readonly ssl: boolean;
  /** A slot that somebody made; otherwise the task makes its own. */
  readonly slot: string | undefined;
  readonly booleanAsBoolean: boolean;
}

const KNOWN = [
  'ServerName',
  'Port',
  'DatabaseName',
  'Username',
  'Password',
  'SlotName',
  'MapBooleanAsBoolean',
  'PluginName',
  'CaptureDdls',
  'HeartbeatEnable',
];

/** PostgreSQLSettings before the endpoint's own members, as DMS reads them. */
export function parseSource({ given, postgres = {} }: Pick<Endpoint, 'given' | 'postgres'>): Source {
  refuseOthers('PostgreSQLSettings', postgres, KNOWN);
  const extra = parseAttributes(given.ExtraConnectionAttributes);
  refuseOthers('ExtraConnectionAttributes', extra, [
    'slotName',
    'captureDDLs',
    'pluginName',
    'heartbeatEnable',
  ]);
  const need = <Value>(name: string, value: Value | undefined): Value => {
    if (value === undefined) throw invalid(`${name} of the source must be given`);
    return value;
  };
  return {
    host: need('ServerName', postgres.ServerName ?? given.ServerName),
    port: need('Port', postgres.Port ?? given.Port),
    database: need('DatabaseName', postgres.DatabaseName ?? given.DatabaseName),
    user: need('Username', postgres.Username ?? given.Username),
    password: postgres.Password ?? given.Password,
    ssl: given.SslMode !== undefined && given.SslMode !== 'none',
    slot: postgres.SlotName ?? extra['slotName'],
    booleanAsBoolean: postgres.MapBooleanAsBoolean ?? false,
  };
}

/** `a=1;b=2` */
export function parseAttributes(text: string | undefined): Record<string, string> {
  const pairs = (text ?? '').split(';').filter((pair) => pair.trim() !== '');
  return Object.fromEntries(
    pairs.map((pair) => {
      const [name = '', ...rest] = pair.split('=');
      return [name.trim(), rest.join('=').trim()];
    }),
  );
}
