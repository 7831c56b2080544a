/** TLS that is passed on as it is, by what the client asks for. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import net from 'node:net';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { Daemon, peerSkip, temporaryDirectory } from './peers.ts';
import { RawConnection } from './raw.ts';

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';

/** What a TLS client with these options sends first. */
async function helloOf(t: TestContext, options: tls.ConnectionOptions): Promise<Buffer> {
  let resolve!: (hello: Buffer) => void;
  const hello = new Promise<Buffer>((told) => (resolve = told));
  const { port } = await startTcpBackend(t, (socket) => socket.on('data', resolve));
  const client = tls.connect({ ...options, port });
  client.on('error', () => undefined);
  t.after(() => client.destroy());
  return hello;
}

/** A server that says its name, and how many bytes it has got when it has all of them. */
async function startNamed(t: TestContext, name: string): Promise<number> {
  const { port } = await startTcpBackend(t, (socket) => {
    let length = 0;
    socket.write(`${name}\n`);
    socket.on('data', (data: Buffer) => (length += data.length));
    socket.on('end', () => socket.end(`${length}\n`));
  });
  return port;
}

for (const engine of ENGINES) {
  test(
    `[${engine}] each connection goes where its ClientHello says, with every byte of it`,
    engineSkip(engine),
    async (t) => {
      const [port, strict, quick] = [await freePort(), await freePort(), await freePort()];
      const names = ['shop', 'acme', 'other'];
      const servers = await Promise.all(names.map((name) => startNamed(t, name)));
      const upstreams = names.map((name, i) => `${name}: { servers: [ "127.0.0.1:${servers[i]}" ] }`).join(', ');
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners:
  tls:
    bind: "127.0.0.1:${port}"
    protocol: tcp
    proxy-protocol: { from: 127.0.0.2 }
    passthrough:
      wait: 2s
      routes:
        - { server-name: shop.example, alpn: acme-tls/1, upstream: acme }
        - { server-name: [shop.example, "*.Shop.example"], upstream: shop }
    upstream: other
  strict:
    bind: "127.0.0.1:${strict}"
    protocol: tcp
    passthrough: { wait: 10s, routes: [ { server-name: shop.example, upstream: shop } ] }
  quick:
    bind: "127.0.0.1:${quick}"
    protocol: tcp
    passthrough: { wait: 20ms, routes: [ { server-name: shop.example, upstream: shop } ] }
upstreams: { ${upstreams} }
`,
        { engine, workers: 1 },
      );
      const ask = async (to: number, bytes: Buffer | string, pieces = 1): Promise<string> => {
        const connection = await RawConnection.open(t, to);
        if (pieces === 1) connection.write(bytes);
        else await connection.writeByteByByte(bytes.toString('latin1'));
        const name = await connection.until('\n');
        connection.write('and more');
        connection.end();
        const count = await connection.until('\n');
        assert.equal(Number(count), bytes.length + 'and more'.length);
        return name.trim();
      };
      const hello = await helloOf(t, { servername: 'shop.example' });
      assert.equal(await ask(port, hello), 'shop');
      assert.equal(await ask(port, hello, hello.length), 'shop');
      assert.equal(await ask(port, await helloOf(t, { servername: 'a.b.SHOP.example' })), 'shop');
      assert.equal(
        await ask(port, await helloOf(t, { servername: 'shop.example', ALPNProtocols: ['acme-tls/1'] })),
        'acme',
      );
      assert.equal(await ask(port, await helloOf(t, { servername: 'other.example' })), 'other');
      assert.equal(await ask(port, await helloOf(t, {})), 'other');
      assert.equal(await ask(port, 'SSH-2.0-x\r\n'), 'other', 'it is not TLS');

      const waiting = await RawConnection.open(t, port);
      assert.equal(await waiting.until('\n'), 'other\n', 'the server speaks first');

      for (const bytes of [await helloOf(t, { servername: 'x.example' }), 'SSH-2.0-x\r\n']) {
        const refused = await RawConnection.open(t, strict);
        refused.write(bytes);
        assert.equal((await refused.ending()).how, 'reset');
      }
      await evenkeel.said(/ info {2}listener strict: \d connections? (within 60 s )?reset: no route matches/);
      const silent = await RawConnection.open(t, quick);
      assert.equal((await silent.ending()).how, 'reset');
      const left = await RawConnection.open(t, strict);
      left.write(hello.subarray(0, 100));
      left.end();
      assert.deepEqual(await left.ending(), { how: 'end', rest: '' });
      assert.equal(await ask(strict, hello), 'shop');

      // behind a PROXY protocol header too
      for (const cut of [0, 10, LINE.length, LINE.length + 100]) {
        const socket = net.connect({ host: '127.0.0.1', port, localAddress: '127.0.0.2' });
        t.after(() => socket.destroy());
        const behind = new RawConnection(socket);
        const whole = Buffer.concat([Buffer.from(LINE), hello]);
        behind.write(whole.subarray(0, cut));
        await behind.delivered();
        behind.write(whole.subarray(cut));
        assert.equal(await behind.until('\n'), 'shop\n');
      }

      // whoever is in the middle of it at a stop: an end would be the server's
      const half = await RawConnection.open(t, strict);
      half.write(hello.subarray(0, 100));
      await half.delivered();
      evenkeel.signal('SIGTERM');
      assert.equal((await half.ending()).how, 'reset');
    },
  );
}

const LAST = 'the end!';
const SSL_REQUEST = Buffer.from('0000000804d2162f', 'hex');
const GSS_REQUEST = Buffer.from('0000000804d21630', 'hex');

for (const engine of ENGINES) {
  test(`[${engine}] a client of PostgreSQL asks first, and its server is asked`, engineSkip(engine), async (t) => {
    const port = await freePort();
    /** Says what it was sent, once that ends with LAST; answers the request for TLS with `answer`. */
    const start = async (answer: string): Promise<number> => {
      const server = await startTcpBackend(t, (socket) => {
        let received = Buffer.alloc(0);
        socket.on('data', (data: Buffer) => {
          const before = received.length;
          received = Buffer.concat([received, data]);
          if (before < 8 && received.length >= 8 && received.subarray(0, 8).equals(SSL_REQUEST)) socket.write(answer);
          if (received.toString('latin1').endsWith(LAST)) socket.end(`${received.toString('hex')}\n`);
        });
      });
      return server.port;
    };
    const names = { willing: 'S', unwilling: 'N', talkative: 'SS', odd: 'E', mute: '' };
    const upstreams = await Promise.all(
      Object.entries(names).map(
        async ([name, answer]) =>
          `  ${name}: { servers: [ "127.0.0.1:${await start(answer)}" ], timeouts: { connect: 200ms } }\n`,
      ),
    );
    const routes = Object.keys(names).map((name) => `        - { server-name: ${name}.example, upstream: ${name} }\n`);
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  postgres:
    bind: "127.0.0.1:${port}"
    protocol: tcp
    passthrough:
      wait: 10s
      postgres: true
      routes:
${routes.join('')}    upstream: willing
upstreams:
${upstreams.join('')}`,
      { engine, workers: 1 },
    );
    const hello = async (name: string): Promise<Buffer> => helloOf(t, { servername: `${name}.example` });
    const whole = Buffer.concat([await hello('willing'), Buffer.from(LAST)]);
    const answered = async (request: Buffer, inPieces = false): Promise<RawConnection> => {
      const connection = await RawConnection.open(t, port);
      if (inPieces) await connection.writeByteByByte(request.toString('latin1'));
      else connection.write(request);
      return connection;
    };

    for (const inPieces of [false, true]) {
      const connection = await answered(SSL_REQUEST, inPieces);
      assert.equal(await connection.until('S'), 'S');
      connection.write(whole);
      assert.equal(await connection.until('\n'), `${SSL_REQUEST.toString('hex')}${whole.toString('hex')}\n`);
    }
    const direct = await answered(whole);
    assert.equal(await direct.until('\n'), `${whole.toString('hex')}\n`, 'who has not asked is not asked for');

    const kerberos = await answered(GSS_REQUEST);
    assert.equal(await kerberos.until('N'), 'N');
    kerberos.write(SSL_REQUEST);
    assert.equal(await kerberos.until('S'), 'S');
    const inClear = await answered(GSS_REQUEST);
    assert.equal(await inClear.until('N'), 'N');
    inClear.write(LAST);
    assert.equal(await inClear.until('\n'), `${Buffer.from(LAST).toString('hex')}\n`);

    for (const early of [
      Buffer.concat([SSL_REQUEST, await hello('willing')]),
      Buffer.concat([SSL_REQUEST, SSL_REQUEST]),
    ]) {
      assert.deepEqual(await (await answered(early)).ending(), { how: 'end', rest: '' });
    }
    const twice = await answered(SSL_REQUEST);
    await twice.until('S');
    twice.write('in clear');
    assert.deepEqual(await twice.ending(), { how: 'end', rest: '' });

    for (const name of ['unwilling', 'talkative', 'odd', 'mute']) {
      const connection = await answered(SSL_REQUEST);
      await connection.until('S');
      connection.write(await hello(name));
      assert.equal((await connection.ending()).how, 'reset', name);
      await evenkeel.said(new RegExp(`upstream ${name}: .*reason=connect-${name === 'mute' ? 'timeout' : 'failed'}`));
    }
  });
}

const MAPS = `
map $ssl_preread_server_name $by_name {
  hostnames;
  default other;
  shop.example shop;
  .acme.example acme;
  *.b.acme.example shop;
  a.b.acme.example other;
}
map $ssl_preread_protocol $by_version { "" other; "TLSv1.2" shop; "TLSv1.3" shop; default acme; }
map $ssl_preread_server_name $strict { shop.example shop; }
map $ssl_preread_alpn_protocols $by_protocol { acme-tls/1 acme; default shop; }
`;
const NAMES = ['by_name', 'by_version', 'strict', 'by_protocol'];

test(
  'nginx and evenkeel pass the same clients on to the same servers by ssl_preread',
  peerSkip(null, 'nginx'),
  async (t) => {
    const directory = temporaryDirectory(t);
    const named = ['shop', 'acme', 'other'];
    const servers = await Promise.all(named.map((name) => startNamed(t, name)));
    const configure = async (): Promise<{ text: string; ports: number[] }> => {
      const ports: number[] = [];
      let text = named.map((name, i) => `upstream ${name} { server 127.0.0.1:${servers[i]}; }\n`).join('') + MAPS;
      for (const name of NAMES) {
        const port = await freePort();
        ports.push(port);
        text += `server { listen 127.0.0.1:${port}; ssl_preread on; proxy_pass $${name}; }\n`;
      }
      return { text, ports };
    };
    const [theirs, ours] = [await configure(), await configure()];
    const whole = (text: string): string =>
      `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\ndaemon off; master_process off; pid ${directory}/pid;\n` +
      `error_log ${directory}/error.log;\nevents { }\nstream {\n${text}}\n`;
    const [file, own] = [join(directory, 'nginx.conf'), join(directory, 'evenkeel.conf')];
    writeFileSync(file, whole(theirs.text));
    writeFileSync(own, whole(ours.text));
    await Daemon.start(t, 'nginx', ['-p', directory, '-e', join(directory, 'error.log'), '-c', file], theirs.ports[0]);
    const evenkeel = Evenkeel.spawn(t, ['run', own, '--workers', '1'], { env: { RUNTIME_DIRECTORY: directory } });
    await evenkeel.said(/ready: .*\n/);
    const clients: readonly (Buffer | string)[] = [
      ...(await Promise.all(
        [
          'shop.example',
          'x.shop.example',
          'acme.example',
          'x.acme.example',
          'x.b.acme.example',
          'A.b.acme.EXAMPLE',
        ].map((servername) => helloOf(t, { servername })),
      )),
      await helloOf(t, {}),
      await helloOf(t, { servername: 'shop.example', maxVersion: 'TLSv1.2' }),
      await helloOf(t, { servername: 'shop.example', ALPNProtocols: ['acme-tls/1'] }),
      'SSH-2.0-x\r\n',
    ];
    const serverOf = (port: number, bytes: Buffer | string): Promise<string> =>
      new Promise((resolve) => {
        const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes));
        t.after(() => socket.destroy());
        socket.on('error', () => undefined);
        socket.on('data', (name: Buffer) => resolve(name.toString()));
        socket.on('close', () => resolve('nowhere'));
      });
    for (const [i, name] of NAMES.entries()) {
      for (const [number, bytes] of clients.entries()) {
        const nginx = await serverOf(theirs.ports[i], bytes);
        assert.equal(await serverOf(ours.ports[i], bytes), nginx, `${name}, client ${number}`);
      }
    }
  },
);
