import { parseArgs } from 'node:util';
import { DEFAULTS, startStack } from './server.ts';

const USAGE =
  'usage: tsx stack/main.ts --port N --data DIR [--access-key ID] [--secret-key SECRET] [--region REGION]';

/** Runs the stand-ins until SIGTERM or SIGINT. Prints what a shell needs to talk to them, then `ready`. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string' },
      data: { type: 'string' },
      'access-key': { type: 'string', default: DEFAULTS.accessKeyId },
      'secret-key': { type: 'string', default: DEFAULTS.secretAccessKey },
      region: { type: 'string', default: DEFAULTS.region },
    },
  });
  const port = Number(values.port);
  if (values.data === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) {
    return fail(
      2,
      `--port and --data must be given; --port is a number up to 65535, 0 for a free one\n${USAGE}`,
    );
  }
  const keys = {
    accessKeyId: values['access-key'],
    secretAccessKey: values['secret-key'],
    region: values.region,
  };
  const stack = await startStack({ dir: values.data, port, ...keys });
  let isClosing = false;
  const stop = (): void => {
    if (isClosing) return;
    isClosing = true;
    stack.close().then(
      () => process.exit(0),
      (error: unknown) => fail(1, String(error)),
    );
  };
  process.on('SIGTERM', stop).on('SIGINT', stop);
  // After the handlers are in place: whoever reads `ready` may end us at once.
  const lines = [
    `export AWS_ENDPOINT_URL=${stack.url}`,
    `export AWS_ACCESS_KEY_ID=${keys.accessKeyId}`,
    `export AWS_SECRET_ACCESS_KEY=${keys.secretAccessKey}`,
    `export AWS_REGION=${keys.region}`,
    'ready',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

function fail(code: number, message: string): never {
  process.stderr.write(`stack: ${message}\n`);
  process.exit(code);
}

main().catch((error: unknown) => fail(1, error instanceof Error ? error.message : String(error)));
