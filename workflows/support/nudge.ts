import { getExternalWorkflowHandle } from '@temporalio/workflow';
import { workflowIds } from '../../lake/ids.ts';
import { nudgeSignal } from './messages.ts';

/** Let the reconciliation of this dataset look at once. It looks by itself too: a lost nudge costs time, nothing else. */
export async function nudgeReconciliation(dataset: string | null): Promise<void> {
  if (dataset === null) return;
  try {
    await getExternalWorkflowHandle(workflowIds.reconcileDataset(dataset)).signal(nudgeSignal);
  } catch {
    // It is not running: what is in the ledger waits for it.
  }
}
