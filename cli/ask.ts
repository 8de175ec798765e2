import { type Client, WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import { Refused, wordsOf } from './context.ts';

/** Send an update to an open run and resolve its answer; what it refuses is refused here in its own words. */
export async function askUpdate<Answer, Request>(
  client: Client,
  workflowId: string,
  update: UpdateDefinition<Answer, [Request]>,
  request: Request,
): Promise<Answer> {
  try {
    return await client.workflow.getHandle(workflowId).executeUpdate(update, { args: [request] });
  } catch (error) {
    if (error instanceof WorkflowUpdateFailedError) throw new Refused(wordsOf(error));
    if (error instanceof WorkflowNotFoundError)
      throw new Refused(`no run ${workflowId} is open: \`tributary status\` lists what is`);
    throw error;
  }
}
