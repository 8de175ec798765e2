import { spawn } from 'node:child_process';

// node keeper.mjs <program> <argument>…: the parent of a server that cannot notice that whoever wanted it is gone.
//
// Stdin is held open by whoever started the keeper, and ends when that one lets go of it or is gone, be it by SIGKILL:
// the server is then ended. It is this process's own child and not a pid that was told, so no other process can ever be
// meant. Stdout gets one line, the server's pid. The server writes to the keeper's stderr. The keeper ends as the
// server did.

const STOPPED_WITHIN_MS = 10_000;

const [program = '', ...args] = process.argv.slice(2);
const server = spawn(program, args, { stdio: ['ignore', 2, 2] });
server.once('spawn', () => process.stdout.write(`${server.pid}\n`));
server.once('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(127);
});
server.once('exit', (code, signal) => {
  if (signal === null) process.exit(code ?? 1);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});

// Whoever is gone reads no pid.
process.stdout.on('error', () => undefined);
process.stdin.once('end', stop).once('error', stop).resume();
for (const signal of /** @type {const} */ (['SIGTERM', 'SIGINT', 'SIGHUP'])) process.on(signal, stop);

function stop() {
  server.kill('SIGTERM');
  setTimeout(() => server.kill('SIGKILL'), STOPPED_WITHIN_MS).unref();
}
