import { mkdir, readFile, rename, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LONG_AGO, vegaFile } from './vega.ts';

export interface AirportsSample {
  readonly file: string;
  readonly rows: number;
}

/**
 * The folder holds `airports.csv`, byte for byte as the package has it: `iata` is unique, and 12 cities and states
 * are the text `NA`.
 */
export async function writeAirports({ dir }: { readonly dir: string }): Promise<AirportsSample> {
  const file = join(dir, 'airports.csv');
  await mkdir(dir, { recursive: true });
  const bytes = await readFile(vegaFile('airports.csv'));
  await writeFile(`${file}.part`, bytes);
  await utimes(`${file}.part`, LONG_AGO, LONG_AGO);
  await rename(`${file}.part`, file);
  return { file, rows: bytes.filter((byte) => byte === 0x0a).length - 1 };
}
