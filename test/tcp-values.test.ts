/** What a TCP listener does by the values of a connection: where it goes, and what clients are told; also as nginx's stream does it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { peerSkip } from './peers.ts';
import { startStreams } from './stream-beside-nginx.ts';

/** What comes until the end, when this is said first. `reset`: how it has ended. */
function dialogue(port: number, said: string | Buffer = '', localAddress = '127.0.0.1'): Promise<string> {
  const socket = net.connect({ host: '127.0.0.1', port, localAddress });
  if (said.length > 0) socket.write(said);
  return new Promise((resolve) => {
    let heard = '';
    socket.on('data', (data) => (heard += data.toString('latin1')));
    socket.on('end', () => socket.end());
    socket.on('error', () => undefined);
    socket.on('close', (isBroken) => resolve(isBroken ? `${heard}reset` : heard));
  });
}

/** Says its name and the first bytes that it hears; what a TLS client says first is not shown. */
async function startNamed(t: TestContext, name: string): Promise<string> {
  const { port } = await startTcpBackend(t, (socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (data) => socket.end(`${name} ${data[0] === 22 ? 'a hello' : data.toString('latin1')}`));
  });
  return `127.0.0.1:${port}`;
}

/** What a TLS client says first that asks for this host. */
async function helloFor(servername: string): Promise<Buffer> {
  const listening = net.createServer().listen(0, '127.0.0.1');
  await once(listening, 'listening');
  const client = tls.connect({ port: (listening.address() as net.AddressInfo).port, host: '127.0.0.1', servername });
  client.on('error', () => undefined);
  const [socket] = (await once(listening, 'connection')) as [net.Socket];
  const [hello] = (await once(socket, 'data')) as [Buffer];
  client.destroy();
  socket.destroy();
  listening.close();
  return hello;
}

for (const engine of ENGINES) {
  test(`[${engine}] by values of a connection`, engineSkip(engine), async (t) => {
    const ports: number[] = [];
    for (let i = 0; i < 6; i++) ports.push(await freePort());
    const [byAddress, answers, passed, hashed, once, twice] = ports;
    const [a, b] = [await startNamed(t, 'a'), await startNamed(t, 'b')];
    await Evenkeel.start(
      t,
      `
listeners:
  by-address:
    bind: "127.0.0.1:${byAddress}"
    protocol: tcp
    set: { who: "{client}" }
    choose:
      by: "{value:place}"
      cases: { near: { upstream: a }, far: { respond: "{value:who} may not come to {local-port}\\n" } }
    upstream: b
  answers: { bind: "127.0.0.1:${answers}", protocol: tcp, respond: "you are {client}" }
  passed:
    bind: "127.0.0.1:${passed}"
    protocol: tcp
    passthrough: { wait: 5s }
    choose: { by: "{tls-server-name}", cases: { a.example: { upstream: a }, B.EXAMPLE: { upstream: b } } }
    respond: "nobody is {tls-server-name}"
  hashed: { bind: "127.0.0.1:${hashed}", protocol: tcp, upstream: hashed }
  once: { bind: "127.0.0.1:${once}", protocol: tcp, upstream: failing, tries: { attempts: 1 } }
  twice: { bind: "127.0.0.1:${twice}", protocol: tcp, upstream: failing, tries: { attempts: 2, within: 1h } }
values:
  place: { networks: { 127.0.0.1: near, 127.0.0.2: far }, otherwise: elsewhere, of: "{value:who}" }
upstreams:
  a: { servers: [ "${a}" ] }
  b: { servers: [ "${b}" ] }
  failing: { servers: [ "127.0.0.1:${await freePort()}", { address: "${a}", backup: true } ] }
  hashed: { servers: [ "${a}", "${b}" ], balance: hash, hash: { text: "{client}" } }
`,
      { engine },
    );
    await t.test('a case, and those that none is for', async () => {
      assert.equal(await dialogue(byAddress, 'hi'), 'a hi');
      assert.equal(await dialogue(byAddress, 'hi', '127.0.0.2'), `127.0.0.2 may not come to ${byAddress}\n`);
      assert.equal(await dialogue(byAddress, 'hi', '127.0.0.3'), 'b hi');
    });
    await t.test('an answer reaches clients that speak, and those that are silent', async () => {
      assert.equal(await dialogue(answers), 'you are 127.0.0.1');
      assert.equal(await dialogue(answers, 'x'.repeat(200_000)), 'you are 127.0.0.1');
    });
    await t.test('TLS that is passed on, by the host that is asked for', async () => {
      assert.equal(await dialogue(passed, await helloFor('a.example')), 'a a hello');
      assert.equal(await dialogue(passed, await helloFor('b.example')), 'b a hello');
      assert.equal(await dialogue(passed, await helloFor('c.example')), 'nobody is c.example');
      assert.equal(await dialogue(passed, 'no TLS'), 'nobody is ');
    });
    await t.test('as many servers as are to be tried', async () => {
      assert.equal(await dialogue(once, 'x'), 'reset');
      assert.equal(await dialogue(twice, 'x'), 'a x');
    });
    await t.test('a server by a text', async () => {
      const chosen = new Set<string>();
      for (let i = 1; i < 20; i++) {
        const first = await dialogue(hashed, 'x', `127.0.0.${i}`);
        assert.equal(await dialogue(hashed, 'x', `127.0.0.${i}`), first);
        chosen.add(first);
      }
      assert.deepEqual([...chosen].sort(), ['a x', 'b x']);
    });
  });
}

/** Without how it has ended. */
function withoutWay(heard: string): string {
  return heard.replace('reset', '');
}

const STREAM = `
map $server_port $literal { {port} "port"; default other; }
map $remote_addr $tail { ~^127\\.0\\.0\\.(?P<last>[0-9]+)$ "last $last"; default "first $1"; }
geo $near { default no; 127.0.0.0/30 yes; }
split_clients $remote_addr $share { 40% some; * others; }
map $near $where { yes a; no 127.0.0.1:{b}; }
upstream a { server 127.0.0.1:{a}; }
upstream by_address { hash $remote_addr; server 127.0.0.1:{a}; server 127.0.0.1:{b}; }
upstream dead { server 127.0.0.1:{dead} max_fails=0; server 127.0.0.1:{dead2} max_fails=0; server 127.0.0.1:{a} backup; }
upstream by_nothing { hash $proxy_protocol_addr consistent; server 127.0.0.1:{a}; server 127.0.0.1:{b}; }
`;
/** What stands in a server, each. */
const SERVERS: readonly string[] = [
  'return "$literal $tail $near $share $protocol\\n";',
  'set $x "$near and"; return "$x ${x}2";',
  'return $server_addr:$proxy_protocol_addr:$remote_addr.;',
  'return "";',
  'proxy_pass $where;',
  'set $up a; proxy_pass $up;',
  'proxy_pass by_address;',
  'proxy_pass by_nothing;',
  'deny 127.0.0.2; return welcome;',
  'proxy_pass dead;',
  'proxy_next_upstream off; proxy_pass dead;',
  'proxy_next_upstream_tries 2; proxy_pass dead;',
  'proxy_next_upstream_tries 3; proxy_pass dead;',
];

test('nginx and evenkeel do the same by variables of stream', peerSkip(null, 'nginx'), async (t) => {
  const [a, b] = [await startNamed(t, 'a'), await startNamed(t, 'b')].map((address) => address.split(':')[1]);
  const [dead, dead2] = [String(await freePort()), String(await freePort())];
  const put = (text: string, ports: readonly number[]): string => {
    const known: Record<string, string> = { port: String(ports[0]), a, b, dead, dead2 };
    return text.replace(/\{(port|a|b|dead2?)\}/g, (_, name: string) => known[name]);
  };
  const ports = await startStreams(t, SERVERS, (own) => put(STREAM, own));
  for (const [i, content] of SERVERS.entries()) {
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.77', '127.1.2.3', '127.9.9.9', '127.0.0.3']) {
      // nginx that answers does not read, and closes under what is said
      const said = content.includes('proxy_pass') ? 'x' : '';
      const [nginx, found] = [
        await dialogue(ports.nginx[i], said, address),
        await dialogue(ports.evenkeel[i], said, address),
      ];
      assert.equal(withoutWay(found), withoutWay(nginx), `${content} ${address}`);
    }
  }
});
