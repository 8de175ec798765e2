import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { VARIABLES, readEnv } from '../../config/env.ts';
import { SEARCH_ATTRIBUTES } from '../../scripts/temporal/server.mjs';

interface Service {
  readonly image?: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

const file = new URL('../../docker-compose.yml', import.meta.url);
const { services }: { services: Record<string, Service> } = parse(await readFile(file, 'utf8'), {
  merge: true,
});
const ours = Object.entries(services).filter(([, service]) => service.build === '.');

/** What the AWS SDK reads by itself. */
const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'];

test('Temporal with its Postgres and UI, the stand-ins and a worker are there', () => {
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining(['postgres', 'temporal', 'ui', 'stack', 'worker']),
  );
  expect(ours.map(([name]) => name)).toEqual(['stack', 'bucket', 'worker']);
});

test('every variable of our services is one that is read', () => {
  const known = [...Object.keys(VARIABLES), ...CREDENTIALS];
  for (const [name, { environment = {} }] of ours) {
    const unknown = Object.keys(environment).filter((variable) => !known.includes(variable));
    expect({ name, unknown }).toEqual({ name, unknown: [] });
  }
});

test("the worker's variables are right, and name the other services", () => {
  expect(readEnv(services['worker']?.environment)).toMatchObject({
    temporalAddress: 'temporal:7233',
    awsEndpointUrl: 'http://127.0.0.1:9000',
    bucket: 'travel-lake',
    memoryMb: 512,
  });
});

test("the lake's search attributes are made", () => {
  const made = services['search-attributes']?.command ?? [];
  const expected = Object.entries(SEARCH_ATTRIBUTES).flatMap(([name, type]) => [
    `--name=${name}`,
    `--type=${type}`,
  ]);
  expect(made).toEqual(expected);
});

test('images are named with a version, and none is built on Alpine', async () => {
  const dockerfile = await readFile(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const base = /^FROM (\S+)/m.exec(dockerfile)?.[1];
  const images = [base, ...Object.values(services).map(({ image }) => image)].filter(
    (image) => image !== undefined,
  );
  for (const image of images) {
    expect(image).toMatch(/:\d/);
    expect(image).not.toContain('alpine');
  }
});
