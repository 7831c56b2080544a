/** Who may connect to a TCP listener: by YAML, by nginx.conf as nginx does it, and from a reload on. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { peerSkip } from './peers.ts';
import { startStreams } from './stream-beside-nginx.ts';

/** Whether a client with this address is served there. */
async function mayCome(port: number, localAddress: string): Promise<boolean> {
  const socket = net.connect({ host: '127.0.0.1', port, localAddress });
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('close', () => resolve(false));
  });
}

async function startServer(t: TestContext): Promise<number> {
  const { port } = await startTcpBackend(t, (socket) => {
    socket.on('error', () => undefined);
    socket.end('welcome');
  });
  return port;
}

for (const engine of ENGINES) {
  test(`[${engine}] clients of other networks are reset, and counted`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await startServer(t);
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  tcp:
    bind: "127.0.0.1:${port}"
    protocol: tcp
    upstream: tcp
    access: { networks: { 127.0.0.0/24: allow, 127.0.0.64/26: deny, 127.0.0.65: allow } }
upstreams: { tcp: { servers: [ "127.0.0.1:${server}" ] } }
`,
      { engine },
    );
    const found = new Map<string, boolean>();
    for (const address of ['127.0.0.1', '127.0.0.64', '127.0.0.65', '127.0.1.1', '127.0.0.127', '127.0.0.128'])
      found.set(address, await mayCome(port, address));
    assert.deepEqual(Object.fromEntries(found), {
      '127.0.0.1': true,
      '127.0.0.64': false,
      '127.0.0.65': true,
      '127.0.1.1': false,
      '127.0.0.127': false,
      '127.0.0.128': true,
    });
    await evenkeel.said(/the client may not connect/);
  });
}

const RULES: readonly string[] = [
  '',
  'allow 127.0.0.1; deny all;',
  'deny 127.0.0.1; allow all;',
  'deny 127.0.0.2; allow 127.0.0.0/8; deny all;',
  'allow 127.0.0.0/8; deny 127.0.0.2;',
  'deny all;',
  'allow all; deny 127.0.0.1;',
  'deny 127.0.0.0/30; allow 127.0.0.1;',
  'allow ::1; deny 127.0.0.4;',
];

test("nginx and evenkeel let the same clients in by stream's allow and deny", peerSkip(null, 'nginx'), async (t) => {
  const server = await startServer(t);
  const ports = await startStreams(
    t,
    RULES.map((rules) => `${rules} proxy_pass 127.0.0.1:${server};`),
  );
  for (const [i, rules] of RULES.entries()) {
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.4', '127.1.2.3']) {
      const nginx = await mayCome(ports.nginx[i], address);
      assert.equal(await mayCome(ports.evenkeel[i], address), nginx, `${rules} ${address}`);
    }
  }
});
