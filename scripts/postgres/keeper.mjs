import { spawn } from 'node:child_process';

// node keeper.mjs <uid> <gid> <postgres> <argument>…: the parent of a Postgres that cannot notice that whoever wanted
// it is gone. Stdin is held open by that one, and ends with it, be it by SIGKILL: the server is then ended. A uid of -1
// is the keeper's own. Stdout gets one line, the server's pid; the server writes to the keeper's stderr.

const STOPPED_WITHIN_MS = 10_000;

const [uid = '-1', gid = '-1', program = '', ...args] = process.argv.slice(2);
const identity = Number(uid) < 0 ? {} : { uid: Number(uid), gid: Number(gid) };
const server = spawn(program, args, { stdio: ['ignore', 2, 2], cwd: '/', ...identity });
server.once('spawn', () => process.stdout.write(`${server.pid}\n`));
server.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
server.once('exit', (code) => process.exit(code ?? 1));

// Whoever is gone reads no pid.
process.stdout.on('error', () => undefined);
process.stdin.once('end', stop).once('error', stop).resume();
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])) process.on(signal, stop);

function stop() {
  // SIGINT is Postgres's fast shutdown; SIGTERM would wait for every client to leave.
  server.kill('SIGINT');
  setTimeout(() => server.kill('SIGQUIT'), STOPPED_WITHIN_MS).unref();
}
