import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, type WorkflowBundleWithSourceMap, bundleWorkflowCode } from '@temporalio/worker';

const PREBUILT = fileURLToPath(new URL('../dist/workflow-bundle.js', import.meta.url));

/** The prebuilt bundle where `npm run bundle` made one (production); else one made now (development, tests). */
export async function workflowBundle(): Promise<{ readonly codePath: string } | WorkflowBundleWithSourceMap> {
  return existsSync(PREBUILT) ? { codePath: PREBUILT } : bundleWorkflows();
}

/** Rejects when a workflow imports what the workflow sandbox bars. Takes 3 to 10 seconds. */
export function bundleWorkflows(): Promise<WorkflowBundleWithSourceMap> {
  const workflowsPath = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));
  return bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('ERROR') });
}
