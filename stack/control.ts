import type { JumpingClock } from './clock.ts';
import { type Exchange, type Reply, readAll } from './exchange.ts';
import { parseLimits } from './kinesis/limits.ts';
import type { Kinesis } from './kinesis/service.ts';
import { type Faults, parseRules } from './faults.ts';
import type { S3 } from './s3/service.ts';
import { parseS3Settings } from './s3/settings.ts';

const LARGEST_BYTES = 1 << 20;

/**
 * The stack's own controls, unsigned, for it listens on the loopback alone: `POST`, `GET` and `DELETE /_stack/faults`,
 * `GET /_stack/clock`, `POST /_stack/clock {"jumpMs": …}`, `POST /_stack/kinesis {"emptyPageEvery": 3, …}`: limits of `kinesis/limits.ts`,
 * `POST /_stack/s3 {"restoreMs": 500}`: settings of `s3/settings.ts`.
 */
export async function answerControl(
  { method, path, body }: Exchange,
  { faults, clock, kinesis, s3 }: { faults: Faults; clock: JumpingClock; kinesis: Kinesis; s3: S3 },
): Promise<Reply> {
  const text = (await readAll(body, LARGEST_BYTES)).toString('utf8');
  switch (`${method} ${path}`) {
    case 'POST /_stack/faults':
      try {
        faults.add(parseRules(text));
      } catch (error) {
        return json(400, { error: error instanceof Error ? error.message : String(error) });
      }
      return json(200, faults.list());
    case 'GET /_stack/faults':
      return json(200, faults.list());
    case 'DELETE /_stack/faults':
      faults.clear();
      return json(200, []);
    case 'POST /_stack/kinesis':
      try {
        return json(200, kinesis.setLimits(parseLimits(text)));
      } catch (error) {
        return json(400, { error: error instanceof Error ? error.message : String(error) });
      }
    case 'POST /_stack/s3':
      try {
        return json(200, s3.setSettings(parseS3Settings(text)));
      } catch (error) {
        return json(400, { error: error instanceof Error ? error.message : String(error) });
      }
    case 'POST /_stack/clock': {
      const jumpMs = /"jumpMs"\s*:\s*(-?\d+)/.exec(text)?.[1];
      if (jumpMs === undefined)
        return json(400, { error: 'the body must be {"jumpMs": <whole number of milliseconds>}' });
      clock.jump(Number(jumpMs));
      return json(200, { nowMs: clock.now() });
    }
    case 'GET /_stack/clock':
      return json(200, { nowMs: clock.now() });
    default:
      return json(404, {
        error: `${method} ${path} is not a control: there are /_stack/faults, /_stack/clock, /_stack/kinesis and /_stack/s3`,
      });
  }
}

function json(status: number, value: unknown): Reply {
  return {
    status,
    headers: { 'content-type': 'application/json' },
    body: Buffer.from(`${JSON.stringify(value)}\n`),
  };
}
