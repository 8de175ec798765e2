import { defineConfig } from 'vitest/config';
import { readEnv, refuseFarEndpoint } from './config/env.ts';

refuseFarEndpoint(readEnv());

const shared = {
  // A Temporal runtime belongs to its process, so every test file gets a process of its own.
  pool: 'forks',
  testTimeout: 60_000,
  hookTimeout: 120_000,
  // Whatever account this machine is logged in to, tests know nothing of it.
  env: {
    AWS_ACCESS_KEY_ID: 'tributary',
    AWS_SECRET_ACCESS_KEY: 'tributary-local',
    AWS_SESSION_TOKEN: '',
    AWS_PROFILE: '',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_REGION: 'eu-west-1',
    // The oldest Node that we serve is on purpose.
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  },
} as const;

const withTemporal = {
  ...shared,
  setupFiles: 'test/support/quiet.ts',
  globalSetup: 'test/support/global-setup.ts',
} as const;

export default defineConfig({
  test: {
    maxWorkers: 2,
    projects: [
      {
        test: {
          ...shared,
          name: 'unit',
          include: ['test/{lake,activities,config,reading,sample,cli,workers,docs,scripts}/**/*.test.ts'],
        },
      },
      { test: { ...shared, name: 'contract', include: ['test/{contracts,stack}/**/*.test.ts'] } },
      { test: { ...withTemporal, name: 'workflow', include: ['test/{workflows,support}/**/*.test.ts'] } },
      {
        test: {
          ...shared,
          name: 'replay',
          setupFiles: 'test/support/quiet.ts',
          include: ['test/replay/**/*.test.ts'],
        },
      },
      {
        test: {
          ...shared,
          name: 'e2e',
          include: ['test/{crash,e2e,browser}/**/*.test.ts'],
          testTimeout: 600_000,
        },
      },
    ],
  },
});
