import { mkdirSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttp2 } from 'node:http2';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { S3Client } from '@aws-sdk/client-s3';
import { type JumpingClock, createClock } from './clock.ts';
import { answerControl } from './control.ts';
import { createDms } from './dms/service.ts';
import { type Reply, Refusal, splitTarget } from './exchange.ts';
import { Faults } from './faults.ts';
import { type Services, prepare } from './job.ts';
import type { Limits } from './kinesis/limits.ts';
import { type Kinesis, createKinesis } from './kinesis/service.ts';
import { lockFolder } from './lock.ts';
import { createS3, s3Error } from './s3/service.ts';
import { type Request, type Response, reset, send, sendHalf } from './send.ts';
import { runStruck } from './struck.ts';

export interface StackOptions {
  /** Where everything is kept; made if it is missing, and locked against other processes. */
  readonly dir: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly accessKeyId?: string;
  readonly secretAccessKey?: string;
  readonly region?: string;
  /** What Kinesis bears, where it differs from `LIMITS`. `POST /_stack/kinesis` changes it later. */
  readonly kinesisLimits?: Partial<Limits>;
}

export interface Stack {
  readonly url: string;
  readonly port: number;
  /** Resolves when all that was acknowledged is on disk and the folder is free. Calls under way are cut. */
  close(): Promise<void>;
}

export const DEFAULTS = {
  accessKeyId: 'tributary',
  secretAccessKey: 'tributary-local',
  region: 'eu-west-1',
} as const;
/** The account that everything belongs to. */
export const ACCOUNT = '123456789012';

/** Starts the stand-ins on 127.0.0.1. Rejects when the port is taken or another live process has the folder. */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { accessKeyId, secretAccessKey, region } = { ...DEFAULTS, ...options };
  mkdirSync(options.dir, { recursive: true });
  const unlock = lockFolder(options.dir);
  const closers: (() => void | Promise<void>)[] = [unlock];
  const close = async (): Promise<void> => {
    for (const closer of closers.toReversed()) await closer();
  };
  try {
    const clock = createClock();
    const shared = { clock, account: ACCOUNT, region };
    const s3 = createS3({ dir: join(options.dir, 's3'), ...shared });
    closers.push(() => s3.close());
    const limits = options.kinesisLimits ?? {};
    const kinesis = await createKinesis({ dir: join(options.dir, 'kinesis'), ...shared, limits });
    closers.push(() => kinesis.close());
    const faults = new Faults();
    const strike: Faults['strike'] = (call) => faults.strike(call);
    const dms = createDms({ dir: join(options.dir, 'dms'), ...shared, strike });
    const services = {
      s3,
      json: [kinesis, dms],
      keys: { accessKeyId, secretAccessKey, region },
      account: ACCOUNT,
    };
    const shell = await listen(options.port, services, { kinesis, faults, clock });
    closers.push(() => shell.close());
    const url = `http://127.0.0.1:${shell.port}`;
    // DMS writes through the front door, as the real one does; it leaves before the door closes.
    const landing = new S3Client({
      endpoint: url,
      region,
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    });
    closers.push(() => landing.destroy());
    closers.push(() => dms.close());
    await dms.open(landing);
    return { url, port: shell.port, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function listen(port: number, services: Services, world: Omit<World, 'services'>) {
  const running = new Set<Promise<void>>();
  const onRequest = (request: Request, response: Response): void => {
    const served = serve(request, response, { services, ...world }).finally(() => running.delete(served));
    running.add(served);
  };
  // Uploads may take long and connections may rest: a stand-in that hangs up would look like a fault.
  const http = createHttp({ requestTimeout: 0, keepAliveTimeout: 0 }, onRequest);
  const http2 = createHttp2(onRequest);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket)).on('error', () => socket.destroy());
    sniff(socket, (isHttp2) => (isHttp2 ? http2 : http).emit('connection', socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: async (): Promise<void> => {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await Promise.all([closed, ...running]);
    },
  };
}

/** The Kinesis client speaks HTTP/2 without asking: its connections start with "PRI", which is no method of HTTP/1.1. */
function sniff(socket: Socket, choose: (isHttp2: boolean) => void): void {
  socket.once('readable', () => {
    const start = socket.read() as Buffer | null;
    if (start === null) return;
    socket.unshift(start);
    const isUndecided = start.length < 3 && 'PRI'.startsWith(start.toString('latin1'));
    if (isUndecided) setImmediate(() => sniff(socket, choose));
    else choose(start.toString('latin1', 0, 3) === 'PRI');
  });
}

interface World {
  readonly services: Services;
  readonly kinesis: Kinesis;
  readonly faults: Faults;
  readonly clock: JumpingClock;
}

/** Answers one request. Never rejects: what goes wrong here is an InternalError for the client and a line for us. */
async function serve(
  request: Request,
  response: Response,
  { services, kinesis, faults, clock }: World,
): Promise<void> {
  try {
    const { method = 'GET', url = '/', headers } = request;
    const target = parseTarget(url);
    if (!('query' in target)) return await send(request, response, target);
    // Reading that stops early must not close the connection: the refusal is still to be sent on it.
    const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
    const exchange = { method, ...target, headers, body };
    if (target.path.startsWith('/_stack/')) {
      return await send(
        request,
        response,
        await answerControl(exchange, { faults, clock, kinesis, s3: services.s3 }),
      );
    }
    const job = await prepare(exchange, services);
    if (!('run' in job)) return await send(request, response, job);
    const bodyBytes = Number(headers['content-length'] ?? 0);
    const ending = await runStruck(job, faults, {
      jump: (byMs) => clock.jump(byMs),
      sleep: (ms) => wait(ms),
      bodyBytes,
    });
    if (ending.kind === 'reply') await send(request, response, ending.reply);
    else if (ending.kind === 'cut') await sendHalf(request, response, ending.reply);
    else if (ending.kind === 'reset') reset(request);
  } catch (error) {
    if (request.destroyed && !request.complete) return;
    process.stderr.write(
      `stack: ${request.method} ${request.url}: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    if (response.headersSent) return reset(request);
    await send(
      request,
      response,
      s3Error(new Refusal(500, 'InternalError', String(error)), request.url ?? ''),
    );
  }
}

function parseTarget(url: string): ReturnType<typeof splitTarget> | Reply {
  try {
    return splitTarget(url);
  } catch (error) {
    if (error instanceof Refusal) return s3Error(error, url);
    throw error;
  }
}
