import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from '../workers/bundle.ts';

// What workers of a release load instead of bundling at their start.
const { code } = await bundleWorkflows();
const folder = new URL('../dist/', import.meta.url);
await mkdir(folder, { recursive: true });
const file = fileURLToPath(new URL('workflow-bundle.js', folder));
await writeFile(file, code);
console.log(`${file}: ${(code.length / 1e6).toFixed(1)} MB`);
