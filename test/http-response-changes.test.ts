/** What a route changes in a response by what is in it: values of the response, replaced parts of fields, flags of cookies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort } from './evenkeel.ts';
import { RawConnection, RawServer, type Response } from './raw.ts';

for (const engine of ENGINES) {
  test(`[${engine}] a response is changed by what is in it`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const dead = await freePort();
    const server = await RawServer.start(t);
    await Evenkeel.start(
      t,
      `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - match: { path: /own }
        respond: { status: 201, body: ok }
        headers: { response: { add: { X-Status: "{status}", X-Server: "{server}" } } }
      - upstream: web
        retry: { attempts: 2, on: [connect] }
        headers:
          response:
            set:
              X-Try: "{server}|{server-status}|{status}|{response:X-App}|{method}"
              X-Times: "{server-connect-time};{server-time};{server-header-time};{server-response-time}"
              X-Empty: "{response:X-None}"
              X-Body: "{request-body}"
              X-Json: '{"status":{"a":1}}'
            replace:
              - { field: Location, prefix: "http://{host}:8080/", by: "{scheme}://public.example/{method}/" }
              - { field: location, regex: "^https?://([a-z]+)[.]internal/(.*)$", by: "/{capture:1}/{capture:2}?{status}", base: "https://{host}" }
              - { field: Refresh, is: "/old", by: /new }
              - { field: X-Grow, prefix: a, by: "${'b'.repeat(3000)}" }
              - { field: Set-Cookie, attribute: domain, is: back.example, by: front.example }
              - { field: Set-Cookie, attribute: Path, prefix: /app/, by: / }
            cookie-flags:
              - { cookie: plain, remove: [Secure, HttpOnly, SameSite] }
              - { cookie: { regex: "^s" }, add: [Secure, SameSite=Lax] }
upstreams:
  web: { balance: round-robin, servers: [ "127.0.0.1:${dead}", { address: "${server.address}", backup: true } ] }
`,
      { engine, workers: 1 },
    );

    const answer = async (fields: readonly string[], status = '200 OK'): Promise<Response> => {
      const client = await RawConnection.open(t, port);
      client.write('GET /x HTTP/1.1\r\nHost: shop.example\r\n\r\n');
      const exchange = await server.exchange();
      exchange.send(
        `HTTP/1.1 ${status}\r\n${fields.map((field) => `${field}\r\n`).join('')}Content-Length: 2\r\n\r\nok`,
      );
      const response = await client.response();
      client.socket.destroy();
      return response;
    };

    await t.test('what is known of the response and of the tries it took', async () => {
      const got = await answer(['X-App: seven'], '203 Fine');
      assert.equal(got.get('x-try'), `127.0.0.1:${dead}, ${server.address}|502, 203|203|seven|GET`);
      assert.match(
        got.get('x-times')!,
        /^-, [0-9]+\.[0-9]{3};[0-9]+\.[0-9]{3}, [0-9]+\.[0-9]{3};-, [0-9]+\.[0-9]{3};[0-9]+\.[0-9]{3}, -$/,
      );
      assert.equal(got.get('x-empty'), undefined);
      assert.equal(got.get('x-json'), '{"status":{"a":1}}');
      assert.equal(got.body, 'ok');
    });

    const tell = async (fields: string, ...parts: readonly string[]): Promise<string | undefined> => {
      const client = await RawConnection.open(t, port);
      client.write(`POST /x HTTP/1.1\r\nHost: shop.example\r\n${fields}\r\n\r\n${parts[0]}`);
      const exchange = await server.exchange();
      for (const part of parts.slice(1)) {
        client.write(part);
        await exchange.connection.until(part);
      }
      exchange.send('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
      const got = (await client.response()).get('x-body');
      client.socket.destroy();
      return got;
    };
    await t.test('what a short body says, whether it comes with its head, later or in chunks', async () => {
      assert.equal(await tell('Content-Length: 3', 'a=1'), 'a=1');
      const half = 'x'.repeat(900);
      assert.equal(await tell('Expect: 100-continue\r\nContent-Length: 1800', half, half), half + half);
      assert.equal(await tell('Transfer-Encoding: chunked', '3\r\nabc\r\n', '2\r\nde\r\n0\r\n\r\n'), 'abcde');
      assert.equal(await tell('Content-Length: 2049', 'y'.repeat(2049)), undefined);
    });

    await t.test('an answer of the proxy has its status, and no server', async () => {
      const client = await RawConnection.open(t, port);
      client.write('GET /own HTTP/1.1\r\nHost: a\r\n\r\n');
      const got = await client.response();
      assert.equal(got.get('x-status'), '201');
      assert.equal(got.get('x-server'), undefined);
    });

    await t.test('the first rule for a field that fits changes it, and no other one', async () => {
      const location = async (value: string): Promise<string | undefined> =>
        (await answer([`Location: ${value}`], '302 Found')).get('location');
      assert.equal(await location('http://shop.example:8080/a?b=c'), 'http://public.example/GET/a?b=c');
      assert.equal(await location('http://app.internal/a/b'), 'https://shop.example/app/a/b?302');
      assert.equal(await location('http://other.example:8080/'), 'http://other.example:8080/');
      assert.equal((await answer(['Refresh: 5; url=/old'])).get('refresh'), '5; url=/new');
      assert.equal((await answer(['Refresh: 5; url=/older'])).get('refresh'), '5; url=/older');
    });

    const cookies = async (...values: string[]): Promise<readonly string[]> =>
      (await answer(values.map((value) => `Set-Cookie: ${value}`))).fields
        .filter(([name]) => name.toLowerCase() === 'set-cookie')
        .map(([, value]) => value);

    await t.test('cookies: attributes, and flags by name', async () => {
      assert.deepEqual(await cookies('a=1; Domain=.Back.example; Path=/app/x', 'plain=2; secure; HttpOnly; Path=/y'), [
        'a=1; Domain=.front.example; Path=/x',
        'plain=2; Path=/y',
      ]);
      assert.deepEqual(await cookies('s1=x; samesite=None', 'other="a,b";Max-Age=5'), [
        'other="a,b";Max-Age=5',
        's1=x; samesite=Lax; Secure',
      ]);
    });

    await t.test('a response that grows too large by it is none: 502, and the next one is answered', async () => {
      const grown = await answer(['X-Grow: a']);
      assert.equal(grown.get('x-grow'), 'b'.repeat(3000));
      const many = await answer(['X-Grow: a', 'X-Grow: a']);
      assert.equal(many.status, 502);
      assert.equal((await answer(['X-Grow: c'])).get('x-grow'), 'c');
    });
  });

  test(
    `[${engine}] an error of the proxy's own has what the route adds, and says where the request has been`,
    engineSkip(engine),
    async (t) => {
      const port = await freePort();
      const dead = await freePort();
      await Evenkeel.start(
        t,
        `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - match: { path: /paged }
        upstream: web
        errors: [ { status: 502, call: page } ]
      - name: page
        respond: { body: "{path}: {server} {server-status} {status}\\n" }
      - match: { path: /fresh }
        respond: { body: "[{server}] {status}" }
      - upstream: web
        headers:
          success: { set: { X-Success: "no" } }
          response:
            set: { X-Frame-Options: DENY, Content-Type: text/wrong, X-Path: "{path}" }
            add: { X-Tried: "{server}; {server-status}" }
upstreams:
  web: { servers: [ "127.0.0.1:${dead}", { address: "127.0.0.1:${dead}", copy: 2, backup: true } ] }
`,
        { engine, workers: 1 },
      );
      const client = await RawConnection.open(t, port);
      const ask = async (path: string, method = 'GET'): Promise<Response> => {
        client.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
        return await client.response(method);
      };
      const where = `127.0.0.1:${dead}`;
      for (const method of ['GET', 'HEAD']) {
        const error = await ask('/x', method);
        assert.equal(error.status, 502);
        assert.equal(error.get('x-frame-options'), 'DENY');
        assert.equal(error.get('content-type'), 'text/plain; charset=utf-8');
        assert.equal(error.get('x-path'), '/x');
        assert.equal(error.get('x-tried'), `${where}, ${where}; 502, 502`);
        assert.equal(error.get('x-success'), undefined);
      }
      assert.equal((await ask('/paged')).body, `/paged: ${where}, ${where} 502, 502 502\n`);
      assert.equal((await ask('/fresh')).body, '[] 200');
    },
  );
}
