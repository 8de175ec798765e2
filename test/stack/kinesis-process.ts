// The service alone in a process that a test kills. Prints its address; ends with whoever started it.
import { serveKinesis } from './kinesis-server.ts';

const [dir = ''] = process.argv.slice(2);
const limits = { readsPerSecond: 1_000, iteratorsPerSecond: 1_000 };
const served = await serveKinesis({ dir, clock: Date, account: '000000000000', region: 'us-east-1', limits });
process.stdout.write(`${served.url}\n`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
