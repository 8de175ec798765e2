import { tmpdir } from 'node:os';
import { mkdtemp, rm } from 'node:fs/promises';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { findTemporal, findTemporalBinary } from '../../scripts/setup.mjs';
import { type TemporalServer, startTemporal } from '../../scripts/temporal/server.mjs';
import { bundleWorkflows } from './bundle.ts';

const say = () => undefined;

/** One bundle and one server for the whole run. Every test brings its own task queue. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const [found, binary] = await Promise.all([findTemporal({ say }), findTemporalBinary({ say })]);
  const logDir = await mkdtemp(path.join(tmpdir(), 'tributary-test-'));
  const server: TemporalServer | undefined =
    found.kind === 'address' ? undefined : await startTemporal({ binary: found, ui: false, logDir });

  try {
    project.provide('temporalAddress', found.kind === 'address' ? found.address : (server?.address ?? ''));
    project.provide('temporalBinary', binary.path);
    project.provide('workflowBundle', await bundleWorkflows());
  } catch (error) {
    await server?.stop();
    throw error;
  }
  return async () => {
    await server?.stop();
    await rm(logDir, { recursive: true, force: true });
  };
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly temporalAddress: string;
    /** The Temporal CLI, for operators' commands. */
    readonly temporalBinary: string;
    readonly workflowBundle: { readonly code: string };
  }
}
