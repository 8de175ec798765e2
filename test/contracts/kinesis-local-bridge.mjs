// @ts-check
// Runs inside a network namespace of its own, since kinesis-local listens on all interfaces: starts it there, and
// lets the outside reach it by a Unix socket alone. Prints "ready" when it answers.
// argv: the package's folder, the socket's path.
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

const PORT = 4568;
const [folder = '', socketPath = ''] = process.argv.slice(2);

const server = spawn(process.execPath, ['main.js'], {
  cwd: folder,
  stdio: 'ignore',
  env: {
    KINESIS_MOCK_PLAIN_PORT: String(PORT),
    LOG_LEVEL: 'ERROR',
    SHARD_LIMIT: '1000',
    CREATE_STREAM_DURATION: '100ms',
    DELETE_STREAM_DURATION: '100ms',
    SPLIT_SHARD_DURATION: '100ms',
    MERGE_SHARDS_DURATION: '100ms',
  },
});
server.on('exit', (code) => process.exit(code ?? 1));

// Whoever started this holds the other end: when it goes, so does all of this.
process.stdin.resume();
process.stdin.on('end', () => {
  server.kill('SIGKILL');
  process.exit(0);
});

knock();

function knock() {
  const socket = connect(PORT, '127.0.0.1');
  socket.on('error', () => setTimeout(knock, 100));
  socket.on('connect', () => {
    socket.destroy();
    relay();
  });
}

function relay() {
  const door = createServer((outside) => {
    const inside = connect(PORT, '127.0.0.1');
    outside.pipe(inside).pipe(outside);
    outside.on('error', () => inside.destroy());
    inside.on('error', () => outside.destroy());
  });
  door.listen(socketPath, () => console.log('ready'));
}
