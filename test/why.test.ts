/** `why` has the evidence of what has just been done, and says by its exit code whether all is well. */
import assert from 'node:assert/strict';
import type net from 'node:net';
import { test, type TestContext } from 'node:test';
import { commandOf, type Said } from './commands.ts';
import { askSocket } from './control-socket.ts';
import { ENGINES, engineSkip, Evenkeel, freePort, startBackend, startTcpBackend } from './evenkeel.ts';
import { temporaryDirectory } from './peers.ts';
import { until } from './waiting.ts';

const why = (socket: string, ...words: readonly string[]): Promise<Said> => commandOf(socket)('why', ...words);

interface Errors {
  readonly items: readonly { readonly id: string; readonly reason: string }[];
  readonly kept: number;
  readonly leftOut: number;
}

const errorsOf = (socket: string): Promise<Errors> => askSocket<Errors>(socket, 'GET', '/v1/errors?limit=1000');

async function failed(port: number, path: string): Promise<{ readonly status: number; readonly id: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  await response.arrayBuffer();
  return { status: response.status, id: response.headers.get('x-request-id') ?? '' };
}

const fileWith = (port: number, web: string, broken: string, gone: number): string => `
listeners:
  web:
    bind: "127.0.0.1:${port}"
    protocol: http
    routes:
      - { match: { path: /broken/ }, upstream: broken, retry: { attempts: 2, on: [connect, reset] } }
      - { match: { path: /gone/ }, upstream: gone }
      - { match: { path: /web/ }, upstream: web }
upstreams:
  web: { servers: [ "${web}" ], health: { http: /, interval: 100ms, timeout: 5s, fall: 1, rise: 1 } }
  broken: { servers: [ "${broken}" ] }
  gone: { servers: [ "127.0.0.1:${gone}" ], health: { tcp: true, interval: 100ms, timeout: 5s, fall: 1 } }
`;

async function started(
  t: TestContext,
  engine: 'uring' | 'node',
): Promise<{ port: number; socket: string; web: string; node: Evenkeel }> {
  const [port, gone] = [await freePort(), await freePort()];
  const { address: web } = await startBackend(t);
  // takes a request, and says nothing more
  const { address: broken } = await startTcpBackend(t, (socket: net.Socket) =>
    socket.on('data', () => socket.destroy()),
  );
  const env = { STATE_DIRECTORY: temporaryDirectory(t) };
  const node = await Evenkeel.start(t, fileWith(port, web, broken, gone), { engine, workers: 1, hasSocket: true, env });
  return { port, socket: `${node.file}.sock`, web, node };
}

for (const engine of ENGINES) {
  test(
    `${engine}: each request that failed is found by the identifier that the client was told`,
    engineSkip(engine),
    async (t) => {
      const { port, socket } = await started(t, engine);
      await until(
        async () => (await why(socket, 'gone')).code === 1,
        () => 'the server that is not there was never down',
      );
      const asked = [
        {
          path: '/broken/x',
          status: 502,
          reason: 'server-reset',
          says: /tries +127\.0\.0\.1:\d+: connected after .*, connection closed without a response/,
        },
        {
          path: '/gone/x',
          status: 503,
          reason: 'no-server',
          says: /tries +upstream gone: it had no server to try\n +now +127\.0\.0\.1:\d+: down for .*connection refused/,
        },
        { path: '/nothing', status: 404, reason: 'no-route', says: /way +GET at listener web\n/ },
      ];
      for (const { path, status, reason, says } of asked) {
        const answer = await failed(port, path);
        assert.equal(answer.status, status, path);
        await until(
          async () => (await errorsOf(socket)).items.some(({ id }) => id === answer.id),
          () => `${path} is not kept`,
        );
        const told = await why(socket, answer.id);
        assert.equal(told.code, 1);
        assert.match(told.stdout, new RegExp(`^request ${answer.id}: ${status}: .*\n +because +${reason}, `));
        assert.match(told.stdout, says);
      }
      assert.equal((await fetch(`http://127.0.0.1:${port}/web/`)).status, 200);
      assert.equal((await errorsOf(socket)).kept, asked.length, 'what is served is not kept');
      assert.match((await why(socket, 'broken')).stdout, /errors +1 of the last ones server-reset \(502\)/);
      const unknown = await why(socket, '0123456789abcdef0123456789abcdef');
      assert.equal(unknown.code, 1);
      assert.match(unknown.stderr, /no request of this identifier among the last 3 that failed/);
    },
  );

  test(
    `${engine}: of a flood of errors the first ones of each second are kept, and the rest is counted`,
    engineSkip(engine),
    async (t) => {
      const { port, socket } = await started(t, engine);
      const count = 400;
      for (let i = 0; i < count; i += 20) await Promise.all(Array.from({ length: 20 }, () => failed(port, '/nothing')));
      await until(
        async () => {
          const { kept, leftOut } = await errorsOf(socket);
          return kept + leftOut === count;
        },
        () => 'not all of them were told',
      );
      assert.ok((await errorsOf(socket)).kept >= 10);
    },
  );
}

test('a server, its upstream and a listener have the evidence of what was done', async (t) => {
  const { socket, web } = await started(t, 'node');
  await until(
    async () => /: up for/.test((await why(socket, web)).stdout),
    () => 'it never was up',
  );
  const well = await why(socket, `web/${web}`);
  assert.equal(well.code, 0);
  assert.match(well.stdout, /checks +http \/: the last one .* ago passed/);
  await commandOf(socket)('server', 'disable', `web/${web}`);
  const disabled = await why(socket, `web/${web}`);
  assert.equal(disabled.code, 1);
  assert.match(disabled.stdout, /: disabled for .*\n +because +by hand/);
  assert.match(disabled.stdout, /by hand +disabled; the file says enabled \(/);
  assert.match(disabled.stdout, new RegExp(`log +.* server web/${web}, by .*: disabled`));
  const both = await why(socket, 'web');
  assert.equal(both.code, 1);
  assert.match(both.stdout, /^listener web, http: open\n/);
  assert.match(both.stdout, /\nupstream web: 0 of 1 servers take requests\n/);
  const json = JSON.parse((await why(socket, '--json', 'web')).stdout) as readonly {
    readonly kind: string;
    readonly isWell: boolean;
  }[];
  assert.deepEqual(
    json.map(({ kind, isWell }) => [kind, isWell]),
    [
      ['listener', true],
      ['upstream', false],
    ],
  );
});
