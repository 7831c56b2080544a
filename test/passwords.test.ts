/** Basic authentication and tokens: a process of its own knows what proves who a client is, and nothing goes around it. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import type http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, freePort, getWhole, startBackend } from './evenkeel.ts';
import { ask, session } from './http2-client.ts';
import { RawConnection } from './raw.ts';
import { reload } from './reloading.ts';
import { until } from './waiting.ts';

const APR1 = 'ann:$apr1$salt$Xxd1irWT9ycqoYxGFn4cb.\n';

function basic(name: string, password: string): string {
  return `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;
}

function encode(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

const ANN = basic('ann', 'password');

function credentialsPid(evenkeel: Evenkeel): number {
  return evenkeel.proxies().find(isOfCredentials) ?? 0;
}

function isOfCredentials(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, 'utf8').startsWith('evenkeel: credentials');
}

for (const engine of ENGINES) {
  test(`[${engine}] a route with passwords lets nobody else in`, engineSkip(engine), async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'evenkeel-passwords-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const users = join(folder, 'users');
    writeFileSync(users, APR1);
    writeFileSync(join(folder, 'file'), 'a file');
    chmodSync(folder, 0o755);
    const served: http.IncomingMessage[] = [];
    const app = await startBackend(t, (request, response) => {
      served.push(request);
      request.resume();
      if (request.url!.startsWith('/leads')) response.setHeader('X-Accel-Redirect', '/in');
      response.end('in');
    });
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const set = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'a' }] });
    const keys = join(folder, 'keys.json');
    writeFileSync(keys, set);
    const blocked = join(folder, 'blocked');
    writeFileSync(blocked, '127.0.0.0/8 # all of us\n');
    let asked = 0;
    const issuer = await startBackend(t, (_, response) => {
      asked++;
      response.end(set);
    });
    const token = (claims: object, head: object = { alg: 'ES256', kid: 'a' }): string => {
      const exp = Math.floor(Date.now() / 1000) + 600;
      const text = [head, { exp, iss: 'me', aud: 'api', sub: 'ann', org: { id: 7 }, ...claims }].map(encode).join('.');
      const signature = sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' });
      return `${text}.${signature.toString('base64url')}`;
    };
    const port = await freePort();
    const evenkeel = await Evenkeel.start(
      t,
      `
values: { blocked: { networks: {}, lists: { ${blocked}: "1" } } }
listeners:
  web:
    bind: "127.0.0.1:${port}"
    http2: true
    routes:
      - match: { path: /in }
        upstream: app
        auth: { basic: { users: ${users}, realm: 'the "staff" of {host}', set: { who: name } } }
        headers: { request: { set: { X-User: "{value:who}" } }, response: { set: { X-For: "{value:who}" } } }
      - match: { path: /listed }
        steps: [ { if: { value: "{value:blocked}", is: "1" }, do: [ { take: { respond: { status: 403 } } } ] } ]
        upstream: app
      - match: { path: /token }
        upstream: app
        auth: { jwt: { keys: "http://${issuer.address}/keys", issuer: me, audience: [api], set: { who: sub, tenant: org.id } } }
        headers: { request: { set: { X-User: "{value:who}", X-Tenant: "{value:tenant}" } }, response: { set: { X-For: "{value:who}" } } }
      - { match: { path: /cookie }, upstream: app, auth: { jwt: { keys: ${keys}, token: "{cookie:session}" } } }
      - { match: { path: /keyless }, upstream: app, auth: { jwt: { keys: "http://127.0.0.1:1/keys" } } }
      - { name: no, respond: { status: 403 } }
      - { name: yes, respond: { status: 204 } }
      - { match: { path: /both }, upstream: app, auth: { basic: { users: ${users} }, ask: { call: no } } }
      - { match: { path: /any }, upstream: app, auth: { satisfy: any, basic: { users: ${users} }, ask: { call: no } } }
      - { match: { path: /either }, upstream: app, auth: { satisfy: any, basic: { users: ${users} }, ask: { call: yes } } }
      - { match: { path: /open }, upstream: gone, errors: [ { status: 502, to: /in/page } ] }
      - { match: { path: /leads }, upstream: app, target-by: { field: X-Accel-Redirect } }
      - { match: { path: /file }, files: { root: ${folder} }, auth: { basic: { users: ${users} } } }
upstreams:
  app: { servers: [ "${app.address}" ] }
  gone: { servers: [ "127.0.0.1:1" ] }
`,
      { engine, workers: 1, hasSocket: true },
    );
    const get = (path: string, authorization?: string, options: http.RequestOptions = {}) =>
      getWhole(port, path, {
        ...options,
        headers: authorization === undefined ? {} : { Authorization: authorization },
      });

    await t.test('who has the password gets in, and the server is told who it is', async () => {
      const answer = await get('/in', ANN);
      assert.deepEqual([answer.status, answer.headers['x-for']], [200, 'ann']);
      assert.equal(served.at(-1)!.headers['x-user'], 'ann');
      assert.equal(served.at(-1)!.headers['authorization'], ANN);
      assert.equal(served.at(-1)!.headers['evenkeel-check'], undefined);
    });

    await t.test('who has not is told how, and no server hears of it', async () => {
      served.length = 0;
      for (const authorization of [undefined, basic('ann', 'x'), basic('bob', 'password'), 'Bearer a', 'Basic ***']) {
        const answer = await get('/in', authorization);
        assert.equal(answer.status, 401, authorization);
        assert.equal(answer.headers['www-authenticate'], String.raw`Basic realm="the \"staff\" of 127.0.0.1"`);
      }
      assert.equal(served.length, 0);
    });

    await t.test('with another one that is asked', async () => {
      assert.equal((await get('/both', ANN)).status, 403);
      assert.equal((await get('/both')).status, 401);
      assert.equal((await get('/any', ANN)).status, 200);
      assert.equal((await get('/any')).status, 401);
      assert.equal((await get('/either')).status, 200);
      assert.equal((await get('/file', ANN)).body, 'a file');
      assert.equal((await get('/file')).status, 401);
    });

    await t.test('a token lets in who has it, and the server is told what it says', async () => {
      served.length = 0;
      const answer = await get('/token', `Bearer ${token({})}`);
      assert.deepEqual([answer.status, answer.headers['x-for']], [200, 'ann']);
      assert.deepEqual([served[0].headers['x-user'], served[0].headers['x-tenant']], ['ann', '7']);
      const client = await session(t, port);
      const authorization = `Bearer ${token({ sub: 'bob' })}`;
      const reply = await ask(client, { ':path': '/token', authorization }, 'body');
      assert.deepEqual([reply.status, reply.headers['x-for']], [200, 'bob']);
      const ofCookie = await getWhole(port, '/cookie', { headers: { Cookie: `session=${token({ aud: 'other' })}` } });
      assert.equal(ofCookie.status, 200);
      assert.equal((await get('/cookie', `Bearer ${token({})}`)).status, 401);
    });

    await t.test('a token that is not right is told why', async () => {
      served.length = 0;
      const [head, claims] = token({}).split('.');
      const wrong = [
        [undefined, 'Bearer'],
        [ANN, 'Bearer'],
        [`Bearer ${token({ exp: 1 })}`, 'Bearer error="invalid_token", error_description="it has expired"'],
        [`Bearer ${token({ aud: 'web' })}`, /aud is not the one/],
        [`Bearer ${token({ iss: 'you' })}`, /iss is not the one/],
        [`Bearer ${token({}, { alg: 'ES256', kid: 'b' })}`, /no key is known/],
        [`Bearer ${encode({ alg: 'none' })}.${claims}.`, /no key is known/],
        [`Bearer ${head}.${claims}.x`, /signature is not right|no signed token/],
        ['Bearer x', /no signed token/],
      ] as const;
      for (const [authorization, said] of wrong) {
        const { headers, status } = await get('/token', authorization);
        assert.equal(status, 401, authorization);
        if (typeof said === 'string') assert.equal(headers['www-authenticate'], said);
        else assert.match(headers['www-authenticate'] ?? '', said);
      }
      // nobody enters because nobody can say
      assert.equal((await get('/keyless', `Bearer ${token({})}`)).status, 500);
      assert.equal(served.length, 0);
      // of kids that nobody knows it is asked again once in a while
      assert.equal(asked, 1);
      await evenkeel.said(
        /credentials: keys of http:\/\/127\.0\.0\.1:1\/keys cannot be read: the connection is refused/,
      );
    });

    await t.test('nothing goes around it', async () => {
      served.length = 0;
      const forged = 'Evenkeel-Check: none\r\nEvenkeel-Client: 192.0.2.1\r\nEvenkeel-User: ann\r\n';
      const heads = [
        ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'QUERY'].map(
          (method) => `${method} /in HTTP/1.1`,
        ),
        'GET /open/../in HTTP/1.1',
        'GET /./in HTTP/1.1',
        'GET /%69n HTTP/1.1',
        'GET //in HTTP/1.1',
        'GET http://other/in HTTP/1.1',
        'GET /in/x?/open HTTP/1.1',
        'GET /open HTTP/1.1',
        'GET /in HTTP/1.1\r\nConnection: Authorization',
        'GET /in HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket',
        'GET /in HTTP/1.1\r\nConnection: upgrade, http2-settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA',
        `GET /in HTTP/1.1\r\nAuthorization: ${basic('ann', 'x')}\r\nAuthorization: ${ANN}`,
        `GET /in HTTP/1.1\r\nAuthorization: ${ANN}\r\nAuthorization: ${basic('ann', 'x')}`,
        `GET /in HTTP/1.1\r\nProxy-Authorization: ${ANN}`,
        'POST /in HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue',
      ];
      for (const head of heads) {
        const raw = await RawConnection.open(t, port);
        const body = /chunked/.test(head) ? '3\r\nabc\r\n0\r\n\r\n' : '';
        raw.write(`${head}\r\nHost: a\r\n${forged}\r\n${body}`);
        await until(() => /^HTTP\/1.1 [2-5]/m.test(raw.buffered));
        assert.match(raw.buffered, /^HTTP\/1.1 (?:40[014]|502) /, head);
        raw.socket.destroy();
      }
      assert.equal((await get('/leads')).status, 401);
      assert.deepEqual(
        served.map(({ url }) => url),
        ['/leads'],
      );
      // neither does what comes behind one that got in
      const raw = await RawConnection.open(t, port);
      raw.write(`GET /in HTTP/1.1\r\nHost: a\r\nAuthorization: ${ANN}\r\n\r\nGET /in HTTP/1.1\r\nHost: a\r\n\r\n`);
      await until(() => raw.buffered.includes('HTTP/1.1 401'));
      assert.match(raw.buffered, /^HTTP\/1.1 200/);
    });

    await t.test('over HTTP/2', async () => {
      const client = await session(t, port);
      const replies = await Promise.all(
        [ANN, '', basic('ann', 'y')].map((authorization) => ask(client, { ':path': '/in', authorization }, null)),
      );
      assert.deepEqual(
        replies.map(({ status }) => status),
        [200, 401, 401],
      );
      const odd = [
        { ':path': '/in', ':method': 'POST' },
        { ':path': '/in', ':scheme': 'https', ':authority': 'other' },
        { ':path': '/open/../in' },
        { ':path': '/in', 'evenkeel-check': 'none' },
      ];
      served.length = 0;
      for (const fields of odd) assert.match(String((await ask(client, fields, 'body')).status), /^40[01]$/);
      assert.equal(served.length, 0);
    });

    await t.test('whoever guesses is slowed, and not who has been let in', async () => {
      const statuses = new Set<number>();
      for (let i = 0; i < 30; i++) statuses.add((await get('/in', basic('ann', `guess ${i}`))).status);
      assert.deepEqual([...statuses], [401, 429]);
      assert.equal((await get('/in', ANN)).status, 200);
      // one more is looked at every three seconds, perhaps this one
      const elsewhere = basic('ann', 'from elsewhere');
      await until(async () => (await get('/in', elsewhere)).status === 429);
    });

    await t.test('the process may be killed', async () => {
      const pid = credentialsPid(evenkeel);
      if (process.getuid?.() === 0) {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        assert.doesNotMatch(status, /^Uid:\s*0\s/m);
        assert.match(status, /^CapEff:\s*0+$/m);
      }
      process.kill(pid, 'SIGKILL');
      await evenkeel.said(/credentials ended \(killed by SIGKILL\); another one starts/);
      const [right, wrong] = await Promise.all([get('/in', ANN), get('/in')]);
      assert.deepEqual([right.status, wrong.status], [200, 401]);
    });

    await t.test('a list of networks is read at a reload', async () => {
      assert.equal((await get('/listed')).status, 403);
      writeFileSync(blocked, '192.0.2.0/24\n');
      assert.deepEqual((await reload(evenkeel)).changes, ['value blocked: changed']);
      assert.equal((await get('/listed')).status, 200);
      writeFileSync(blocked, '127.0.0.1\nnobody\n');
      assert.match((await reload(evenkeel)).error ?? '', /line 2 is no network: nobody/);
      writeFileSync(blocked, '');
    });

    await t.test('a reload reads the file again', async () => {
      writeFileSync(users, 'ann:{PLAIN}new\nbob:no hash\n');
      assert.deepEqual((await reload(evenkeel)).changes, ['value blocked: changed', `file ${users}: changed`]);
      assert.equal((await get('/in', ANN)).status, 401);
      assert.equal((await get('/in', basic('ann', 'new'))).status, 200);
      // without its file a configuration is not taken, and what holds goes on
      renameSync(users, `${users}.away`);
      assert.match((await reload(evenkeel)).error ?? '', /the file of users .* cannot be used/);
      assert.equal((await get('/in', basic('ann', 'new'))).status, 200);
    });

    await evenkeel.said(/answered 429: .*reason=guessing/);
  });
}
