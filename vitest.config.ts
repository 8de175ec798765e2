import { defineConfig } from 'vitest/config';

// A Temporal runtime belongs to its process, so every test file gets a process of its own.
const shared = { pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000 } as const;

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
      {
        test: {
          ...shared,
          name: 'workflow',
          include: ['test/workflows/**/*.test.ts'],
          globalSetup: 'test/support/global-setup.ts',
        },
      },
      { test: { ...shared, name: 'replay', include: ['test/replay/**/*.test.ts'] } },
      { test: { ...shared, name: 'e2e', include: ['test/{crash,e2e,browser}/**/*.test.ts'], testTimeout: 600_000 } },
    ],
  },
});
