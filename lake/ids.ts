/** Workflow ids are business ids, made here alone: whoever knows what they want knows the id. */
export const workflowIds = {
  transferFiles: (source: string) => `transfer/${source}`,
  ingestStream: (source: string) => `ingest/${source}`,
  replicateDatabase: (source: string) => `replicate/${source}`,
  reconcileDataset: (dataset: string) => `reconcile/${dataset}`,
  buildPartitions: (dataset: string, planId: string) => `build/${dataset}/${planId}`,
  runDmsTask: (task: string) => `dms/${task}`,
  applyLake: (lake: string) => `apply/${lake}`,
} as const;

/** The id of a source's schedule. */
export function scheduleId(source: string): string {
  return `schedule/${source}`;
}
