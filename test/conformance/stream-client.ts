import { KinesisClient, type KinesisClientConfig, type ServiceOutputTypes } from '@aws-sdk/client-kinesis';
import { notHere } from './asked.ts';

/** Commands that name no stream, and change none. */
const NAMELESS = ['ListStreamsCommand', 'GetRecordsCommand', 'ListShardsCommand', 'DescribeLimitsCommand'];

/**
 * A client for which only the streams exist whose names begin with the prefix: names go out with it and come back
 * without it, except in ARNs. A command that would reach beyond ends the case as one that is not asked. `onCreate`
 * is told the whole name of every stream before it is made.
 */
export function streamClient(
  config: KinesisClientConfig,
  prefix: string,
  onCreate: (name: string) => void,
): KinesisClient {
  const client = new KinesisClient(config);
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const input: Fields = { ...args.input };
        for (const name of ['StreamName', 'ExclusiveStartStreamName']) {
          if (typeof input[name] === 'string') input[name] = prefix + input[name];
        }
        const arns = ['StreamARN', 'ConsumerARN', 'ResourceARN'].map((name) => input[name]);
        const isOurs =
          typeof input['StreamName'] === 'string' ||
          arns.some((arn) => typeof arn === 'string' && arn.includes(`:stream/${prefix}`));
        if (!isOurs && !NAMELESS.includes(commandName)) {
          notHere(`${commandName.replace(/Command$/, '')} names none of the streams that it made`);
        }
        if (commandName === 'CreateStreamCommand') onCreate(String(input['StreamName']));
        const result = await next({ ...args, input });
        return { ...result, output: without({ ...result.output }, prefix) as unknown as ServiceOutputTypes };
      },
    { step: 'initialize', name: 'streams' },
  );
  return client;
}

type Fields = Record<string, unknown>;

function without(output: Fields, prefix: string): Fields {
  const changed: Fields = { ...output };
  const isOurs = (name: unknown): name is string => typeof name === 'string' && name.startsWith(prefix);
  if (isOurs(changed['StreamName'])) changed['StreamName'] = changed['StreamName'].slice(prefix.length);
  for (const name of ['StreamDescription', 'StreamDescriptionSummary']) {
    const description = changed[name];
    if (typeof description === 'object' && description !== null) {
      changed[name] = without({ ...description }, prefix);
    }
  }
  const names: unknown = changed['StreamNames'];
  if (Array.isArray(names)) {
    changed['StreamNames'] = names.filter(isOurs).map((name) => name.slice(prefix.length));
  }
  return changed;
}
