import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';

/** Refuses a stream of `count` open shards, or `more` in the account, beyond what either may have. */
export function refuseShards(catalogue: Catalogue, count: number, more: number): void {
  const { account, region, limits } = catalogue.realm;
  if (count > limits.shardsPerStream) {
    throw new ServiceError(
      'LimitExceededException',
      `${count} open shards are more than ${limits.shardsPerStream}`,
    );
  }
  const open = openShards(catalogue);
  if (more > 0 && open + more > limits.shardsPerAccount) {
    const said = `Account ${account} has ${open} open shards in ${region}; ${more} more would exceed ${limits.shardsPerAccount}`;
    throw new ServiceError('LimitExceededException', said);
  }
}

/** Refuses one more stream on demand beyond what the account may have. */
export function refuseOnDemand(catalogue: Catalogue): void {
  const most = catalogue.realm.limits.onDemandStreams;
  if (onDemandStreams(catalogue) >= most) {
    throw new ServiceError('LimitExceededException', `the account has ${most} ON_DEMAND streams already`);
  }
}

export function openShards(catalogue: Catalogue): number {
  return catalogue.all().reduce((sum, { openShards: open }) => sum + open.length, 0);
}

export function onDemandStreams(catalogue: Catalogue): number {
  return catalogue.all().filter(({ settings }) => settings.mode === 'ON_DEMAND').length;
}
