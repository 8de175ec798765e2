import { createServer } from 'node:http';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { createKinesis, type Kinesis, type KinesisOptions } from '../../stack/kinesis/service.ts';

/** A clock that stands still until it is told to move. */
export class ManualClock {
  #now: number;

  constructor(now = Date.parse('2026-11-22T10:00:00Z')) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  /** Back too, as a real one may go. */
  move(byMs: number): void {
    this.#now += byMs;
  }
}

export interface ServedKinesis {
  readonly url: string;
  readonly client: KinesisClient;
  readonly service: Kinesis;
  readonly close: () => Promise<void>;
}

/** The service behind the smallest HTTP/1.1 server that can carry it: no signatures, no faults. */
export async function serveKinesis(options: KinesisOptions): Promise<ServedKinesis> {
  const service = await createKinesis(options);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const operation = String(request.headers['x-amz-target']).split('.').at(-1) ?? '';
      service.handle(operation, Buffer.concat(chunks)).then(
        ({ status, headers, body }) => response.writeHead(status, headers).end(body),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const url = `http://127.0.0.1:${port}`;
  const client = kinesisClient(url);
  return {
    url,
    client,
    service,
    close: async () => {
      client.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await service.close();
    },
  };
}

/** One attempt a call, so that a test sees every answer. */
export function kinesisClient(endpoint: string): KinesisClient {
  return new KinesisClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    maxAttempts: 1,
    requestHandler: new NodeHttpHandler({ requestTimeout: 30_000, connectionTimeout: 5_000 }),
  });
}
