import { expect, test } from 'vitest';
import { VARIABLES, databaseUrl, readEnv, refuseFarEndpoint } from '../../config/env.ts';

test('an empty environment is a development machine', () => {
  expect(readEnv({})).toEqual({
    temporalAddress: undefined,
    temporalNamespace: 'default',
    temporalApiKey: undefined,
    temporalTls: false,
    awsEndpointUrl: undefined,
    awsRegion: 'eu-west-1',
    bucket: undefined,
    scratchDir: undefined,
    memoryMb: 512,
    queues: undefined,
    healthPort: undefined,
  });
});

test('every variable is read', () => {
  const env = readEnv({
    TEMPORAL_ADDRESS: 'temporal.example:7233',
    TEMPORAL_NAMESPACE: 'travel',
    TEMPORAL_API_KEY: 'key',
    TEMPORAL_TLS: 'false',
    AWS_ENDPOINT_URL: 'http://127.0.0.1:9000',
    AWS_REGION: 'eu-central-1',
    TRIBUTARY_BUCKET: 'travel-lake',
    TRIBUTARY_SCRATCH: '/var/scratch',
    TRIBUTARY_MEMORY_MB: '2048',
    TRIBUTARY_QUEUES: 'control, transfer',
    TRIBUTARY_HEALTH_PORT: '8080',
  });
  expect(env).toEqual({
    temporalAddress: 'temporal.example:7233',
    temporalNamespace: 'travel',
    temporalApiKey: 'key',
    temporalTls: false,
    awsEndpointUrl: 'http://127.0.0.1:9000',
    awsRegion: 'eu-central-1',
    bucket: 'travel-lake',
    scratchDir: '/var/scratch',
    memoryMb: 2048,
    queues: ['control', 'transfer'],
    healthPort: 8080,
  });
});

test('an API key switches TLS on', () => {
  expect(readEnv({ TEMPORAL_API_KEY: 'key' }).temporalTls).toBe(true);
});

test('a variable that is set to nothing counts as unset', () => {
  expect(readEnv({ TEMPORAL_ADDRESS: '', TRIBUTARY_MEMORY_MB: '' })).toMatchObject({
    temporalAddress: undefined,
    memoryMb: 512,
  });
});

test('one error names every variable at fault, what it holds and what would be right', () => {
  const wrong = {
    TEMPORAL_ADDRESS: 'http://localhost:7233',
    TEMPORAL_TLS: 'yes',
    AWS_ENDPOINT_URL: '127.0.0.1:9000',
    TRIBUTARY_BUCKET: 'Travel_Lake',
    TRIBUTARY_MEMORY_MB: '1GB',
    TRIBUTARY_QUEUES: 'control,,transfer',
    TRIBUTARY_HEALTH_PORT: '70000',
  };
  expect(() => readEnv(wrong)).toThrow(
    [
      'the environment is not right:',
      '  TEMPORAL_ADDRESS is "http://localhost:7233": must be host:port, such as 127.0.0.1:7233',
      '  TEMPORAL_TLS is "yes": must be true or false',
      '  AWS_ENDPOINT_URL is "127.0.0.1:9000": must be a URL, such as http://127.0.0.1:9000',
      '  TRIBUTARY_BUCKET is "Travel_Lake": must be an S3 bucket name',
      '  TRIBUTARY_MEMORY_MB is "1GB": must be a whole number from 64 to 1048576',
      '  TRIBUTARY_QUEUES is "control,,transfer": must be names between commas, such as control,transfer',
      '  TRIBUTARY_HEALTH_PORT is "70000": must be a whole number from 1 to 65535',
    ].join('\n'),
  );
});

test('every variable says what it is for', () => {
  for (const { means } of Object.values(VARIABLES)) expect(means).toMatch(/\.$/);
});

test.each(['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000', undefined])(
  'demo and tests accept %s as their AWS',
  (awsEndpointUrl) => {
    expect(() => refuseFarEndpoint({ awsEndpointUrl })).not.toThrow();
  },
);

test.each([
  'https://s3.eu-west-1.amazonaws.com',
  'http://127.0.0.1.example.com',
  'http://localhost.example.com',
])('demo and tests refuse %s as their AWS', (awsEndpointUrl) => {
  expect(() => refuseFarEndpoint({ awsEndpointUrl })).toThrow('loopback');
});

test('a source has a variable of its own for its database, whose value no message shows', () => {
  const url = 'postgresql://reader:secret@db.example/shop';
  expect(databaseUrl('web-shop.eu', { TRIBUTARY_DATABASE_WEB_SHOP_EU: url })).toBe(url);
  expect(databaseUrl('shop', { TRIBUTARY_DATABASE_SHOP: '' })).toBe(undefined);
  expect(() => databaseUrl('shop', { TRIBUTARY_DATABASE_SHOP: 'db:secret' })).toThrow(
    'TRIBUTARY_DATABASE_SHOP is a value: must be a URL, such as postgresql://reader@127.0.0.1/shop',
  );
});
