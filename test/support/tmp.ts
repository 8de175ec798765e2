import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';

/** A folder that is gone after the test. Its name has a space, as folders of real people have. */
export async function tmpFolder(): Promise<string> {
  const folder = await makeTmpFolder();
  onTestFinished(() => removeTmpFolder(folder));
  return folder;
}

/** For hooks that outlive a test: the caller owes a `removeTmpFolder`. */
export function makeTmpFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'tributary test-'));
}

export function removeTmpFolder(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true, maxRetries: 3 });
}
