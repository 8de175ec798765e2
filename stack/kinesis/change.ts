import type {
  CreateStreamInput,
  DecreaseStreamRetentionPeriodInput,
  DeleteStreamInput,
  IncreaseStreamRetentionPeriodInput,
  StartStreamEncryptionInput,
  StopStreamEncryptionInput,
  UpdateStreamModeInput,
} from '@aws-sdk/client-kinesis';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import type { StreamMode } from './event.ts';
import { evenRanges } from './hash-range.ts';
import { refuseOnDemand, refuseShards } from './quota.ts';
import { shardName } from './reshard.ts';
import type { Counted } from './settings.ts';
import type { Stream } from './stream.ts';
import { checkTags } from './tags.ts';

/** What changes a stream. Each is true, and on disk, when it answers; the stream only says for a while that it is not. */
export function changes(catalogue: Catalogue) {
  const { realm } = catalogue;

  function createStream(input: CreateStreamInput): void {
    const name = input.StreamName ?? '';
    if (!/^[a-zA-Z0-9_.-]{1,128}$/.test(name)) {
      throw new ServiceError(
        'ValidationException',
        `StreamName "${name}" has to match [a-zA-Z0-9_.-]{1,128}`,
      );
    }
    const mode = modeOf(input.StreamModeDetails ?? { StreamMode: 'PROVISIONED' });
    const count = mode === 'ON_DEMAND' ? 4 : input.ShardCount;
    if (count === undefined || !Number.isInteger(count) || count < 1) {
      throw new ServiceError('ValidationException', `ShardCount ${count} has to be a whole number from 1 on`);
    }
    const tags = checkTags(input.Tags ?? {}, 0);
    if (catalogue.all().some((stream) => stream.name === name)) {
      throw new ServiceError(
        'ResourceInUseException',
        `Stream ${name} under account ${realm.account} already exists.`,
      );
    }
    refuseShards(catalogue, count, count);
    if (mode === 'ON_DEMAND') refuseOnDemand(catalogue);
    const openedAt = realm.clock.now();
    const shards = evenRanges(count).map((range, index) => ({
      ...shardName(index),
      openedAt,
      ...range,
      parents: [],
    }));
    const identity = catalogue.nextIdentity(name);
    catalogue.record({ kind: 'created', name, ...identity, mode, shards });
    if (Object.keys(tags).length > 0) catalogue.record({ kind: 'tags', id: identity.id, tags });
  }

  function deleteStream(input: DeleteStreamInput): void {
    const stream = catalogue.stream(input);
    const consumers = stream.settings.consumers.length;
    if (consumers > 0 && input.EnforceConsumerDeletion !== true) {
      const said = `Stream ${stream.name} has ${consumers} registered consumers: EnforceConsumerDeletion deletes them too`;
      throw new ServiceError('ResourceInUseException', said);
    }
    if (stream.status() !== 'DELETING') catalogue.record({ kind: 'deleted', id: stream.id });
  }

  function setRetention(direction: 'more' | 'less') {
    return (input: IncreaseStreamRetentionPeriodInput | DecreaseStreamRetentionPeriodInput): void => {
      const stream = catalogue.active(input);
      const hours = input.RetentionPeriodHours;
      if (hours === undefined || !Number.isInteger(hours) || hours < 24 || hours > 8_760) {
        throw new ServiceError(
          'InvalidArgumentException',
          `RetentionPeriodHours ${hours} is not in 24..8760`,
        );
      }
      const isRight = direction === 'more' ? hours >= stream.retentionHours : hours <= stream.retentionHours;
      if (!isRight) {
        const said = `RetentionPeriodHours ${hours} has to be ${direction} than the present ${stream.retentionHours}`;
        throw new ServiceError('InvalidArgumentException', said);
      }
      const listed = stream.listedShards();
      const horizons = Object.fromEntries(listed.map((shard) => [shard.facts.shardId, shard.horizon]));
      catalogue.record({ kind: 'retention', id: stream.id, hours, horizons });
    };
  }

  function updateStreamMode(input: UpdateStreamModeInput): void {
    const stream = catalogue.active(input);
    const mode = modeOf(input.StreamModeDetails);
    refuseMoreThan(stream, 'mode', realm.limits.modesPerDay);
    if (mode === 'ON_DEMAND' && stream.settings.mode !== mode) refuseOnDemand(catalogue);
    catalogue.record({ kind: 'mode', id: stream.id, at: realm.clock.now(), mode });
  }

  /** No key is asked for: there is no KMS here, and what lies on disk is as it came. */
  function startEncryption(input: StartStreamEncryptionInput): void {
    const keyId = keyOf(input);
    const stream = catalogue.active(input);
    refuseMoreThan(stream, 'encryption', realm.limits.keysPerDay);
    catalogue.record({ kind: 'encryption', id: stream.id, at: realm.clock.now(), keyId });
  }

  function stopEncryption(input: StopStreamEncryptionInput): void {
    const keyId = keyOf(input);
    const stream = catalogue.active(input);
    if (stream.settings.keyId !== keyId) {
      const said = `Stream ${stream.name} is encrypted with ${stream.settings.keyId ?? 'no key'}, not with ${keyId}`;
      throw new ServiceError('InvalidArgumentException', said);
    }
    catalogue.record({ kind: 'encryption', id: stream.id, at: realm.clock.now(), keyId: null });
  }

  function refuseMoreThan(stream: Stream, kind: Counted, most: number): void {
    if (stream.settings.changesOf(kind, realm.clock.now()) < most) return;
    const said = `The ${kind} of stream ${stream.name} has been changed ${most} times in 24 hours`;
    throw new ServiceError('LimitExceededException', said);
  }

  return { createStream, deleteStream, setRetention, updateStreamMode, startEncryption, stopEncryption };
}

function modeOf(details: UpdateStreamModeInput['StreamModeDetails']): StreamMode {
  const mode = details?.StreamMode;
  if (mode === 'PROVISIONED' || mode === 'ON_DEMAND') return mode;
  throw new ServiceError('ValidationException', `StreamMode ${mode} has to be PROVISIONED or ON_DEMAND`);
}

function keyOf({ EncryptionType: type, KeyId: key = '' }: StartStreamEncryptionInput): string {
  if (type !== 'KMS') throw new ServiceError('ValidationException', `EncryptionType ${type} has to be KMS`);
  if (key.length >= 1 && key.length <= 2_048) return key;
  throw new ServiceError('ValidationException', 'KeyId has to have 1 to 2048 characters');
}
