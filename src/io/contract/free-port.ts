/**
 * Ports for tests. They lie below those that the kernel gives to connections and to whoever asks for any port: there, one
 * that is free now, or that a server has left for a moment, is soon somebody else's. For the same reason each process has a
 * block of them for itself: the kernel knows whose it is by the name of a socket, and forgets that with the process.
 */
import { once } from 'node:events';
import net from 'node:net';

const FIRST_PORT = 10_000;
const BLOCK_PORTS = 250;
const BLOCKS = 80;

/** Of the block that this process has: the next port, and the one behind the last. */
let next = 0;
let end = 0;
let claiming: Promise<void> | null = null;

/** A port that nobody has on any address, and that nobody takes by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    if (next === end) {
      claiming ??= claimBlock().finally(() => (claiming = null));
      await claiming;
      continue;
    }
    const port = next++;
    const server = net.createServer();
    if (!(await listens(server, { port }))) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

async function claimBlock(): Promise<void> {
  for (let i = 0; i < BLOCKS; i++) {
    const block = (process.pid + i) % BLOCKS;
    const claim = net.createServer().unref();
    // A name without a file is Linux's; elsewhere processes begin at different places, and have to hope.
    if (process.platform === 'linux' && !(await listens(claim, { path: `\0evenkeel-test-ports-${block}` }))) continue;
    next = FIRST_PORT + block * BLOCK_PORTS;
    end = next + BLOCK_PORTS;
    return;
  }
  throw new Error(`other tests have all ${BLOCKS} blocks of ports`);
}

function listens(server: net.Server, where: net.ListenOptions): Promise<boolean> {
  return new Promise((resolve) => {
    server.on('error', () => resolve(false));
    server.listen(where, () => resolve(true));
  });
}
