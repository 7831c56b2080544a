/** Who may connect to a TCP listener: by YAML, by nginx.conf as nginx does it, and from a reload on. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';

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
  const directory = temporaryDirectory(t);
  const server = await startServer(t);
  const servers = async (): Promise<{ text: string; ports: number[] }> => {
    const ports: number[] = [];
    let text = '';
    for (const rules of RULES) {
      const port = await freePort();
      ports.push(port);
      text += `server { listen 127.0.0.1:${port}; ${rules} proxy_pass 127.0.0.1:${server}; }\n`;
    }
    return { text, ports };
  };
  const [theirs, ours] = [await servers(), await servers()];
  const whole = (text: string): string =>
    `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off; master_process off; pid ${directory}/pid;\n` +
    `error_log ${directory}/error.log;\nevents { }\nstream {\n${text}}\n`;
  const file = join(directory, 'nginx.conf');
  const own = join(directory, 'evenkeel.conf');
  writeFileSync(file, whole(theirs.text));
  writeFileSync(own, whole(ours.text));
  await Daemon.start(t, 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', file], theirs.ports[0]);
  const env = { RUNTIME_DIRECTORY: directory };
  const evenkeel = Evenkeel.spawn(t, ['run', own, '--workers', '1'], { env });
  await evenkeel.said(/ready: .*\n/);
  for (const [i, rules] of RULES.entries()) {
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.4', '127.1.2.3']) {
      const nginx = await mayCome(theirs.ports[i], address);
      assert.equal(await mayCome(ours.ports[i], address), nginx, `${rules} ${address}`);
    }
  }
});
