/** Which route a request takes, and what routes without a server answer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, startBackend } from './evenkeel.ts';
import { RawConnection } from './raw.ts';
import type { Response } from './raw.ts';

const ROUTES = `
      - { match: { host: shop.example, path: { exact: /exact } }, respond: { body: "exact\\n" } }
      - { match: { host: shop.example, path: /pre }, respond: { body: "prefix\\n" } }
      - { match: { host: shop.example, path: { regex: "^/n/[0-9]+$" } }, respond: { body: "number\\n" } }
      - { match: { host: shop.example, path: /m, method: [PUT, DELETE] }, respond: { body: "method\\n" } }
      - { match: { host: shop.example, path: /h, header: { X-Kind: { prefix: ab }, X-No: false } }, respond: { body: "header\\n" } }
      - { match: { host: shop.example, path: /q, query: { lang: de, debug: true } }, respond: { body: "query\\n" } }
      - { match: { host: "*.shop.example" }, respond: { body: "wildcard\\n" } }
      - { match: { host: [one.example, two.example] }, respond: { body: "list\\n" } }
      - { match: { host: go.example, path: { exact: /old } }, redirect: { to: /new, status: 301 } }
      - { match: { host: go.example, path: { exact: /post } }, redirect: { to: /there, status: 308 } }
      - { match: { host: go.example, path: /next }, redirect: { to: "/{query:next}" } }
      - { match: { host: go.example }, redirect: { to: "https://{host}{uri}" } }
      - { match: { host: fix.example, path: { exact: /teapot } }, respond: { status: 418, body: "short\\n", content-type: text/x-tea } }
      - { match: { host: fix.example, path: { exact: /empty } }, respond: { status: 204 } }
      - match: { host: fix.example, path: { exact: /with-fields } }
        respond: { body: "{}", content-type: application/json }
        headers: { response: { set: { X-Own: "1" }, add: { Cache-Control: no-store } } }
      - { match: { host: re.example, path: /api/ }, upstream: web, rewrite: { prefix: / } }
      - { match: { host: re.example, path: { exact: /one } }, upstream: web, rewrite: { path: /other } }
      - { match: { host: re.example, path: /v }, upstream: web, rewrite: { regex: "^/v([0-9]+)/(.*)$", to: "/$2/version-$1" } }
      - { match: { host: re.example }, upstream: web }
`;

for (const engine of ENGINES) {
  test(`[${engine}] routes`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const server = await startBackend(t, (request, response) => response.end(`${request.method} ${request.url}`));
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:${ROUTES}
upstreams: { web: { servers: [ "${server.address}" ] } }
`;
    await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const client = await RawConnection.open(t, port);
    const ask = async (host: string, target: string, method = 'GET', fields = ''): Promise<Response> => {
      client.write(`${method} ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`);
      return client.response(method);
    };
    const bodyOf = async (...request: Parameters<typeof ask>): Promise<string> => {
      const { status, body } = await ask(...request);
      return status === 200 ? body.trim() : `${status}`;
    };

    await t.test('path: exact, prefix, regular expression', async () => {
      assert.equal(await bodyOf('shop.example', '/exact'), 'exact');
      assert.equal(await bodyOf('shop.example', '/exact?q'), 'exact');
      assert.equal(await bodyOf('shop.example', '/exact/'), '404');
      assert.equal(await bodyOf('shop.example', '/pre'), 'prefix');
      assert.equal(await bodyOf('shop.example', '/prefix/x?y'), 'prefix');
      assert.equal(await bodyOf('shop.example', '/pr'), '404');
      assert.equal(await bodyOf('shop.example', '/n/12'), 'number');
      assert.equal(await bodyOf('shop.example', '/n/1x'), '404');
    });

    await t.test('host: exact, wildcard, list; case and port do not matter', async () => {
      assert.equal(await bodyOf('SHOP.example:8080', '/exact'), 'exact');
      assert.equal(await bodyOf('a.shop.example', '/'), 'wildcard');
      assert.equal(await bodyOf('a.b.Shop.Example', '/'), 'wildcard');
      assert.equal(await bodyOf('shop.example', '/'), '404');
      assert.equal(await bodyOf('badshop.example', '/'), '404');
      assert.equal(await bodyOf('two.example', '/'), 'list');
    });

    await t.test('method, header, query: all of them must hold', async () => {
      assert.equal(await bodyOf('shop.example', '/m', 'DELETE'), 'method');
      assert.equal(await bodyOf('shop.example', '/m', 'GET'), '404');
      assert.equal(await bodyOf('shop.example', '/h', 'GET', 'x-kind: abc\r\n'), 'header');
      assert.equal(await bodyOf('shop.example', '/h', 'GET', 'X-Kind: xabc\r\n'), '404');
      assert.equal(await bodyOf('shop.example', '/h', 'GET', 'X-Kind: abc\r\nX-No: 1\r\n'), '404');
      assert.equal(await bodyOf('shop.example', '/q?debug&lang=de'), 'query');
      assert.equal(await bodyOf('shop.example', '/q?lang=de'), '404');
      assert.equal(await bodyOf('shop.example', '/q?debug&lang=den'), '404');
    });

    await t.test('a path cannot be disguised: it is compared without dot segments and needless escapes', async () => {
      assert.equal(await bodyOf('shop.example', '/%65xact'), 'exact');
      for (const doubtful of [
        '/x/../exact',
        '/./exact',
        '/x/%2e%2e/exact',
        '/pre%2Fx/../../exact',
        '/exact;x',
        '/exact.',
      ]) {
        assert.equal(await bodyOf('shop.example', doubtful), '400', doubtful);
      }
      assert.equal(await bodyOf('shop.example', '/prefix/x/../y'), 'prefix');
      assert.equal((await ask('nobody.example', '/exact')).status, 404);
    });

    await t.test('a path that climbs above its root: 400', async (t) => {
      const other = await RawConnection.open(t, port);
      other.write('GET /../exact HTTP/1.1\r\nHost: shop.example\r\n\r\n');
      assert.equal((await other.response()).status, 400);
    });

    await t.test('redirects', async () => {
      const moved = await ask('go.example', '/old');
      assert.equal(moved.status, 301);
      assert.equal(moved.get('location'), '/new');
      assert.equal((await ask('go.example', '/post', 'GET')).status, 308);
      const secure = await ask('go.example', '/a/b?c=d');
      assert.equal(secure.status, 302);
      assert.equal(secure.get('location'), 'https://go.example/a/b?c=d');
    });

    await t.test('no value leads a redirect to another host', async () => {
      for (const next of ['evil.example', '/evil.example', '\\evil.example', '/\\/evil.example']) {
        assert.equal((await ask('go.example', `/next?next=${next}`)).get('location'), '/evil.example', next);
      }
    });

    await t.test('fixed responses, and HEAD for them', async () => {
      const tea = await ask('fix.example', '/teapot');
      assert.equal(tea.status, 418);
      assert.equal(tea.body, 'short\n');
      assert.equal(tea.get('content-type'), 'text/x-tea');
      const head = await ask('fix.example', '/teapot', 'HEAD');
      assert.equal(head.get('content-length'), '6');
      const empty = await ask('fix.example', '/empty');
      assert.equal(empty.status, 204);
      assert.equal(empty.get('content-length'), undefined);
      const own = await ask('fix.example', '/with-fields');
      assert.equal(own.body, '{}');
      assert.equal(own.get('x-own'), '1');
      assert.equal(own.get('cache-control'), 'no-store');
    });

    await t.test('a request with a body for a fixed response: the connection stays in step', async (t) => {
      const other = await RawConnection.open(t, port);
      other.write('POST /teapot HTTP/1.1\r\nHost: fix.example\r\nContent-Length: 5\r\n\r\nhello');
      const answer = await other.response();
      assert.equal(answer.status, 418);
      if (answer.get('connection') === 'close') assert.equal((await other.ending()).how, 'end');
      else {
        other.write('GET /empty HTTP/1.1\r\nHost: fix.example\r\n\r\n');
        assert.equal((await other.response()).status, 204);
      }
    });

    await t.test('rewrites: prefix, whole path, regular expression; the query stays', async () => {
      assert.equal(await bodyOf('re.example', '/api/x?y=z'), 'GET /x?y=z');
      assert.equal(await bodyOf('re.example', '/api/'), 'GET /');
      assert.equal(await bodyOf('re.example', '/one?two'), 'GET /other?two');
      assert.equal(await bodyOf('re.example', '/v12/a/b?c'), 'GET /a/b/version-12?c');
      assert.equal(await bodyOf('re.example', '/vx'), 'GET /vx');
      assert.equal(await bodyOf('re.example', '/plain//x/%2F?a'), 'GET /plain//x/%2F?a');
    });

    await t.test('no route: 404, and the connection goes on', async () => {
      assert.equal((await ask('nobody.example', '/')).status, 404);
      assert.equal(await bodyOf('two.example', '/'), 'list');
    });
  });
}

for (const engine of ENGINES) {
  test(`[${engine}] no text makes an expression hold up the proxy`, engineSkip(engine), async (t) => {
    const port = await freePort();
    const yaml = `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    routes:
      - { match: { path: { regex: "x.*y.*z$" } }, respond: { body: path } }
      - { match: { header: { X-A: { regex: "^(a+)+$" } } }, respond: { body: header } }
      - { match: { query: { a: { regex: "(b|b?)*c" } } }, respond: { body: query } }
      - { respond: { body: none } }
`;
    const evenkeel = await Evenkeel.start(t, yaml, { engine, workers: 1 });
    const proxies = evenkeel.proxies();
    const client = await RawConnection.open(t, port);
    const ask = async (target: string, field = 'b'): Promise<string> => {
      client.write(`GET ${target} HTTP/1.1\r\nHost: a\r\nX-A: ${field}\r\n\r\n`);
      return (await client.response()).body;
    };
    // a head may have 16 KiB, and an engine that backtracks would take days for each of these
    assert.equal(await ask(`/${'xyz'.repeat(5000)}-`), 'none');
    assert.equal(await ask(`/${'xyz'.repeat(5000)}`), 'path');
    assert.equal(await ask('/', `${'a'.repeat(15_000)}b`), 'none');
    assert.equal(await ask('/', 'a'.repeat(15_000)), 'header');
    assert.equal(await ask(`/?a=${'b'.repeat(15_000)}`), 'none');
    assert.equal(await ask(`/?a=${'b'.repeat(15_000)}c`), 'query');
    assert.deepEqual(evenkeel.proxies(), proxies);
  });
}
