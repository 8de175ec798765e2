#!/usr/bin/env node
// Plain JavaScript, and nothing from node_modules: it runs before anything is installed, and Node 20 reads no TypeScript.
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { installPackages } from './packages.mjs';
import { isAtLeast } from './temporal/binary.mjs';
import { findTemporal, sayOnStderr, stopwatch } from './temporal/find.mjs';

export { findTemporal, findTemporalBinary } from './temporal/find.mjs';

const OLDEST_NODE = '20.19';

async function setUp() {
  const took = stopwatch();
  if (!isAtLeast(process.versions.node, OLDEST_NODE)) {
    throw new Error(`Node ${process.versions.node} runs this: ${OLDEST_NODE} or newer would be right`);
  }
  await installPackages(fileURLToPath(new URL('..', import.meta.url)), sayOnStderr);
  await findTemporal();
  sayOnStderr(`ready in ${took()}`);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await setUp().catch((/** @type {Error} */ error) => {
    sayOnStderr(error.message);
    process.exitCode = 1;
  });
}
