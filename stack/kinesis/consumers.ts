import type {
  Consumer as WireConsumer,
  DeregisterStreamConsumerInput,
  DescribeStreamConsumerInput,
  DescribeStreamConsumerOutput,
  ListStreamConsumersInput,
  ListStreamConsumersOutput,
  RegisterStreamConsumerInput,
  RegisterStreamConsumerOutput,
} from '@aws-sdk/client-kinesis';
import { ServiceError } from '../json-service.ts';
import type { Catalogue } from './catalogue.ts';
import { openPage, pageSize, refuseOtherCreation } from './paging.ts';
import type { Consumer } from './settings.ts';
import type { Stream } from './stream.ts';
import { type PageToken, formatToken } from './token.ts';

/** At once, while they are being created. */
const CREATING = 5;

/** Consumers with a throughput of their own can be registered and seen; what they would read by is not built. */
export function consumers(catalogue: Catalogue) {
  const { realm } = catalogue;

  function registerStreamConsumer(input: RegisterStreamConsumerInput): RegisterStreamConsumerOutput {
    const stream = catalogue.active(input);
    const name = input.ConsumerName ?? '';
    if (!/^[a-zA-Z0-9_.-]{1,128}$/.test(name)) {
      const said = `ConsumerName "${name}" has to match [a-zA-Z0-9_.-]{1,128}`;
      throw new ServiceError('ValidationException', said);
    }
    const present = stream.settings.consumers;
    if (present.some((consumer) => consumer.name === name)) {
      throw new ServiceError('ResourceInUseException', `Consumer ${name} of ${stream.name} exists already`);
    }
    const most = realm.limits.consumersPerStream;
    const creating = present.filter(({ status }) => status === 'CREATING').length;
    if (present.length >= most || creating >= CREATING) {
      const said = `Stream ${stream.name} has ${present.length} consumers, ${creating} of them CREATING: ${most} and ${CREATING} are the most`;
      throw new ServiceError('LimitExceededException', said);
    }
    const createdAt = Math.floor(realm.clock.now() / 1_000);
    catalogue.record({ kind: 'registered', id: stream.id, consumer: name, createdAt });
    return { Consumer: described(consumerOf(stream, name)) };
  }

  function describeStreamConsumer(input: DescribeStreamConsumerInput): DescribeStreamConsumerOutput {
    const [stream, consumer] = find(input);
    return { ConsumerDescription: { ...described(consumer), StreamARN: stream.arn } };
  }

  function listStreamConsumers(input: ListStreamConsumersInput): ListStreamConsumersOutput {
    const stream = catalogue.stream(input);
    refuseOtherCreation(stream, input);
    const token = openPage(realm, input, ['StreamCreationTimestamp']);
    if (token && token.streamId !== stream.id) {
      throw new ServiceError('InvalidArgumentException', `NextToken is not of stream ${stream.name}`);
    }
    const limit = pageSize(input.MaxResults, 100);
    const rest = stream.settings.consumers.filter(({ name }) => token === undefined || name > token.after);
    const page = rest.slice(0, limit);
    const last = page.at(-1);
    const next: PageToken | undefined =
      last && rest.length > limit
        ? { streamId: stream.id, after: last.name, filter: undefined, issuedAt: realm.clock.now() }
        : undefined;
    return { Consumers: page.map(described), NextToken: next && formatToken(next) };
  }

  function deregisterStreamConsumer(input: DeregisterStreamConsumerInput): void {
    const [stream, consumer] = find(input);
    if (consumer.status === 'DELETING') return;
    catalogue.record({ kind: 'deregistered', id: stream.id, consumer: consumer.name });
  }

  /** By its own ARN, or by its stream's and its name. */
  function find({
    ConsumerARN: arn,
    ConsumerName: name,
    StreamARN,
  }: DescribeStreamConsumerInput): [Stream, Consumer] {
    if (arn === undefined && (name === undefined || StreamARN === undefined)) {
      const said = 'ConsumerARN, or StreamARN and ConsumerName, must be given';
      throw new ServiceError('InvalidArgumentException', said);
    }
    const stream = catalogue.stream({ StreamARN: StreamARN ?? arn?.split('/consumer/').at(0) });
    const found = consumerOf(stream, name ?? arn?.split('/').at(-1)?.split(':').at(0) ?? '');
    if (arn === undefined || arn === found.arn) return [stream, found];
    throw new ServiceError('ResourceNotFoundException', `Consumer ${arn} was not found`);
  }

  return { registerStreamConsumer, describeStreamConsumer, listStreamConsumers, deregisterStreamConsumer };
}

function consumerOf(stream: Stream, name: string): Consumer {
  const found = stream.settings.consumers.find((consumer) => consumer.name === name);
  if (found) return found;
  throw new ServiceError('ResourceNotFoundException', `Consumer ${name} of ${stream.name} was not found`);
}

function described({ name, arn, status, createdAt }: Consumer): WireConsumer {
  return {
    ConsumerName: name,
    ConsumerARN: arn,
    ConsumerStatus: status,
    ConsumerCreationTimestamp: new Date(createdAt * 1_000),
  };
}
