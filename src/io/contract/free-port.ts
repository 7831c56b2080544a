/**
 * Ports for tests. They lie below those that the kernel gives to connections and to whoever asks for any port: there, one
 * that is free now, or that a server has left for a moment, is soon somebody else's. Processes begin at different places.
 */
import { once } from 'node:events';
import net from 'node:net';

const FIRST_PORT = 10_000;
const PORTS = 20_000;
let next = (process.pid * 61) % PORTS;

/** A port that nobody has on any address, and that nobody takes by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + next;
    next = (next + 1) % PORTS;
    const server = net.createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.on('error', () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}
