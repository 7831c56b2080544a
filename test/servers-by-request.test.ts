/** Upstreams with `server-by`: each request says itself which server it goes to. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import http from 'node:http';
import { networkInterfaces } from 'node:os';
import { type TestContext, test } from 'node:test';
import { type Backend, engineSkip, ENGINES, Evenkeel, freePort, get, startBackend } from './evenkeel.ts';
import { type NameServer, startNameServer } from './name-server.ts';
import { until } from './waiting.ts';

/** Two servers on the same port of two addresses, which say where they are and what was asked. */
async function startPair(t: TestContext): Promise<Backend> {
  const first = await startBackend(t, (request, response) =>
    response.end(`first ${request.url} ${request.headers.host}`),
  );
  const second = http.createServer((request, response) => response.end(`second ${request.url}`));
  second.listen(first.port, '127.0.0.2');
  await once(second, 'listening');
  t.after(() => {
    second.close();
    second.closeAllConnections();
  });
  return first;
}

function yamlOf(port: number, upstreams: string): string {
  return `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - match: { path: /host }
        upstream: any
        headers: { request: { set: { Host: "{server-by}" } }, response: { set: { X-Port: "{server-by-port}" } } }
      - { upstream: any }
upstreams:
${upstreams}
`;
}

for (const engine of ENGINES) {
  test(`[${engine}] a request names an address, an upstream, a path`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const port = await freePort();
    const upstreams = `
  any: { server-by: { text: "{query:to}", upstreams: { Shop: shop }, names: false } }
  shop: { servers: [ "127.0.0.2:${back}" ] }`;
    await Evenkeel.start(t, yamlOf(port, upstreams), { engine, workers: 1 });
    const body = async (to: string, path = '/x'): Promise<string> => (await get(port, `${path}?to=${to}`)).body;
    assert.equal(await body(`127.0.0.1:${back}`), `first /x?to=127.0.0.1:${back} 127.0.0.1:${port}`);
    assert.equal(await body(`127.0.0.1:${back}/other%20path`), `first /other%20path 127.0.0.1:${port}`);
    assert.equal(await body(`127.0.0.2:${back}?only=query`), 'second /?only=query');
    assert.equal(await body('SHOP/a'), 'second /a');
    assert.match(await body(`127.0.0.1:${back}/`, '/host'), new RegExp(`^first / 127\\.0\\.0\\.1:${back}$`));
    const [response] = await once(
      http.get({ port, host: '127.0.0.1', path: `/host?to=127.0.0.1:${back}/`, agent: false }),
      'response',
    );
    assert.equal((response as http.IncomingMessage).headers['x-port'], String(back));
    (response as http.IncomingMessage).resume();
    const status = async (to: string): Promise<number | undefined> => (await get(port, `/x?to=${to}`)).status;
    assert.equal(await status('localhost'), 502, 'names are not asked for');
    for (const wrong of ['', ':80', 'a:0', '127.0.0.1:x', 'unix:/run/x', 'user@host', `127.0.0.1:${back}/../..`]) {
      assert.equal(await status(wrong), 500, wrong);
    }
  });

  test(
    `[${engine}] a name is asked for anew when its answer is over, and the last one stays`,
    engineSkip(engine),
    async (t) => {
      const { port: back } = await startPair(t);
      const dns = await startNameServer(t);
      const port = await freePort();
      const resolver = `{ servers: "${dns.address}", valid: 1s, timeout: 20s, ipv6: false }`;
      const upstreams = `  any: { server-by: { text: "{header:Host}:${back}" }, resolver: ${resolver} }`;
      // of two, one may still have the first answer when there is no other any more, and keep it
      await Evenkeel.start(t, yamlOf(port, upstreams), { engine, workers: 1 });
      const ask = (name: string): Promise<string> => bodyOf(port, name);

      dns.names.set('a.test', ['127.0.0.1']);
      await getUntilBody(port, 'a.test', 'first / a.test');

      dns.names.set('a.test', ['127.0.0.2']);
      await getUntilBody(port, 'a.test', 'second /');

      dns.names.delete('a.test');
      const before = dns.asked.length;
      while (dns.asked.length < before + 2) assert.equal(await ask('a.test'), 'second /');
      assert.equal(await ask('a.test'), 'second /');
      dns.names.set('a.test', 'silent');
      assert.equal(await ask('a.test'), 'second /');
      dns.names.set('a.test', ['127.0.0.1']);
      await getUntilBody(port, 'a.test', 'first / a.test');
    },
  );

  test(`[${engine}] a name that many requests want at a time is asked for once`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const dns = await startNameServer(t);
    const port = await freePort();
    const resolver = `{ servers: "${dns.address}", valid: 1h, timeout: 1m, ipv6: false }`;
    const upstreams = `  any: { server-by: { text: "{header:Host}:${back}" }, resolver: ${resolver} }`;
    await Evenkeel.start(t, yamlOf(port, upstreams), { engine, workers: 2 });
    dns.names.set('a.test', ['127.0.0.1']);
    const bodies = await Promise.all(Array.from({ length: 50 }, () => bodyOf(port, 'A.test')));
    assert.deepEqual([...new Set(bodies)], ['first / A.test']);
    // a question that is answered late is sent again
    assert.ok(dns.asked.length <= 3, dns.asked.join(' '));
  });

  test(`[${engine}] a name without an address is 502, and is asked for anew`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const dns = await startNameServer(t);
    const [port, quick] = [await freePort(), await freePort()];
    const of = (timeout: string): string => `{ servers: "${dns.address}", timeout: ${timeout}, ipv6: false }`;
    const upstreams = (timeout: string): string =>
      `  any: { server-by: { text: "{header:Host}:${back}" }, resolver: ${of(timeout)} }`;
    const evenkeel = await Evenkeel.start(t, yamlOf(port, upstreams('20s')), { engine, workers: 1 });
    assert.equal(await statusOf(port, 'none.test'), 502);
    await evenkeel.said(
      /upstream any: a name that requests are for did not resolve.*none\.test: there is no such name/,
    );
    dns.names.set('none.test', ['127.0.0.1']);
    assert.equal(await statusOf(port, 'none.test'), 200);

    await Evenkeel.start(t, yamlOf(quick, upstreams('300ms')), { engine, workers: 1 });
    dns.names.set('mute.test', 'silent');
    assert.equal(await statusOf(quick, 'mute.test'), 502);
    dns.names.set('mute.test', ['127.0.0.2', '127.0.0.1']);
    const seen = new Set<string>();
    while (!seen.has('first') || !seen.has('second')) seen.add((await bodyOf(quick, 'mute.test')).split(' ')[0]);
  });

  test(`[${engine}] who waits for a name at a reload gets its answer`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const dns = await startNameServer(t);
    const port = await freePort();
    const resolver = (valid: string): string =>
      `{ servers: "${dns.address}", valid: ${valid}, timeout: 1m, ipv6: false }`;
    const yaml = (valid: string): string =>
      yamlOf(port, `  any: { server-by: { text: "{header:Host}:${back}" }, resolver: ${resolver(valid)} }`);
    const evenkeel = await Evenkeel.start(t, yaml('1h'), { engine, workers: 1 });
    dns.names.set('late.test', 'silent');
    const waiting = statusOf(port, 'late.test');
    await until(
      () => dns.asked.includes('late.test'),
      () => dns.asked.join(' '),
    );
    writeFileSync(evenkeel.file, yaml('2h'));
    evenkeel.signal('SIGHUP');
    await evenkeel.said(/reload by SIGHUP: .*any/);
    dns.names.set('late.test', ['127.0.0.1']);
    assert.equal(await waiting, 200);
    assert.equal(await statusOf(port, 'late.test'), 200);
  });

  test(`[${engine}] a value ends no host that is written behind it`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const dns = await startNameServer(t);
    const [strict, loose, nginx] = [await freePort(), await freePort(), await freePort()];
    dns.names.set('a.test', ['127.0.0.2']);
    const yaml = (port: number, more: string): string =>
      yamlOf(
        port,
        `  any: { server-by: { text: "{query:app}.test:${back}"${more} }, resolver: { servers: "${dns.address}", timeout: 20s, ipv6: false } }`,
      );
    await Evenkeel.start(t, yaml(strict, ''), { engine, workers: 1 });
    await Evenkeel.start(t, yaml(loose, ', loose: true'), { engine, workers: 1 });
    const conf = `
events { }
http {
  resolver ${dns.address} ipv6=off;
  server { listen 127.0.0.1:${nginx}; location / { proxy_pass http://$arg_app.test:${back}; } }
}
`;
    await Evenkeel.start(t, conf, { engine, workers: 1 });
    assert.equal((await get(strict, '/?app=a')).body, 'second /?app=a');
    for (const end of ['/', '?', '/x?', ':1/', '%23', '@', '%2f']) {
      const path = `/?app=127.0.0.1:${back}${end}`;
      assert.equal((await get(strict, path)).status, 500, end);
    }
    for (const app of ['127.0.0.2/', '127.0.0.2?', 'user@a', '[::1]', 'a%20'])
      assert.equal((await get(strict, `/?app=${app}`)).status, 500, app);
    for (const port of [loose, nginx])
      assert.match((await get(port, `/?app=127.0.0.1:${back}/x?`)).body, /^first \/x\?\.test/);
  });

  test(`[${engine}] a request names no listener of evenkeel itself`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const dns = await startNameServer(t);
    const [all, one] = [await freePort(), await freePort()];
    dns.names.set('self.test', ['127.0.0.1']);
    dns.names.set('both.test', ['127.0.0.3', '127.0.0.2']);
    const yaml = (bind: string): string => `
listeners:
  all: { bind: "*:${all}", routes: [ { upstream: any } ] }
  one: { bind: "${bind}", routes: [ { upstream: back } ] }
upstreams:
  any:
    server-by: { text: "{header:Host}", upstreams: { file: file } }
    resolver: { servers: "${dns.address}", timeout: 20s, ipv6: false }
  file: { servers: [ "127.0.0.1:${one}" ] }
  back: { servers: [ "127.0.0.2:${back}" ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml(`127.0.0.1:${one}`), { engine, workers: 1 });
    const machine = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
    const hosts = machine.map(({ family, address }) => (family === 'IPv6' ? `[${address}]` : address));
    for (const host of [...hosts, '127.8.9.1', '0.0.0.0', '[::]', '[::ffff:127.0.0.1]', '[::ffff:0:0]', 'self.test'])
      assert.equal(await statusOf(all, `${host}:${all}`), 508, host);
    assert.match(await bodyOf(all, `127.0.0.1:${all}`), /^508 Loop Detected: the server that the request names/);
    assert.equal(await statusOf(all, `127.0.0.1:${one}`), 508);
    assert.equal(await statusOf(all, `127.0.0.2:${one}`), 502, 'nobody listens there');
    assert.equal(await bodyOf(all, `127.0.0.2:${back}`), 'second /');
    assert.equal(await bodyOf(all, 'file'), 'second /', 'the file may name a listener');
    assert.match((await get(all, '/')).body, /^508/);

    // of several addresses the others are used, and what has become a listener is one
    assert.equal(await bodyOf(all, `both.test:${back}`), 'second /');
    writeFileSync(evenkeel.file, yaml(`127.0.0.3:${back}`));
    evenkeel.signal('SIGHUP');
    while ((await statusOf(all, `127.0.0.3:${back}`)) !== 508) await new Promise((resolve) => setTimeout(resolve, 20));
    for (let i = 0; i < 4; i++) assert.equal(await bodyOf(all, `both.test:${back}`), 'second /');
  });

  test(
    `[${engine}] names of servers are asked of their upstream's resolver, and stay over a reload`,
    engineSkip(engine),
    async (t) => {
      const { port: back } = await startPair(t);
      const dns = await startNameServer(t);
      const [port, other] = [await freePort(), await freePort()];
      dns.names.set('app.test', ['127.0.0.1']);
      const conf = (path: string): string => `
events { }
http {
  resolver ${dns.address} valid=1s ipv6=off;
  upstream app { zone app 64k; server app.test:${back} resolve; }
  upstream web { server app.test:${back} resolve backup; server 127.0.0.1:${other}; }
  server { listen 127.0.0.1:${port}; location / { proxy_pass http://app${path}; } location /web { proxy_pass http://web/; } }
}
`;
      const evenkeel = await Evenkeel.start(t, conf('/a'), { engine, workers: 1 });
      await getUntilBody(port, 'h', 'first /a app');
      assert.equal((await get(port, '/web')).body, 'first / web');
      dns.names.set('app.test', ['127.0.0.2']);
      await getUntilBody(port, 'h', 'second /a');
      dns.names.set('app.test', 'silent');
      writeFileSync(evenkeel.file, conf('/b'));
      evenkeel.signal('SIGHUP');
      await getUntilBody(port, 'h', 'second /b');
      dns.names.set('app.test', ['127.0.0.1']);
      await getUntilBody(port, 'h', 'first /b app');
    },
  );

  test(`[${engine}] a name server that a reload brings is asked`, engineSkip(engine), async (t) => {
    const { port: back } = await startPair(t);
    const [one, two]: NameServer[] = [await startNameServer(t), await startNameServer(t)];
    const port = await freePort();
    const yaml = (dns: NameServer): string =>
      yamlOf(port, `  any: { server-by: { text: "{header:Host}:${back}" }, resolver: { servers: "${dns.address}" } }`);
    const evenkeel = await Evenkeel.start(t, yaml(one), { engine, workers: 1 });
    one.names.set('a.test', ['127.0.0.1']);
    two.names.set('a.test', ['127.0.0.2']);
    assert.equal(await bodyOf(port, 'a.test'), 'first / a.test');
    writeFileSync(evenkeel.file, yaml(two));
    evenkeel.signal('SIGHUP');
    await getUntilBody(port, 'a.test', 'second /');
  });
}

async function answerOf(port: number, host: string): Promise<{ status: number | undefined; body: string }> {
  const request = http.get({ port, host: '127.0.0.1', headers: { host }, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  let body = '';
  for await (const part of response) body += String(part);
  return { status: response.statusCode, body };
}

async function bodyOf(port: number, host: string): Promise<string> {
  return (await answerOf(port, host)).body;
}

async function statusOf(port: number, host: string): Promise<number | undefined> {
  return (await answerOf(port, host)).status;
}

async function getUntilBody(port: number, host: string, wanted: string): Promise<void> {
  while ((await bodyOf(port, host)) !== wanted) await new Promise((resolve) => setTimeout(resolve, 20));
}
