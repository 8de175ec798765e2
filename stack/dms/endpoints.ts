import type {
  CreateEndpointMessage,
  CreateEndpointResponse,
  DeleteEndpointMessage,
  DeleteEndpointResponse,
  DescribeEndpointsMessage,
  DescribeEndpointsResponse,
  Endpoint as WireEndpoint,
  ModifyEndpointMessage,
  ModifyEndpointResponse,
} from '@aws-sdk/client-database-migration-service';
import type { Catalogue } from './catalogue.ts';
import { invalid, newIdentifier, refuseOthers, resourcePart, wrongState } from './identifier.ts';
import type { Endpoint } from './model.ts';
import { page } from './paging.ts';
import { parseS3Target } from './s3-settings.ts';
import { parseSource } from './source-settings.ts';
import { fromTagList } from './tags.ts';

const KNOWN = [
  'EndpointArn',
  'EndpointIdentifier',
  'EndpointType',
  'EngineName',
  'Username',
  'Password',
  'ServerName',
  'Port',
  'DatabaseName',
  'ExtraConnectionAttributes',
  'Tags',
  'SslMode',
  'S3Settings',
  'PostgreSQLSettings',
  'ResourceIdentifier',
  'ExactSettings',
];

/** Sources are Postgres, targets are S3; any other engine is refused by name. */
export function endpointOperations(catalogue: Catalogue) {
  function create(input: CreateEndpointMessage): CreateEndpointResponse {
    const taken = catalogue.endpoints().map(({ id }) => id);
    const id = newIdentifier(input.EndpointIdentifier, 'EndpointIdentifier', taken);
    const endpoint = checked({
      arn: catalogue.arn('endpoint', resourcePart(input.ResourceIdentifier)),
      id,
      type: input.EndpointType === 'source' ? 'source' : 'target',
      engine: input.EngineName ?? '',
      status: 'active',
      given: input,
      postgres: input.PostgreSQLSettings,
      s3: input.S3Settings,
    });
    catalogue.setEndpoint(endpoint);
    catalogue.setTags(endpoint.arn, fromTagList(input.Tags));
    return { Endpoint: shown(endpoint) };
  }

  function modify(input: ModifyEndpointMessage): ModifyEndpointResponse {
    const before = catalogue.endpoint(input.EndpointArn);
    const users = tasksOf(before).filter(({ status }) => !['ready', 'stopped', 'failed'].includes(status));
    if (users.length > 0) throw wrongState(`${before.id} is used by ${users.map(({ id }) => id).join(', ')}`);
    const id = input.EndpointIdentifier ?? before.id;
    const merged = <Settings extends object>(old: Settings | undefined, next: Settings | undefined) =>
      next === undefined || input.ExactSettings === true ? (next ?? old) : { ...old, ...next };
    const { ExactSettings: _exact, EndpointArn: _arn, ...changes } = input;
    const given = Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined));
    const endpoint = checked({
      ...before,
      id,
      given: { ...before.given, ...given },
      postgres: merged(before.postgres, input.PostgreSQLSettings),
      s3: merged(before.s3, input.S3Settings),
    });
    catalogue.setEndpoint(endpoint);
    return { Endpoint: shown(endpoint) };
  }

  function describe(input: DescribeEndpointsMessage): DescribeEndpointsResponse {
    const { items, ...rest } = page(catalogue.endpoints(), input, FILTERS, { what: 'endpoints', most: 100 });
    return { Endpoints: items.map(shown), ...rest };
  }

  function remove(input: DeleteEndpointMessage): DeleteEndpointResponse {
    const endpoint = catalogue.endpoint(input.EndpointArn);
    const users = tasksOf(endpoint).map(({ id }) => id);
    if (users.length > 0) throw wrongState(`${endpoint.id} is used by ${users.join(', ')}`);
    const deleting: Endpoint = { ...endpoint, status: 'deleting' };
    catalogue.setEndpoint(deleting);
    settle(deleting);
    return { Endpoint: shown(deleting) };
  }

  function tasksOf({ arn }: Endpoint) {
    return catalogue.tasks().filter(({ sourceArn, targetArn }) => sourceArn === arn || targetArn === arn);
  }

  function settle({ arn }: Endpoint): void {
    catalogue.later(() => catalogue.remove('endpoint', arn));
  }

  function recover(): void {
    for (const one of catalogue.endpoints()) if (one.status === 'deleting') settle(one);
  }

  return { create, modify, describe, remove, recover };
}

/** The endpoint, when everything that it says is built here. */
function checked(endpoint: Endpoint): Endpoint {
  const { given, type, engine } = endpoint;
  refuseOthers('endpoint', given, KNOWN);
  if (given.EndpointType !== 'source' && given.EndpointType !== 'target') {
    throw invalid(`EndpointType is "${given.EndpointType}"; it has to be source or target`);
  }
  if (type === 'source' && engine === 'postgres') parseSource(endpoint);
  else if (type === 'target' && engine === 's3') parseS3Target(endpoint);
  else throw invalid(`EngineName ${engine} as a ${type} is not built here: sources are postgres, targets s3`);
  return endpoint;
}

const FILTERS = {
  'endpoint-arn': (one: Endpoint) => one.arn,
  'endpoint-type': (one: Endpoint) => one.type,
  'endpoint-id': (one: Endpoint) => one.id,
  'engine-name': (one: Endpoint) => one.engine,
};

function shown(one: Endpoint): WireEndpoint {
  const { Password: _password, ...postgres } = one.postgres ?? {};
  return {
    EndpointArn: one.arn,
    EndpointIdentifier: one.id,
    EndpointType: one.type,
    EngineName: one.engine,
    Status: one.status,
    Username: one.given.Username,
    ServerName: one.given.ServerName,
    Port: one.given.Port,
    DatabaseName: one.given.DatabaseName,
    ExtraConnectionAttributes: one.given.ExtraConnectionAttributes,
    SslMode: one.given.SslMode ?? 'none',
    ...(one.s3 ? { S3Settings: one.s3 } : {}),
    ...(one.postgres ? { PostgreSQLSettings: postgres } : {}),
  };
}
