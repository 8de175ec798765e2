import type { GetShardIteratorInput, GetShardIteratorOutput } from '@aws-sdk/client-kinesis';
import { ServiceError, parseBody, type Operation } from '../json-service.ts';
import type { Catalogue, Realm } from './catalogue.ts';
import { hashRange } from './hash-range.ts';
import type { RateWindow } from './limits.ts';
import { refuseOthers } from './members.ts';
import type { Shard } from './shard.ts';
import type { Stream } from './stream.ts';
import { formatToken, parseCursor } from './token.ts';

/** A place in a shard from which to read. LATEST is where the log ends now; below the horizon is the horizon. */
export function getShardIterator(catalogue: Catalogue) {
  return (input: GetShardIteratorInput): GetShardIteratorOutput => {
    const { realm } = catalogue;
    const stream = catalogue.readable(input);
    const shard = stream.shard(input.ShardId ?? '');
    const now = realm.clock.now();
    pace(realm, stream, shard, shard.iterators, realm.limits.iteratorsPerSecond);
    const position = Math.max(shard.horizon, startOf(input, shard, now));
    const cursor = { streamId: stream.id, shardId: shard.facts.shardId, position, issuedAt: now };
    return { ShardIterator: formatToken(cursor) };
  };
}

/**
 * One page. A closed shard's last page carries its last records, `ChildShards`, and no next iterator. The
 * size bound counts what lies on disk, a third more than the data, so a page holds up to 10 MiB of data.
 */
export function getRecords(catalogue: Catalogue): Operation {
  const { realm } = catalogue;
  return (body) => {
    const request = parseBody(body);
    refuseOthers('GetRecords', request, ['ShardIterator', 'Limit', 'StreamARN']);
    const limit = pageLimit(request['Limit'], realm);
    const token = request['ShardIterator'];
    if (typeof token !== 'string')
      throw new ServiceError('ValidationException', 'ShardIterator must be given');
    const cursor = parseCursor(token);
    const now = realm.clock.now();
    const age = now - cursor.issuedAt;
    if (age > realm.limits.iteratorLifeMs) {
      const said = `Iterator expired. The iterator was created ${age} ms ago; it lives ${realm.limits.iteratorLifeMs} ms.`;
      throw new ServiceError('ExpiredIteratorException', said);
    }
    const stream = catalogue.byId(cursor.streamId);
    if (!stream)
      throw new ServiceError('ResourceNotFoundException', 'The stream of this ShardIterator is gone.');
    const arn = request['StreamARN'] ?? stream.arn;
    if (arn !== stream.arn) {
      const said = `ShardIterator is of ${stream.arn}, not of ${JSON.stringify(arn)}`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    const shard = stream.shard(cursor.shardId);
    const rate = realm.limits.readBytesPerSecond * realm.limits.scale;
    if (shard.readBytes.isBlocked(now)) throw rateExceeded(realm, stream, shard);
    pace(realm, stream, shard, shard.reads, realm.limits.readsPerSecond);

    shard.readCalls += 1;
    const from = Math.max(cursor.position, shard.horizon);
    const { emptyPageEvery, bytesPerRead } = realm.limits;
    const isEmpty = emptyPageEvery > 0 && shard.readCalls % emptyPageEvery === 0;
    const page = shard.log.read(isEmpty ? shard.log.end : from, limit, Math.floor((bytesPerRead * 4) / 3));
    const next = isEmpty ? from : page.next;
    shard.readBytes.owes((page.lines.length * 3) / 4, rate, now);

    const isOver = shard.closing !== undefined && next >= shard.closing.end;
    const rest = {
      MillisBehindLatest: behind(shard, next, page.arrivedAt, now),
      ...(isOver
        ? { ChildShards: childrenOf(stream, shard) }
        : { NextShardIterator: formatToken({ ...cursor, position: next, issuedAt: now }) }),
    };
    // The lines end with ",\n", all but the last of them as JSON wants it.
    const lines = page.lines.subarray(0, Math.max(0, page.lines.length - 2));
    return Buffer.concat([OPENING, lines, Buffer.from(`],${JSON.stringify(rest).slice(1)}`)]);
  };
}

const OPENING = Buffer.from('{"Records":[');

function startOf(input: GetShardIteratorInput, shard: Shard, now: number): number {
  refuseTwoStarts(input);
  switch (input.ShardIteratorType) {
    case 'TRIM_HORIZON':
      return shard.horizon;
    case 'LATEST':
      return shard.log.end;
    case 'AT_TIMESTAMP': {
      const time = input.Timestamp?.getTime();
      if (time === undefined || Number.isNaN(time)) {
        throw new ServiceError('InvalidArgumentException', 'AT_TIMESTAMP needs a Timestamp');
      }
      if (time > now) {
        throw new ServiceError(
          'InvalidArgumentException',
          `Timestamp ${time} lies after the current time ${now}`,
        );
      }
      return shard.log.firstArrivedSince(time);
    }
    case 'AT_SEQUENCE_NUMBER':
    case 'AFTER_SEQUENCE_NUMBER': {
      const place = shard.placeOf(input.StartingSequenceNumber ?? '');
      if (place === undefined || place > shard.log.end) {
        const said = `StartingSequenceNumber ${input.StartingSequenceNumber} did not come from ${shard.facts.shardId}.`;
        throw new ServiceError('InvalidArgumentException', said);
      }
      const isAfter = input.ShardIteratorType === 'AFTER_SEQUENCE_NUMBER';
      return shard.log.recordAtOrAfter(Math.max(shard.horizon, isAfter ? place + 1 : place));
    }
    case undefined:
    default:
      throw new ServiceError(
        'ValidationException',
        `ShardIteratorType ${input.ShardIteratorType} is not known`,
      );
  }
}

const STARTS: Readonly<Record<string, string>> = {
  AT_SEQUENCE_NUMBER: 'StartingSequenceNumber',
  AFTER_SEQUENCE_NUMBER: 'StartingSequenceNumber',
  AT_TIMESTAMP: 'Timestamp',
};

/** A start that the type has no use for is a mistake of whoever gave it. */
function refuseTwoStarts(input: GetShardIteratorInput): void {
  const type = String(input.ShardIteratorType);
  const extra = (['StartingSequenceNumber', 'Timestamp'] as const).find(
    (name) => input[name] !== undefined && name !== STARTS[type],
  );
  if (extra === undefined) return;
  throw new ServiceError('InvalidArgumentException', `${type} does not go with a ${extra}`);
}

function pageLimit(found: unknown, realm: Realm): number {
  const most = realm.limits.recordsPerRead;
  if (found === undefined || found === null) return most;
  if (typeof found === 'number' && Number.isInteger(found) && found >= 1 && found <= 10_000)
    return Math.min(found, most);
  throw new ServiceError('ValidationException', `Limit ${JSON.stringify(found)} is not in 1..10000`);
}

/** How far the page's end lags behind now: 0 only when nothing follows it. */
function behind(shard: Shard, next: number, arrivedAt: number | undefined, now: number): number {
  if (next >= shard.log.end) return 0;
  return Math.max(1, now - (arrivedAt ?? shard.log.arrivalAt(next) ?? now));
}

function childrenOf(stream: Stream, shard: Shard): object[] {
  return (shard.closing?.children ?? []).flatMap((id) => {
    const child = stream.shards.find(({ facts }) => facts.shardId === id);
    if (!child) return [];
    return [{ ShardId: id, ParentShards: child.facts.parents, HashKeyRange: hashRange(child.facts) }];
  });
}

function pace(realm: Realm, stream: Stream, shard: Shard, window: RateWindow, perSecond: number): void {
  if (!window.takes(1, perSecond, realm.clock.now())) throw rateExceeded(realm, stream, shard);
}

function rateExceeded(realm: Realm, stream: Stream, shard: Shard): ServiceError {
  return new ServiceError(
    'ProvisionedThroughputExceededException',
    `Rate exceeded for shard ${shard.facts.shardId} in stream ${stream.name} under account ${realm.account}.`,
  );
}
