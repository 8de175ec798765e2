import { utimes, writeFile } from 'node:fs/promises';
import type { Lab, Snapshot } from './lab.ts';

/** A file as it was delivered at some minute past six. */
export async function writeDelivered(file: string, lines: readonly string[], minute = 0): Promise<void> {
  await writeFile(file, `${lines.join('\n')}\n`);
  const at = new Date(Date.UTC(2024, 2, 3, 6, minute));
  await utimes(file, at, at);
}

/** What a source's folder offers by now is collected. */
export async function landingStep(lab: Lab, before: Snapshot, source: string) {
  const listed = await lab.step(before, 'listFiles', { source });
  const { manifest, files } = listed.result;
  if (manifest === null) throw new Error(`${source} offers nothing`);
  return lab.step(listed.after, 'landFiles', { source, manifest, from: 0, to: files });
}
