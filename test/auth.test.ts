/** Who may enter: a server that is asked first. Nobody gets to the other one whom it has not let in. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type http from 'node:http';
import type http2 from 'node:http2';
import { test } from 'node:test';
import type { FailedRequestView } from '../src/api/failed-requests.ts';
import { askSocket } from './control-socket.ts';
import { engineSkip, ENGINES, Evenkeel, freePort, getWhole, startBackend, startTcpBackend } from './evenkeel.ts';
import { ask, session } from './http2-client.ts';
import { RawConnection, text } from './raw.ts';
import { until } from './waiting.ts';

const LARGE = text(300_000);

interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Of a WebSocket's response: what proves that its request was read. */
function accept(request: Buffer): string {
  const key = /^sec-websocket-key: (.*)\r$/im.exec(request.toString('latin1'))?.[1];
  if (key === undefined) return '';
  return `Sec-WebSocket-Accept: ${createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')}\r\n`;
}

const upgrade = (says: string): string =>
  `GET /tunnel HTTP/1.1\r\nHost: a\r\nX-Says: ${says}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n`;

/** Remembers what it was asked, and answers as `answer` says when all of it is there. */
function rememberTo(
  seen: Seen[],
  answer: (request: http.IncomingMessage, response: http.ServerResponse, seen: Seen) => void,
): http.RequestListener {
  return (request, response) => {
    let body = '';
    request.setEncoding('latin1');
    request.on('data', (part: string) => (body += part));
    request.on('end', () => {
      const one = { method: request.method!, url: request.url!, headers: request.headers, body };
      seen.push(one);
      answer(request, response, one);
    });
  };
}

/** It is found a second later. */
async function failedRequest({ file }: Evenkeel, id: string): Promise<FailedRequestView> {
  let found: FailedRequestView | null = null;
  await until(() =>
    askSocket<FailedRequestView>(`${file}.sock`, 'GET', `/v1/errors/${id}`).then(
      (view) => (found = view).id === id,
      () => false,
    ),
  );
  return found!;
}

for (const engine of ENGINES) {
  test(`[${engine}] another server says who may enter`, engineSkip(engine), async (t) => {
    const asked: Seen[] = [];
    const served: Seen[] = [];
    const held: http.ServerResponse[] = [];
    const doorkeeper = await startBackend(
      t,
      rememberTo(asked, (request, response, { headers }) => {
        const says = String(headers['x-says'] ?? '401');
        if (says === 'hold') held.push(response);
        else if (says === 'reset') request.socket.destroy();
        else {
          const challenge = says === '401' ? { 'WWW-Authenticate': ['Basic realm="a"', 'Bearer'] } : {};
          const to = says === '200x' ? { 'X-Accel-Redirect': '/open' } : {};
          response.writeHead(Number.parseInt(says), { 'X-User': 'ann', 'Set-Cookie': 'a=1', ...challenge, ...to });
          response.end(says === '204' ? undefined : LARGE);
        }
      }),
    );
    const app = await startBackend(
      t,
      rememberTo(served, (_, response, { url }) => {
        if (url.startsWith('/leads')) response.setHeader('X-To', '/elsewhere');
        response.end('in');
      }),
    );
    const tunnels = await startTcpBackend(t, (socket) => {
      socket.on('end', () => socket.end());
      socket.once('data', (data) => {
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n${accept(data)}\r\n`,
        );
        socket.on('data', (more) => socket.write(more));
      });
    });
    const port = await freePort();
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    limits: { body: 1MiB }
    routes:
      - { match: { path: { exact: /auth } }, internal: true, upstream: doorkeeper, target-by: { field: X-Accel-Redirect }, headers: { request: { set: { X-Asked-For: "{uri}" } } } }
      - { name: doorkeeper, upstream: doorkeeper, rewrite: { path: /named } }
      - { name: impatient, upstream: doorkeeper, timeout: 300ms }
      - { name: nobody, upstream: nobody }
      - { name: yes, respond: { status: 204 } }
      - { name: no, respond: { status: 403 } }
      - { name: login, respond: { status: 401, body: "{value:user} has to log in" } }
      - match: { path: /in }
        upstream: app
        auth: { ask: { to: "/auth?", set: { user: "{response:X-User}" } } }
        headers: { request: { set: { X-User: "{value:user}" } }, response: { set: { X-For: "{value:user}" } } }
        errors: [ { status: 404, call: no } ]
      - match: { path: /steps }
        steps:
          - set: { before: "{header:X-Before}" }
          - rewrite: { regex: "^/steps/(.*)$", to: "/in-fact/{capture:1}?q={value:before}", end: stop }
        upstream: app
        auth: { ask: { call: doorkeeper } }
        headers: { request: { set: { X-Before: "{value:before}", X-Capture: "{capture:1}" } } }
      - { match: { path: /hold }, upstream: app, auth: { ask: { call: doorkeeper } } }
      - { match: { path: /impatient }, upstream: app, auth: { ask: { call: impatient } } }
      - { match: { path: /brief }, upstream: app, timeout: 300ms, auth: { ask: { call: doorkeeper } } }
      - { match: { path: /dead }, upstream: app, auth: { ask: { call: nobody } } }
      - { match: { path: /yes }, upstream: app, auth: { ask: { call: yes } } }
      - match: { path: /unnamed }
        upstream: app
        auth: { ask: { call: yes, set: { user: "{response:X-User}" } } }
        headers: { request: { set: { X-User: "{value:user}" } } }
      - { match: { path: /overdue }, upstream: app, timeout: 300ms, auth: { ask: { to: "/auth?" } }, errors: [ { status: 504, call: instead } ] }
      - { name: instead, upstream: app }
      - { match: { path: /no }, upstream: app, auth: { ask: { call: no } } }
      - { match: { path: /late }, upstream: app, auth: { ask: { to: "/auth?" }, delay: 200ms } }
      - match: { path: /page }
        upstream: app
        auth: { ask: { to: "/auth?", set: { user: "{response:X-User}" } } }
        errors: [ { status: 401, call: login, answer: own } ]
      - { match: { path: /second }, upstream: app, auth: { ask: { to: "/auth?" } }, errors: [ { status: 401, call: second, answer: own } ] }
      - { name: second, upstream: app, auth: { ask: { call: yes } } }
      - { match: { path: /leads }, upstream: app, auth: { ask: { to: "/auth?" } }, target-by: { field: X-To } }
      - { match: { path: /elsewhere }, upstream: app, auth: { ask: { call: no } } }
      - { match: { path: /tunnel }, upstream: tunnels, auth: { ask: { to: "/auth?" } } }
      - { match: { path: /open }, upstream: app }
      - match: { path: /shared }
        upstream: app
        cors: { origins: [ "https://a.example", "https://b.example:8443" ], methods: [ PUT ], headers: [ X-Key ], expose: [ X-Total ], credentials: true, max-age: 10m }
        security-headers: api
        headers: { response: { set: { X-Frame-Options: SAMEORIGIN } } }
        auth: { ask: { to: "/auth?" } }
      - { match: { path: /public }, respond: { body: public }, cors: { origins: [ "*" ] }, security-headers: web }
upstreams:
  doorkeeper: { servers: [ "${doorkeeper.address}" ] }
  nobody: { servers: [ "127.0.0.1:1" ] }
  app: { servers: [ "${app.address}" ] }
  tunnels: { servers: [ "${tunnels.address}" ] }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1, hasSocket: true });
    const get = (path: string, says: string, headers: http.OutgoingHttpHeaders = {}) =>
      getWhole(port, path, { headers: { 'X-Says': says, ...headers } });
    const clear = (): void => void ((asked.length = 0), (served.length = 0));

    await t.test('it is asked with the head, and what it says goes on', async () => {
      const answer = await get('/in?a=b', '200', { 'X-User': 'forged', Cookie: 'c=1' });
      assert.deepEqual([answer.status, answer.body, answer.headers['x-for']], [200, 'in', 'ann']);
      assert.equal(answer.headers['set-cookie'], undefined);
      assert.deepEqual([asked[0].method, asked[0].url], ['GET', '/auth']);
      assert.equal(asked[0].headers['x-asked-for'], '/in?a=b');
      assert.equal(asked[0].headers['cookie'], 'c=1');
      assert.deepEqual([served[0].url, served[0].headers['x-user']], ['/in?a=b', 'ann']);
    });

    await t.test('only 2xx enters, and 401 and 403 are told as they are', async () => {
      clear();
      for (const says of ['200', '201', '204', '299']) assert.equal((await get('/in', says)).status, 200, says);
      assert.equal(served.length, 4);
      clear();
      const unauthorized = await get('/in', '401');
      assert.equal(unauthorized.status, 401);
      assert.equal(unauthorized.headers['www-authenticate'], 'Basic realm="a", Bearer');
      assert.match(unauthorized.body, /has not said who it is/);
      const forbidden = await get('/in', '403');
      assert.deepEqual([forbidden.status, forbidden.headers['www-authenticate']], [403, undefined]);
      for (const says of ['302', '400', '404', '407', '429', '500', '503', '200x', 'reset'])
        assert.equal((await get('/in', says)).status, 500, says);
      assert.equal((await get('/dead', '200')).status, 500);
      // its time is over
      assert.equal((await get('/impatient', 'hold')).status, 500);
      assert.equal(served.length, 0);
    });

    await t.test('whoever was asked, and what came of it, is found by the identifier', async () => {
      const cases = [
        ['/in', '401', [doorkeeper.address, 401, null]],
        ['/in', '302', [doorkeeper.address, 302, null]],
        ['/impatient', 'hold', [doorkeeper.address, 0, null]],
        ['/brief', 'hold', [doorkeeper.address, 0, null]],
        ['/dead', '200', ['127.0.0.1:1', 502, 'connection refused or unreachable']],
      ] as const;
      const refused = await Promise.all(cases.map(([path, says]) => get(path, says)));
      for (const [i, { headers }] of refused.entries()) {
        const { asked: tried, tries } = await failedRequest(evenkeel, String(headers['x-request-id']));
        assert.deepEqual(
          tried.map(({ failure, server, status }) => [server, status, failure]),
          [cases[i][2]],
        );
        assert.deepEqual(tries, []);
      }
    });

    await t.test('a route that answers itself says it too', async () => {
      clear();
      assert.equal((await get('/yes', '')).status, 200);
      assert.equal((await get('/no', '')).status, 403);
      assert.equal(served.length, 1);
    });

    await t.test('what was said of the request before is not said of the next one', async () => {
      clear();
      assert.equal((await get('/in', '200')).status, 200);
      assert.equal((await get('/unnamed', '')).status, 200);
      assert.deepEqual(
        served.map(({ headers }) => headers['x-user'] ?? ''),
        ['ann', ''],
      );
    });

    await t.test('methods, and requests that are told apart from what is asked', async () => {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'ACL', 'MKCALENDAR']) {
        clear();
        const raw = await RawConnection.open(t, port);
        raw.write(
          `${method} /in HTTP/1.1\r\nHost: a\r\nX-Says: 403\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab`,
        );
        await until(() => raw.buffered.includes('HTTP/1.1 403'));
        const [question] = asked as [Seen];
        assert.deepEqual([question.method, question.body], ['GET', ''], method);
        assert.equal(question.headers['content-length'], undefined);
        assert.equal(served.length, 0);
        const again = await RawConnection.open(t, port);
        again.write(`${method} /in HTTP/1.1\r\nHost: a\r\nX-Says: 200\r\nConnection: close\r\n\r\n`);
        await until(() => again.buffered.includes('HTTP/1.1 200'));
        assert.deepEqual(
          served.map((one) => one.method),
          [method],
        );
      }
    });

    await t.test('what steps have made of it stays', async () => {
      clear();
      assert.equal((await get('/steps/x', '200', { 'X-Before': 'b' })).status, 200);
      assert.equal(asked[0].url, '/named?q=b');
      const { headers, url } = served[0];
      assert.deepEqual([url, headers['x-before'], headers['x-capture']], ['/in-fact/x?q=b', 'b', 'x']);
    });

    await t.test('a body waits meanwhile, and all of it goes on, whatever its framing', async () => {
      const bodies = {
        small: 'Content-Length: 3\r\n\r\nabc',
        large: `Content-Length: ${LARGE.length}\r\n\r\n${LARGE}`,
        chunked: `Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n${LARGE.length.toString(16)}\r\n${LARGE}\r\n0\r\n\r\n`,
      };
      for (const [kind, body] of Object.entries(bodies)) {
        for (const says of ['200', '401']) {
          clear();
          const raw = await RawConnection.open(t, port);
          raw.write(`POST /in HTTP/1.1\r\nHost: a\r\nX-Says: ${says}\r\nConnection: close\r\n${body}`);
          await until(() => raw.buffered.includes(`HTTP/1.1 ${says}`));
          assert.equal(asked[0].body, '');
          assert.deepEqual(
            served.map((one) => one.body.length),
            says === '401' ? [] : [kind === 'small' ? 3 : kind === 'large' ? LARGE.length : LARGE.length + 3],
          );
        }
      }
    });

    await t.test('one that waits for 100 Continue is told that by the server alone', async () => {
      clear();
      const raw = await RawConnection.open(t, port);
      raw.write('POST /in HTTP/1.1\r\nHost: a\r\nX-Says: 403\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n');
      await until(() => raw.buffered.includes('HTTP/1.1 403'));
      assert.ok(!raw.buffered.includes('100'), raw.buffered);
      assert.equal(asked[0].headers['expect'], undefined);
    });

    await t.test('over HTTP/2, with many at one time', async () => {
      clear();
      const client = await session(t, port);
      const says = (path: string, status: string, more = {}) =>
        ask(client, { ':path': path, 'x-says': status, ...more }, null);
      const replies = await Promise.all(
        Array.from({ length: 60 }, (_, i) => says(`/in/${i}`, ['200', '401', '403', '500'][i % 4])),
      );
      replies.forEach(({ status }, i) => assert.equal(status, [200, 401, 403, 500][i % 4]));
      assert.equal(served.length, 15);
      assert.ok(served.every(({ url }) => Number(url.slice(4)) % 4 === 0));
      clear();
      const posted = await ask(client, { ':method': 'POST', ':path': '/in', 'x-says': '200' }, LARGE);
      assert.deepEqual([posted.status, served[0].body.length], [200, LARGE.length]);
      const refused = await ask(client, { ':method': 'POST', ':path': '/in', 'x-says': '401' }, 'abc');
      assert.equal(refused.status, 401);
      assert.equal(served.length, 1);
    });

    await t.test('an upgrade is asked about as any request', async () => {
      clear();
      const refused = await RawConnection.open(t, port);
      refused.write(upgrade('401'));
      await until(() => refused.buffered.includes('HTTP/1.1 401'));
      assert.equal(asked[0].headers['upgrade'], undefined);
      const entered = await RawConnection.open(t, port);
      entered.write(upgrade('200'));
      await until(() => entered.buffered.includes('HTTP/1.1 101'));
      entered.write('hello');
      await until(() => entered.buffered.endsWith('hello'));
    });

    await t.test('so is a WebSocket of HTTP/2', async () => {
      clear();
      const client = await session(t, port);
      if (!client.remoteSettings.enableConnectProtocol) await once(client, 'remoteSettings');
      const fields = { ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/tunnel', ':scheme': 'http' };
      const open = async (says: string): Promise<[http2.ClientHttp2Stream, number | undefined]> => {
        const stream = client.request(
          { ...fields, 'sec-websocket-version': '13', 'x-says': says },
          { endStream: false },
        );
        t.after(() => stream.destroy());
        const [head] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders & { ':status'?: number }];
        return [stream, head[':status']];
      };
      assert.equal((await open('401'))[1], 401);
      assert.equal((await open('500'))[1], 500);
      assert.ok(asked.every(({ headers, method }) => method === 'GET' && headers['upgrade'] === undefined));
      const [stream, status] = await open('200');
      assert.equal(status, 200);
      stream.write('hello');
      const [said] = (await once(stream, 'data')) as [Buffer];
      assert.equal(said.toString(), 'hello');
    });

    await t.test('wherever it goes on, it is asked about again', async () => {
      clear();
      assert.equal((await get('/leads', '200')).status, 403);
      assert.deepEqual(
        served.map(({ url }) => url),
        ['/leads'],
      );
      assert.equal((await get('/auth', '200')).status, 404);
      // neither does another spelling of the path go around it
      clear();
      for (const path of ['/./in', '/open/../in', '/%69n', '//in'])
        assert.notEqual((await get(path, '403')).status, 200, path);
      assert.equal(served.length, 0);
    });

    await t.test('a page for those who are refused has what was said', async () => {
      clear();
      const page = await get('/page', '401');
      assert.deepEqual([page.status, page.body], [401, 'ann has to log in']);
      assert.equal(page.headers['www-authenticate'], 'Basic realm="a", Bearer');
    });

    await t.test('a page may be for those whom somebody else lets in', async () => {
      clear();
      const page = await get('/second', '401');
      assert.deepEqual([page.status, page.body, served.length], [200, 'in', 1]);
    });

    await t.test('who is refused with 401 waits', async () => {
      const at = performance.now();
      assert.equal((await get('/late', '401')).status, 401);
      assert.ok(performance.now() - at >= 195);
    });

    await t.test('a client that leaves meanwhile leaves nothing behind', async () => {
      clear();
      held.length = 0;
      const raw = await RawConnection.open(t, port);
      raw.write('GET /hold HTTP/1.1\r\nHost: a\r\nX-Says: hold\r\n\r\n');
      await until(() => held.length === 1);
      raw.reset();
      await until(() => held[0].socket === null || held[0].socket.destroyed);
      assert.equal((await get('/in', '200')).status, 200);
    });

    await t.test('whose time is over meanwhile goes on to the page, and is not asked about any more', async () => {
      clear();
      held.length = 0;
      const page = await get('/overdue', 'hold');
      assert.deepEqual([page.status, page.body, asked.length], [504, 'in', 1]);
      await until(() => held[0].socket === null || held[0].socket.destroyed);
    });

    await t.test('a browser that asks first is answered, and its origin told what it may read', async () => {
      clear();
      const asks = { Origin: 'https://b.example:8443', 'Access-Control-Request-Method': 'PUT' };
      const first = await getWhole(port, '/shared', { method: 'OPTIONS', headers: asks });
      assert.equal(first.status, 204);
      assert.deepEqual(
        Object.entries(first.headers).filter(([name]) => /^(access-control|vary|x-frame)/.test(name)),
        [
          ['access-control-allow-origin', 'https://b.example:8443'],
          ['access-control-allow-credentials', 'true'],
          ['vary', 'Origin'],
          ['access-control-allow-methods', 'GET, HEAD, POST, PUT'],
          ['access-control-allow-headers', 'X-Key'],
          ['access-control-max-age', '600'],
        ],
      );
      const foreign = await getWhole(port, '/shared', {
        method: 'OPTIONS',
        headers: { ...asks, Origin: 'https://a.example.evil.example' },
      });
      assert.deepEqual([foreign.status, foreign.headers['access-control-allow-origin']], [204, undefined]);
      assert.equal(asked.length + served.length, 0);

      // what is no such question is a request as any other
      assert.equal((await getWhole(port, '/shared', { method: 'OPTIONS', headers: { 'X-Says': '200' } })).status, 200);
      const answer = await get('/shared', '200', { Origin: 'https://a.example' });
      assert.equal(answer.headers['access-control-allow-origin'], 'https://a.example');
      assert.equal(answer.headers['access-control-expose-headers'], 'X-Total');
      // a page has to be able to read why it may not
      const refused = await get('/shared', '401', { Origin: 'https://a.example' });
      assert.deepEqual([refused.status, refused.headers['access-control-allow-origin']], [401, 'https://a.example']);
      const other = await get('/shared', '200', { Origin: 'https://c.example' });
      assert.deepEqual([other.headers['access-control-allow-origin'], other.headers['vary']], [undefined, 'Origin']);
    });

    await t.test('a preset of fields guards pages, and what the route says itself goes before it', async () => {
      const api = await get('/shared', '200');
      assert.equal(api.headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'");
      assert.deepEqual([api.headers['x-frame-options'], api.headers['referrer-policy']], ['SAMEORIGIN', 'no-referrer']);
      // it would have to be over TLS
      assert.equal(api.headers['strict-transport-security'], undefined);
      const web = await get('/public', '', { Origin: 'https://c.example' });
      assert.deepEqual([web.headers['access-control-allow-origin'], web.headers['vary']], ['*', undefined]);
      assert.deepEqual(
        [web.headers['x-content-type-options'], web.headers['x-frame-options']],
        ['nosniff', 'SAMEORIGIN'],
      );
    });

    await evenkeel.said(/answered 500: .*reason=undecided/);
  });
}
