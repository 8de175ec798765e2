import { z } from 'zod';

const hostAndPort = z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'must be host:port, such as 127.0.0.1:7233');
const flag = z.enum(['true', 'false'], 'must be true or false').transform((text) => text === 'true');
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be a URL, such as http://127.0.0.1:9000' });
const queueNames = z
  .string()
  .transform((text) => text.split(',').map((name) => name.trim()))
  .refine(
    (names) => names.every((name) => /^[a-z][a-z0-9-]*$/.test(name)),
    'must be names between commas, such as control,transfer',
  );

function wholeNumber(from: number, to: number) {
  const words = `must be a whole number from ${from} to ${to}`;
  return z
    .string()
    .regex(/^\d+$/, words)
    .transform(Number)
    .refine((value) => value >= from && value <= to, words);
}

/** What a variable is for, and what it may hold. */
export interface Variable {
  readonly means: string;
  readonly schema: z.ZodType<unknown, string | undefined>;
  /** What an unset variable stands for, where that can be said in a word. */
  readonly unset?: string;
}

/** Every variable that Tributary reads. The documentation's table is generated from this one. */
export const VARIABLES = {
  TEMPORAL_ADDRESS: {
    means:
      'Temporal server, host:port. Demo, tests and `tributary local` start a dev server when it is unset.',
    schema: hostAndPort.optional(),
    unset: 'the dev server at 127.0.0.1:7233',
  },
  TEMPORAL_NAMESPACE: {
    means: 'Temporal namespace. One namespace serves one lake.',
    schema: z.string().min(1, 'must not be empty').default('default'),
    unset: 'default',
  },
  TEMPORAL_API_KEY: {
    means: 'API key for Temporal Cloud. Switches TLS on.',
    schema: z.string().min(1, 'must not be empty').optional(),
  },
  TEMPORAL_TLS: {
    means: 'true to speak TLS to the Temporal server.',
    schema: flag.optional(),
    unset: 'true where TEMPORAL_API_KEY is set, else false',
  },
  AWS_ENDPOINT_URL: {
    means: 'Where a stand-in plays the part of AWS. Demo and tests accept a loopback address only.',
    schema: httpUrl.optional(),
    unset: 'AWS itself',
  },
  AWS_REGION: {
    means: 'Region of the bucket and the streams. Credentials are left to the AWS SDK.',
    schema: z.string().min(1, 'must not be empty').default('eu-west-1'),
    unset: 'eu-west-1',
  },
  TRIBUTARY_BUCKET: {
    means: "The lake's bucket, for commands that are not given a lake.yaml.",
    schema: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be an S3 bucket name')
      .optional(),
    unset: 'what lake.yaml names',
  },
  TRIBUTARY_SCRATCH: {
    means: 'Folder for what does not outlive an activity: spilled tables of DuckDB, slices of large files.',
    schema: z.string().min(1, 'must not be empty').optional(),
    unset: "a folder under the system's temporary folder",
  },
  TRIBUTARY_MEMORY_MB: {
    means: 'MiB that DuckDB may use in one activity before it spills to the scratch folder.',
    schema: wholeNumber(64, 1_048_576).default(512),
    unset: '512',
  },
  TRIBUTARY_QUEUES: {
    means: 'Task queues that this worker serves, between commas: control, transfer, stream, compute, watch.',
    schema: queueNames.optional(),
    unset: 'all of them',
  },
  TRIBUTARY_HEALTH_PORT: {
    means: 'Port of 127.0.0.1 where the worker says that it is alive, and shows its metrics.',
    schema: wholeNumber(1, 65_535).optional(),
    unset: 'none',
  },
} as const satisfies Readonly<Record<string, Variable>>;

/** What this process was told about its surroundings. */
export interface Env {
  /** host:port. Unset in development, where whoever needs a server starts one. */
  readonly temporalAddress: string | undefined;
  readonly temporalNamespace: string;
  readonly temporalApiKey: string | undefined;
  readonly temporalTls: boolean;
  /** Set where a stand-in plays the part of AWS. */
  readonly awsEndpointUrl: string | undefined;
  readonly awsRegion: string;
  readonly bucket: string | undefined;
  /** Unset: a folder under the system's temporary folder. */
  readonly scratchDir: string | undefined;
  /** MiB, for each activity. */
  readonly memoryMb: number;
  /** Unset: every queue. */
  readonly queues: readonly string[] | undefined;
  readonly healthPort: number | undefined;
}

type Read = { readonly [Name in keyof typeof VARIABLES]: z.output<(typeof VARIABLES)[Name]['schema']> };

/**
 * The only reader of process.env. A variable that is set to nothing counts as unset. Throws one error that names
 * every variable at fault.
 */
export function readEnv(variables: NodeJS.ProcessEnv = process.env): Env {
  const read = parse(variables);
  return {
    temporalAddress: read.TEMPORAL_ADDRESS,
    temporalNamespace: read.TEMPORAL_NAMESPACE,
    temporalApiKey: read.TEMPORAL_API_KEY,
    temporalTls: read.TEMPORAL_TLS ?? read.TEMPORAL_API_KEY !== undefined,
    awsEndpointUrl: read.AWS_ENDPOINT_URL,
    awsRegion: read.AWS_REGION,
    bucket: read.TRIBUTARY_BUCKET,
    scratchDir: read.TRIBUTARY_SCRATCH,
    memoryMb: read.TRIBUTARY_MEMORY_MB,
    queues: read.TRIBUTARY_QUEUES,
    healthPort: read.TRIBUTARY_HEALTH_PORT,
  };
}

/** Of one variable for each database source. */
export const DATABASE_VARIABLE = {
  name: 'TRIBUTARY_DATABASE_<SOURCE>',
  means:
    'The database of a source, as `postgresql://user:password@host/database`, for `compare` and `repair`; a user that may read its tables is enough. `<SOURCE>` is its name in capitals, with `_` for what is neither letter nor digit.',
} as const;

/** The name of the variable that says where a source's database is. */
export function databaseVariable(source: string): string {
  return `TRIBUTARY_DATABASE_${source.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`;
}

/** Where a source's database is; undefined where nobody says. It holds a password: it goes nowhere but to the driver. */
export function databaseUrl(source: string, variables: NodeJS.ProcessEnv = process.env): string | undefined {
  const name = databaseVariable(source);
  const url = variables[name] || undefined;
  const isRight = url === undefined || (/^postgres(ql)?:\/\//.test(url) && URL.canParse(url));
  if (!isRight)
    throw new Error(`${name} is a value: must be a URL, such as postgresql://reader@127.0.0.1/shop`);
  return url;
}

/** For demo and tests: throws unless everything that speaks AWS would stay on this machine, or has no endpoint yet. */
export function refuseFarEndpoint({ awsEndpointUrl }: Pick<Env, 'awsEndpointUrl'>): void {
  if (awsEndpointUrl === undefined) return;
  const { hostname } = new URL(awsEndpointUrl);
  if (hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)) return;
  throw new Error(
    `AWS_ENDPOINT_URL is "${awsEndpointUrl}": demo and tests make and remove buckets, so they accept a loopback address only`,
  );
}

function parse(variables: NodeJS.ProcessEnv): Read {
  const names = Object.keys(VARIABLES);
  const told = Object.fromEntries(names.map((name) => [name, variables[name] || undefined]));
  const shape = Object.fromEntries(Object.entries(VARIABLES).map(([name, { schema }]) => [name, schema]));
  const result = z.object(shape).safeParse(told);
  if (result.success) return result.data as Read;
  const faults = result.error.issues.map((issue) => {
    const name = String(issue.path[0]);
    // A secret stays out of messages, which end in logs and histories.
    const found = name === 'TEMPORAL_API_KEY' ? 'a value' : `"${variables[name]}"`;
    return `  ${name} is ${found}: ${issue.message}`;
  });
  throw new Error(`the environment is not right:\n${faults.join('\n')}`);
}

/** Every variable as it is, for `${NAME}` in a lake.yaml. */
export function allVariables(): Readonly<Record<string, string | undefined>> {
  return process.env;
}
