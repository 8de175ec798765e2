import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Where a data file of the npm package `vega-datasets` lies. Its `exports` hide `data/`, so the folder is looked for. */
export function vegaFile(name: string): string {
  const start = dirname(fileURLToPath(import.meta.url));
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, 'node_modules', 'vega-datasets', 'data', name);
    if (existsSync(file)) return file;
    if (dirname(folder) === folder) {
      throw new Error(
        `no node_modules/vega-datasets/data/${name} in ${start} or any folder above it: run \`npm ci\``,
      );
    }
  }
}

/** When every sample file that is a cut of old data says it was last changed: long enough ago for any quiet window. */
export const LONG_AGO = new Date('2002-01-01T00:00:00Z');
