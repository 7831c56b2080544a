/** TLS that is passed on as it is, by what the client asks for. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
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
      await evenkeel.said(/listener strict: .*no route matches/);
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
    },
  );
}
