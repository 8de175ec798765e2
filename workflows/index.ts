export { applyLake } from './apply-lake.ts';
export { buildPartitions } from './build-partitions.ts';
export { ingestStream } from './ingest-stream.ts';
export { reconcileDataset } from './reconcile-dataset.ts';
export { replicateDatabase } from './replicate-database.ts';
export { runDmsTask } from './run-dms-task.ts';
export { transferFiles } from './transfer-files.ts';
