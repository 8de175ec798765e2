import { randomBytes } from 'node:crypto';
import type { Refusal, Reply } from '../exchange.ts';
import type { Clock } from '../service.ts';
import { leaf, xmlDocument } from '../xml.ts';
import { type Call, type Context, checkOwner } from './call.ts';
import { Conflicts } from './conflicts.ts';
import { HANDLERS } from './handlers.ts';
import type { Operation } from './operations.ts';
import type { S3Settings } from './settings.ts';
import { Store } from './store.ts';

export interface S3 {
  /** Rejects with a Refusal for what S3 would answer with an error. */
  answer(operation: Operation, call: Call): Promise<Reply>;
  /** They hold until this process ends. */
  setSettings(settings: S3Settings): S3Settings;
  close(): void;
}

/** S3 over the given folder, which must be this process's alone. */
export function createS3(options: { dir: string; clock: Clock; account: string; region: string }): S3 {
  const { clock, account, region } = options;
  const store = new Store(options.dir);
  const settings: S3Settings = { restoreMs: undefined };
  const context: Context = { store, conflicts: new Conflicts(), clock, account, region, settings };
  return {
    answer: async (operation, call) => {
      checkOwner(call.headers, 'x-amz-expected-bucket-owner', account);
      return HANDLERS[operation](call, context);
    },
    setSettings: (given) => Object.assign(settings, given),
    close: () => store.close(),
  };
}

/** An error as S3 writes it. */
export function s3Error({ status, code, message, headers, details }: Refusal, resource: string): Reply {
  const requestId = randomBytes(8).toString('hex').toUpperCase();
  const body = xmlDocument(
    'Error',
    undefined,
    leaf('Code', code),
    leaf('Message', message),
    ...Object.entries(details).map(([name, value]) => leaf(name, value)),
    leaf('Resource', resource),
    leaf('RequestId', requestId),
  );
  return { status, headers: { ...headers, 'content-type': 'application/xml' }, body };
}
