import { fileURLToPath } from 'node:url';
import { DefaultLogger, type WorkflowBundleWithSourceMap, bundleWorkflowCode } from '@temporalio/worker';

const ALL_WORKFLOWS = new URL('../../workflows/index.ts', import.meta.url);

/** Workflows as a worker would load them. It rejects when one of them imports what the workflow sandbox bars. */
export function bundleWorkflows(entry: URL = ALL_WORKFLOWS): Promise<WorkflowBundleWithSourceMap> {
  return bundleWorkflowCode({ workflowsPath: fileURLToPath(entry), logger: new DefaultLogger('ERROR') });
}
