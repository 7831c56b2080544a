/** The PROXY protocol: from load balancers in front, and towards servers; against HAProxy and nginx, and byte by byte. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import type net from 'node:net';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { test, type TestContext } from 'node:test';
import tls from 'node:tls';
import { CertificateMaker } from '../src/load/tls/testing/certificate-maker.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, startTcpBackend } from './evenkeel.ts';
import { Daemon, peerSkip, runOk, startNginx, temporaryDirectory } from './peers.ts';
import { RawConnection } from './raw.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex').toString('latin1');
/** The same, of version 2, and from an IPv6 client. */
const BINARY = `${SIGNATURE}\x21\x11\x00\x0c\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb`;
const BINARY_V6 = `${SIGNATURE}\x21\x21\x00\x24${'\x20\x01\x0d\xb8'.padEnd(15, '\0')}\x01${'\x20\x01\x0d\xb8'.padEnd(15, '\0')}\x02\x00\x07\x00\x50`;
const OWN = `${SIGNATURE}\x20\x00\x00\x00`;
const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

const WHO = '{client} of {peer}:{peer-port} told {proxy-client}:{proxy-client-port}>{proxy-local}:{proxy-local-port}';

async function ask(t: TestContext, port: number, opening: string): Promise<string> {
  const connection = await RawConnection.open(t, port);
  connection.write(opening);
  const { body } = await connection.response();
  connection.socket.destroy();
  return body;
}

/** From 127.0.0.7, by HTTPS, whatever the certificate. */
function askShop(port: number): Promise<string> {
  const where = ['--interface', '127.0.0.7', '--resolve', `shop.example:${port}:127.0.0.1`];
  return runOk('curl', ['-ksS', ...where, `https://shop.example:${port}/`]);
}

/** A server that keeps what each connection has sent it, and says so back behind `> `. */
async function startRecorder(t: TestContext): Promise<{ port: number; received: string[] }> {
  const received: string[] = [];
  const { port } = await startTcpBackend(t, (socket: net.Socket) => {
    const index = received.push('') - 1;
    socket.on('data', (data: Buffer) => {
      received[index] += data.toString('latin1');
      socket.write(`> ${data.toString('latin1').slice(-6)}`, 'latin1');
    });
    socket.on('end', () => socket.end());
  });
  return { port, received };
}

/** TLS to this port over a connection that begins with `header`; its first `cut` bytes go ahead. */
async function openBehind(t: TestContext, port: number, header: string, cut: number): Promise<tls.TLSSocket> {
  const raw = await RawConnection.open(t, port);
  const { socket } = raw;
  let pending = Buffer.from(header, 'latin1');
  if (cut > 0) {
    raw.write(pending.subarray(0, cut));
    await raw.delivered();
    pending = pending.subarray(cut);
  }
  const over = new Duplex({
    read: () => undefined,
    write: (data: Buffer, _encoding, done) => {
      socket.write(Buffer.concat([pending, data]), done);
      pending = Buffer.alloc(0);
    },
    final: (done) => socket.end(done),
  });
  socket.on('data', (data) => over.push(data));
  socket.on('close', () => over.push(null));
  const client = tls.connect({ socket: over, servername: 'shop.example', rejectUnauthorized: false });
  t.after(() => client.destroy());
  await once(client, 'secureConnect');
  return client;
}

const TLVS = 'authority, alpn, ssl, unique-id, crc32c';
/** With `told.example`, `id-7`, and 255 for the client's certificate. */
const WITH_TLVS = `${SIGNATURE}\x21\x11\x00\x34\xc0\x00\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb\x02\x00\x0ctold.example\x05\x00\x04id-7\x20\x00\x0f\x01\x00\x00\x00\xff\x21\x00\x07TLSv1.2`;

for (const engine of ENGINES) {
  test(`[${engine}] the header first, then TLS`, engineSkip(engine), async (t) => {
    const certificates = new CertificateMaker();
    t.after(() => certificates.remove());
    const { certificate, key } = certificates.make('shop', { names: ['shop.example'] });
    const [web, mail, mutual] = [await freePort(), await freePort(), await freePort()];
    const server = await startRecorder(t);
    const pair = `tls: { certificate: ${certificate}, key: ${key} }`;
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${web}"
    proxy-protocol: { from: 127.0.0.0/8 }
    ${pair}
    routes: [ { respond: { body: "{client} {peer} {sender} {tls-server-name} {proxy-authority} {proxy-unique-id} {proxy-tlv:ssl-version} {proxy-tlv:ssl-verify}" } } ]
  mail:
    bind: "127.0.0.1:${mail}"
    protocol: tcp
    proxy-protocol: { from: 127.0.0.0/8 }
    ${pair}
    upstream: mail
  mutual:
    bind: "127.0.0.1:${mutual}"
    proxy-protocol: { from: 127.0.0.0/8 }
    tls: { certificate: ${certificate}, key: ${key}, client-certificate: { ca: ${certificate} } }
    routes: [ { respond: { body: "{client} {tls-client-verified}" } } ]
upstreams:
  mail: { servers: [ "127.0.0.1:${server.port}" ], proxy-protocol: { tlvs: [ ${TLVS} ] } }
`,
      { engine, workers: 1 },
    );
    for (const [header, told] of [
      [LINE, '192.0.2.1 192.0.2.1 127.0.0.1 shop.example    '],
      [WITH_TLVS, '192.0.2.1 192.0.2.1 127.0.0.1 shop.example told.example id-7 TLSv1.2 255'],
      [OWN, '127.0.0.1 127.0.0.1 127.0.0.1 shop.example    '],
    ] as const) {
      for (const cut of [0, 5, header.length]) {
        const client = new RawConnection(await openBehind(t, web, header, cut));
        client.write(GET);
        assert.equal((await client.response()).body, told);
      }
    }
    const client = new RawConnection(await openBehind(t, mail, WITH_TLVS, 0));
    client.write('hello');
    await until(
      () => server.received.length === 1 && server.received[0].endsWith('hello'),
      () => 'the bytes behind the header are there',
    );
    const [received] = server.received;
    assert.equal(received.slice(16, 28), WITH_TLVS.slice(16, 28));
    for (const tlv of ['\x02\0\x0cshop.example', '\x21\0\x07TLSv1.3', '\x05\0\x04id-7\x03\0\x04']) {
      assert.ok(received.includes(tlv), received);
    }

    const stranger = new RawConnection(await openBehind(t, mutual, LINE, 0));
    stranger.write('GET / HTTP/1.1\r\nHost: shop.example\r\n\r\n');
    assert.equal((await stranger.response()).status, 400, 'a certificate is asked for behind a header, too');

    // TLS where the header is due, and the header within TLS, are neither
    const wrong = tls.connect({ port: web, host: '127.0.0.1', rejectUnauthorized: false });
    t.after(() => wrong.destroy());
    await assert.rejects(once(wrong, 'secureConnect'));
    await evenkeel.said(/listener web: .*PROXY protocol header/);
    const changed = Buffer.from(WITH_TLVS, 'latin1');
    changed[15] += 7;
    const badSum = await RawConnection.open(t, web);
    badSum.write(Buffer.concat([changed, Buffer.from('\x03\x00\x04\x00\x00\x00\x00', 'latin1')]));
    assert.equal((await badSum.ending()).how, 'reset', 'a checksum that does not fit');
  });

  test(`[${engine}] HTTP: the header says who the client is`, engineSkip(engine), async (t) => {
    const [port, strict, late] = [await freePort(), await freePort(), await freePort()];
    const evenkeel = await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    proxy-protocol: { from: 127.0.0.0/8 }
    routes: [ { respond: { body: "${WHO}" } } ]
  read:
    bind: "127.0.0.1:${strict}"
    proxy-protocol: { from: 127.0.0.0/8, trust: none }
    routes: [ { respond: { body: "${WHO}" } } ]
  late:
    bind: "127.0.0.1:${late}"
    proxy-protocol: { from: 127.0.0.1 }
    timeouts: { head: 200ms }
    routes: [ { respond: { body: "{client}" } } ]
`,
      { engine, workers: 1 },
    );
    const told = '192.0.2.1:56324>198.51.100.2:443';
    for (const header of [LINE, BINARY]) {
      assert.equal(await ask(t, port, header + GET), `192.0.2.1 of 192.0.2.1:56324 told ${told}`);
      assert.match(await ask(t, strict, header + GET), /^127\.0\.0\.1 of 127\.0\.0\.1:\d+ told /);
    }
    assert.match(await ask(t, port, BINARY_V6 + GET), /^2001:db8::1 of 2001:db8::1:7 /);
    assert.match(await ask(t, port, OWN + GET), /^127\.0\.0\.1 of 127\.0\.0\.1:\d+ told :>:$/);

    const slow = await RawConnection.open(t, port);
    await slow.writeByteByByte(LINE + GET);
    assert.match((await slow.response()).body, /^192\.0\.2\.1 /);
    slow.write(GET);
    assert.match((await slow.response()).body, /^192\.0\.2\.1 /, 'of each request of the connection');

    const wrong = await RawConnection.open(t, port);
    wrong.write(GET);
    assert.equal((await wrong.ending()).how, 'reset');
    await evenkeel.said(
      /listener web: .*connections? (within 60 s )?reset: it has to begin with a PROXY protocol header, and does not/,
    );
    const silent = await RawConnection.open(t, late);
    await silent.ending();
    await evenkeel.said(/listener late: .*PROXY protocol header/);
    const other = await RawConnection.open(t, late, '127.0.0.1');
    other.write('PROXY ');
    await other.ending();
  });

  test(
    `[${engine}] TCP: from the one to the other, with every byte behind the header`,
    engineSkip(engine),
    async (t) => {
      const [from, plain, denied] = [await freePort(), await freePort(), await freePort()];
      const server = await startRecorder(t);
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners:
  from:
    bind: "127.0.0.1:${from}"
    protocol: tcp
    proxy-protocol: { from: 127.0.0.0/8 }
    upstream: two
  plain: { bind: "127.0.0.1:${plain}", protocol: tcp, upstream: one }
  denied:
    bind: "127.0.0.1:${denied}"
    protocol: tcp
    proxy-protocol: { from: 127.0.0.0/8 }
    access: { networks: { 192.0.2.0/24: deny }, otherwise: allow }
    upstream: one
upstreams:
  two: { servers: [ "127.0.0.1:${server.port}" ], proxy-protocol: v2 }
  one: { servers: [ "127.0.0.1:${server.port}" ], proxy-protocol: v1 }
`,
        { engine, workers: 1 },
      );
      const client = await RawConnection.open(t, from);
      client.write(`${LINE}hello`);
      await client.until('> ');
      assert.equal(server.received[0], `${BINARY}hello`);
      client.write(' world');
      await until(
        () => server.received[0] === `${BINARY}hello world`,
        () => 'the rest is there',
      );
      client.end();
      assert.equal((await client.ending()).how, 'end');

      const direct = await RawConnection.open(t, plain);
      const { localPort } = direct.socket;
      await until(
        () => server.received.length === 2 && server.received[1] !== '',
        () => 'the header is there',
      );
      assert.equal(server.received[1], `PROXY TCP4 127.0.0.1 127.0.0.1 ${localPort} ${plain}\r\n`);
      direct.socket.destroy();

      const refused = await RawConnection.open(t, denied);
      refused.write(`${BINARY}hello`);
      assert.equal((await refused.ending()).how, 'reset');
      await evenkeel.said(/listener denied: \d+ connections? (within 60 s )?reset: the client may not connect/);
      const admitted = await RawConnection.open(t, denied);
      admitted.write(`${OWN}hello`);
      await admitted.until('> ');
      assert.equal(server.received.length, 3);
    },
  );

  test(
    `[${engine}] a connection with a header is one client's alone, and checks are nobody's`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const received: string[] = [];
      const server = await startTcpBackend(t, (socket) => {
        const index = received.push('') - 1;
        socket.on('data', (data: Buffer) => {
          received[index] += data.toString('latin1');
          if (received[index].endsWith('\r\n\r\n')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
        });
        socket.on('end', () => socket.end());
      });
      const evenkeel = await Evenkeel.start(
        t,
        `
listeners: { web: { bind: "127.0.0.1:${port}", routes: [ { upstream: web } ] } }
upstreams:
  web: { servers: [ "127.0.0.1:${server.port}" ], proxy-protocol: v1, health: { http: /health, interval: 1h } }
`,
        { engine, workers: 1, hasSocket: true },
      );
      await until(
        () => received.length > 0 && received[0].includes('\r\n\r\n'),
        () => 'the check is there',
      );
      assert.match(received[0], /^PROXY UNKNOWN\r\nGET \/health HTTP/);
      const client = await RawConnection.open(t, port);
      for (let i = 1; i <= 2; i++) {
        client.write(GET);
        await client.response();
        assert.match(
          received[i],
          new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 ${client.socket.localPort} ${port}\r\nGET /`),
        );
      }
      // From a reload on there is none, and connections are kept again.
      writeFileSync(evenkeel.file, readFileSync(evenkeel.file, 'utf8').replace('proxy-protocol: v1, ', ''));
      assert.deepEqual((await reload(evenkeel)).changes, ['upstream web: proxy-protocol changed']);
      for (let i = 0; i < 2; i++) {
        client.write(GET);
        await client.response();
      }
      assert.equal(received.filter((text) => text.startsWith('GET / ')).length, 1);
    },
  );

  test(`[${engine}] between HAProxy and nginx`, peerSkip(engine, 'haproxy', 'nginx', 'curl'), async (t) => {
    const directory = temporaryDirectory(t);
    const [port, tcp, behind] = [await freePort(), await freePort(), await freePort()];
    const fronts = [await freePort(), await freePort(), await freePort(), await freePort()];
    const nginx = await startNginx(
      t,
      `listen 127.0.0.1:${behind} proxy_protocol; location / { return 200 "$proxy_protocol_addr $http_x_forwarded_for\\n"; }`,
    );
    assert.ok(nginx.port > 0);
    await Evenkeel.start(
      t,
      `
listeners:
  web: { bind: "127.0.0.1:${port}", proxy-protocol: { from: 127.0.0.0/8 }, routes: [ { upstream: web } ] }
  tcp: { bind: "127.0.0.1:${tcp}", protocol: tcp, proxy-protocol: { from: 127.0.0.0/8 }, upstream: tcp }
upstreams:
  web: { servers: [ "127.0.0.1:${behind}" ], proxy-protocol: v2 }
  tcp: { servers: [ "127.0.0.1:${behind}" ], proxy-protocol: v1 }
`,
      { engine, workers: 1 },
    );
    const file = join(directory, 'haproxy.cfg');
    const ways = [
      ['send-proxy', port],
      ['send-proxy-v2', port],
      ['send-proxy', tcp],
      ['send-proxy-v2 proxy-v2-options crc32c,unique-id', tcp],
    ] as const;
    writeFileSync(
      file,
      `defaults\n timeout connect 5s\n timeout client 5s\n timeout server 5s\n${ways
        .map(
          ([how, to], i) =>
            `frontend f${i}\n mode tcp\n unique-id-format %ci\n bind 127.0.0.1:${fronts[i]}\n default_backend b${i}\n` +
            `backend b${i}\n mode tcp\n source 127.0.0.1\n server s 127.0.0.1:${to} ${how}\n`,
        )
        .join('')}`,
    );
    await Daemon.start(t, 'haproxy', ['-db', '-f', file], fronts[0]);
    for (const [i, [how]] of ways.entries()) {
      const answer = await runOk('curl', ['-sS', '--interface', '127.0.0.7', `http://127.0.0.1:${fronts[i]}/`]);
      assert.match(answer, i < 2 ? /^127\.0\.0\.7 127\.0\.0\.7\n$/ : /^127\.0\.0\.7 \n$/, how);
    }
  });

  test(
    `[${engine}] HAProxy on both sides has the host and the identifier`,
    peerSkip(engine, 'haproxy', 'curl'),
    async (t) => {
      const certificates = new CertificateMaker();
      t.after(() => certificates.remove());
      const { certificate, key } = certificates.make('shop', { names: ['shop.example'] });
      const both = certificates.join('both.pem', 'shop.pem', 'shop.key');
      const [front, behind, tcp, web] = [await freePort(), await freePort(), await freePort(), await freePort()];
      const [said, echo] = [await freePort(), await freePort()];
      const file = join(temporaryDirectory(t), 'haproxy.cfg');
      writeFileSync(
        file,
        `defaults
 timeout connect 5s
 timeout client 5s
 timeout server 5s
frontend front
 mode tcp
 unique-id-format front-%ci
 bind 127.0.0.1:${front} ssl crt ${both}
 default_backend evenkeel
backend evenkeel
 mode tcp
 server s 127.0.0.1:${tcp} send-proxy-v2-ssl proxy-v2-options authority,unique-id,crc32c,ssl
frontend said
 mode tcp
 bind 127.0.0.1:${said} ssl crt ${both}
 default_backend echo
backend echo
 mode tcp
 server s 127.0.0.1:${echo} send-proxy-v2-ssl
frontend behind
 mode http
 bind 127.0.0.1:${behind} accept-proxy
 http-request return status 200 content-type text/plain lf-string "%[fc_pp_authority] %[fc_pp_unique_id] %[req.hdr(x-request-id)] %[src]\\n"
`,
      );
      await Daemon.start(t, 'haproxy', ['-db', '-f', file], front);
      await Evenkeel.start(
        t,
        `
listeners:
  tcp: { bind: "127.0.0.1:${tcp}", protocol: tcp, proxy-protocol: { from: 127.0.0.0/8 }, upstream: tcp }
  web: { bind: "127.0.0.1:${web}", tls: { certificate: ${certificate}, key: ${key} }, routes: [ { upstream: web } ] }
  echo:
    bind: "127.0.0.1:${echo}"
    proxy-protocol: { from: 127.0.0.0/8 }
    routes: [ { respond: { body: "{client} {proxy-tlv:ssl-version} {proxy-tlv:ssl-verify} {proxy-tlv:ssl-cn}" } } ]
upstreams:
  tcp: { servers: [ "127.0.0.1:${behind}" ], proxy-protocol: { tlvs: [ ${TLVS} ] } }
  web: { servers: [ "127.0.0.1:${behind}" ], proxy-protocol: { tlvs: [ ${TLVS} ] } }
`,
        { engine, workers: 1 },
      );
      assert.equal(await askShop(front), 'shop.example front-127.0.0.7  127.0.0.7\n');
      assert.match(await askShop(said), /^127\.0\.0\.7 TLSv1\.3 \d+ $/, 'what HAProxy says of its TLS');
      assert.match(
        await askShop(web),
        /^shop\.example ([0-9a-f]{32}) \1 127\.0\.0\.7\n$/,
        "the request's own identifier",
      );
    },
  );
}
