import { isMainThread } from 'node:worker_threads';

// Loaded before a child's own code (`node --import`), by `Child` alone: started by hand, the same program knows nothing
// of this. The parent holds the other end of stdin and never writes to it, so stdin ends when the parent does, however
// it ended: the kernel closes what a process that got SIGKILL had open.

/** As long as `Child.stop` waits: activities have 10 seconds to end. */
const ENDED_WITHIN_MS = 15_000;

// Threads are started with the same flags, and have no stdin of their own.
if (isMainThread) {
  process.stdin.once('end', end).once('error', end).resume();
  // A child with nothing left to do ends without waiting for its parent.
  /** @type {import('node:net').Socket} */ (process.stdin).unref();
  // Nobody reads any more what it says while it ends: that must not cut its end short.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
}

/** As if the parent had asked for it, so that there is one way to end. */
function end() {
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), ENDED_WITHIN_MS).unref();
}
