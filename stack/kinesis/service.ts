import { jsonService } from '../json-service.ts';
import type { Clock, JsonService } from '../service.ts';
import { Catalogue } from './catalogue.ts';
import { LIMITS, type Limits } from './limits.ts';
import { operations } from './operations.ts';

export interface KinesisOptions {
  /** Where streams lie; made if it is missing. One process at a time may have it open. */
  readonly dir: string;
  readonly clock: Clock;
  readonly account: string;
  readonly region: string;
  readonly limits?: Partial<Limits>;
}

export interface Kinesis extends JsonService {
  /** Replace some limits from now on and tell all: throttling, empty pages and partial failures on demand. */
  setLimits(limits: Partial<Limits>): Limits;
}

/**
 * Kinesis as far as the lake uses it, held to AWS's documents. What was acknowledged is with the
 * operating system: `kill -9` loses none of it. The caller sees to it that nobody else opens `dir`.
 */
export async function createKinesis(options: KinesisOptions): Promise<Kinesis> {
  const { dir, clock, account, region } = options;
  let limits: Limits = { ...LIMITS, ...options.limits };
  const catalogue = new Catalogue(dir, {
    account,
    region,
    clock,
    get limits() {
      return limits;
    },
  });
  const service = jsonService({
    target: 'Kinesis_20131202',
    close: async () => catalogue.close(),
    operations: operations(catalogue),
  });
  return {
    ...service,
    setLimits(changed) {
      limits = { ...limits, ...changed };
      return limits;
    },
  };
}
