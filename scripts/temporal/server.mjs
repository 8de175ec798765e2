import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { findTemporalBinary } from './find.mjs';
import { freePorts, isOpen } from './ports.mjs';
import { run } from './run.mjs';

/** What workflows show of themselves to operators. @type {Readonly<Record<string, string>>} */
export const SEARCH_ATTRIBUTES = {
  LakeState: 'Keyword',
  LakeSource: 'KeywordList',
  LakeDataset: 'KeywordList',
  LakeFailure: 'KeywordList',
};

const TRIES = 5;
const HEALTHY_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 25;
const KEEPER = fileURLToPath(new URL('keeper.mjs', import.meta.url));

/**
 * @typedef {object} ServerOptions
 * @property {string} [dbFile] Keeps everything in this file, so that killing the server loses nothing; else in memory.
 * @property {number} [port] A free one unless given.
 * @property {number} [uiPort] A free one unless given.
 * @property {boolean} [ui] False leaves the Web UI out.
 * @property {string} [logDir] Where `temporal.log` goes: beside `dbFile`, else in a temporary folder, unless given.
 * @property {Readonly<Record<string, string>>} [searchAttributes] Name to type; the lake's own unless given.
 * @property {{ readonly path: string }} [binary] Found as set-up finds it unless given.
 *
 * @typedef {object} TemporalServer
 * @property {string} address host:port of the gRPC service.
 * @property {string} uiUrl Empty when there is no Web UI.
 * @property {number} pid
 * @property {string} binary The Temporal CLI that runs it.
 * @property {string} logFile
 * @property {() => Promise<void>} stop Ends this server and no other; resolves when it is gone. May be called again.
 */

/**
 * Start a dev server on 127.0.0.1 and wait until it takes workflows with the search attributes. The caller owes a
 * `stop`; should this process end without one, even by SIGKILL, the server ends too.
 *
 * @param {ServerOptions} [options]
 * @returns {Promise<TemporalServer>}
 */
export async function startTemporal(options = {}) {
  const binary = (options.binary ?? (await findTemporalBinary({ say: () => undefined }))).path;
  const { logFile, forgetLog } = await logFileFor(options);
  for (let attempt = 1; ; attempt += 1) {
    const ports = await choosePorts(options);
    const started = launch(binary, argumentsFor(options, ports), logFile);
    const outcome = await Promise.race([started.ended, healthy(binary, ports, options, started)]);
    if (outcome === 'healthy') {
      const uiUrl = options.ui === false ? '' : `http://127.0.0.1:${ports.ui}`;
      return {
        address: `127.0.0.1:${ports.grpc}`,
        uiUrl,
        pid: await started.pid,
        binary,
        logFile,
        stop: () => started.stop().then(forgetLog),
      };
    }
    await started.stop();
    const words = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n');
    const taken = /address already in use/i.test(words);
    if (!taken || options.port !== undefined || attempt === TRIES) {
      throw new Error(`the Temporal server ${outcome} (${binary}, log ${logFile}):\n${words}`);
    }
  }
}

/** @param {ServerOptions} options */
async function logFileFor({ logDir, dbFile }) {
  const wanted = logDir ?? (dbFile && path.dirname(dbFile));
  const folder = wanted ?? (await mkdtemp(path.join(tmpdir(), 'tributary-temporal-')));
  mkdirSync(folder, { recursive: true });
  return {
    logFile: path.join(folder, 'temporal.log'),
    /** Nobody looks for a log in a folder that nobody named. */
    forgetLog: async () => (wanted ? undefined : rm(folder, { recursive: true, force: true })),
  };
}

/**
 * @typedef {{ readonly grpc: number, readonly ui: number, readonly metrics: number }} Ports
 *
 * @param {ServerOptions} options
 * @returns {Promise<Ports>}
 */
async function choosePorts({ port, uiPort }) {
  const [grpc = 0, ui = 0, metrics = 0] = await freePorts(3);
  return { grpc: port ?? grpc, ui: uiPort ?? ui, metrics };
}

/**
 * @param {ServerOptions} options
 * @param {Ports} ports
 */
function argumentsFor({ dbFile, ui, searchAttributes = SEARCH_ATTRIBUTES }, ports) {
  const fixed = ['server', 'start-dev', '--ip', '127.0.0.1', '--log-level', 'error'];
  const web = ui === false ? ['--headless'] : ['--ui-port', `${ports.ui}`];
  return fixed.concat(
    ['--port', `${ports.grpc}`, '--metrics-port', `${ports.metrics}`],
    web,
    dbFile ? ['--db-filename', path.resolve(dbFile)] : [],
    Object.entries(searchAttributes).flatMap(([name, type]) => ['--search-attribute', `${name}=${type}`]),
  );
}

/**
 * @param {string} binary
 * @param {readonly string[]} args
 * @param {string} logFile
 */
function launch(binary, args, logFile) {
  const log = openSync(logFile, 'a');
  // A session of its own: Ctrl-C in a terminal goes to us first, who stop the workers before their server. Nothing else
  // reaches it then when we are killed, so it is kept by a process that sees its stdin end.
  const keeper = spawn(process.execPath, [KEEPER, binary, ...args], {
    stdio: ['pipe', 'pipe', log],
    detached: true,
  });
  closeSync(log);
  /** @type {Promise<number>} */
  const pid = new Promise((resolve) => {
    keeper.stdout?.once('data', (line) => resolve(Number(line)));
  });
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    keeper.once('error', (error) => resolve(`did not start: ${error.message}`));
    keeper.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  return {
    /** Known once the server runs. */
    pid,
    ended,
    async stop() {
      keeper.stdin?.end();
      await ended;
    },
    isRunning: () => keeper.exitCode === null && keeper.signalCode === null,
  };
}

/**
 * @param {string} binary
 * @param {Ports} ports
 * @param {ServerOptions} options
 * @param {{ readonly isRunning: () => boolean }} server
 */
async function healthy(binary, ports, { searchAttributes = SEARCH_ATTRIBUTES }, server) {
  const until = Date.now() + HEALTHY_WITHIN_MS;
  while (server.isRunning() && Date.now() < until) {
    // The metrics port is ours alone, while at a taken gRPC port somebody else's server would answer. Listing asks
    // for the service, its default namespace and the attributes at once.
    const isOurs = (await isOpen(ports.metrics)) && (await isOpen(ports.grpc));
    if (isOurs && (await lists(binary, ports.grpc, Object.keys(searchAttributes)))) return 'healthy';
    await wait(LOOK_EVERY_MS);
  }
  return `was not healthy within ${HEALTHY_WITHIN_MS / 1000} s`;
}

/**
 * @param {string} binary
 * @param {number} port
 * @param {readonly string[]} names
 */
async function lists(binary, port, names) {
  const args = [
    'operator',
    'search-attribute',
    'list',
    '--address',
    `127.0.0.1:${port}`,
    '--namespace',
    'default',
  ];
  const ran = await run(binary, [...args, '--output', 'json'], { env: withoutTemporal(), timeoutMs: 10_000 });
  return ran.code === 0 && names.every((name) => ran.stdout.includes(`"${name}"`));
}

/** The user's own TEMPORAL_* settings are for another server. */
export function withoutTemporal() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_')));
}
