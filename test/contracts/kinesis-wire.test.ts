import { afterAll, beforeAll, describe } from 'vitest';
import { makeTmpFolder, removeTmpFolder } from '../support/tmp.ts';
import { serveKinesis, type ServedKinesis } from '../stack/kinesis-server.ts';
import { keepsTheKinesisContract } from './kinesis-wire.ts';

describe('the stand-in', () => {
  let dir = '';
  let served: ServedKinesis | undefined;

  beforeAll(async () => {
    dir = await makeTmpFolder();
    served = await serveKinesis({
      dir,
      clock: Date,
      account: '000000000000',
      region: 'us-east-1',
      limits: { emptyPageEvery: 3, readsPerSecond: 1_000, iteratorsPerSecond: 1_000 },
    });
  });

  afterAll(async () => {
    await served?.close();
    await removeTmpFolder(dir);
  });

  keepsTheKinesisContract(async () => {
    if (!served) throw new Error('the stand-in did not start');
    return served;
  });
});
