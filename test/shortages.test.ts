/**
 * Memory runs out, of one size of buffers or another: those that have stood still for longest go, everybody else is served on,
 * and the log and `status` say what is short, and when it is over.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type net from 'node:net';
import { type TestContext, test } from 'node:test';
import type { ProxyView } from '../src/api/data-plane.ts';
import { join, Scene } from './crowd.ts';
import { ENGINES, type Engine, engineSkip, get, startLoad } from './evenkeel.ts';
import type { ArenaSizes } from './small-arena.ts';
import { until } from './waiting.ts';

type Memory = NonNullable<ProxyView['memory']>;

interface Shortage {
  readonly of: 'small' | 'medium' | 'head' | 'large';
  /** As the log calls them. */
  readonly buffers: string;
  readonly sizes: ArenaSizes;
  /** How many of them there are. */
  readonly count: number;
  /** What a client that keeps one sends before it stands still, and what would be the rest. */
  readonly begun: string;
  readonly rest: string;
}

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n';
const FEW_SMALL: ArenaSizes = { large: 512, small: 256, posted: 16 };
const FEW_HEADS: ArenaSizes = { large: 512, small: 512, posted: 16 };
const BODY_BYTES = 20_000;

const SHORTAGES: readonly Shortage[] = [
  { of: 'small', buffers: '256 buffers of 2 KiB', sizes: FEW_SMALL, count: 256, begun: GET, rest: '\r\n' },
  {
    of: 'medium',
    buffers: '129 buffers of 8 KiB',
    sizes: FEW_SMALL,
    count: 129,
    begun: `${GET}Cookie: ${'c'.repeat(3000)}\r\n`,
    rest: '\r\n',
  },
  {
    of: 'head',
    buffers: '35 buffers of 72 KiB',
    sizes: FEW_HEADS,
    count: 34,
    begun: `${GET}Authorization: Negotiate ${'k'.repeat(12_000)}\r\n`,
    rest: '\r\n',
  },
  {
    // what has come of their bodies waits for a server
    of: 'large',
    buffers: '128 buffers of 32 KiB',
    sizes: { large: 128, small: 2048, posted: 4 },
    count: 128,
    begun: `POST /one/ HTTP/1.1\r\nHost: a\r\nContent-Length: ${2 * BODY_BYTES}\r\n\r\n${'b'.repeat(BODY_BYTES)}`,
    rest: '',
  },
];

const BYSTANDERS = 2;

for (const engine of ENGINES) {
  for (const shortage of SHORTAGES) {
    const name = `[${engine}] a shortage of ${shortage.buffers} ends those that have stood still for longest, and nobody else notices`;
    test(name, engineSkip(engine), (t) => play(t, engine, shortage));
  }

  test(
    `[${engine}] heads that wait for a slow server keep nothing that others wait for`,
    engineSkip(engine),
    async (t) => {
      const scene = await Scene.start(t, engine, { large: 128, small: 2048, posted: 8 });
      const load = startLoad(t, scene.webPort, BYSTANDERS);
      t.after(() => load.stop());
      const begun = 'GET /never HTTP/1.1\r\nHost: a\r\n';
      await join(t, 200, scene.webPort, `${begun}Cookie: ${'c'.repeat(3000)}\r\n\r\n`);
      await join(t, 50, scene.webPort, `${begun}Authorization: Negotiate ${'k'.repeat(12_000)}\r\n\r\n`);
      await scene.untilOpen(250);
      // those that are answered and stay are idle, and keep nothing at all
      const idle = await join(t, 20, scene.webPort, `${GET}Cookie: ${'c'.repeat(3000)}\r\n\r\n`);
      await Promise.all(idle.map((socket) => once(socket.resume(), 'data')));
      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done > 0);
      // two head slots are the proxy's own
      await scene.untilMemory(({ medium, head, large }) => medium === 200 && head === 52 && large < 10);
      const { connections, memory } = await scene.proxy();
      assert.ok(connections >= 270, `${connections} connections`);
      assert.ok(memory !== null);
      assert.deepEqual([memory.state, memory.shed], ['plenty', 0]);
    },
  );
}

for (const engine of ENGINES) {
  test(`[${engine}] large heads that trickle deny nobody a large head`, engineSkip(engine), async (t) => {
    const scene = await Scene.start(t, engine, FEW_HEADS);
    const { evenkeel, webPort } = scene;
    const ask = async (bytes: number): Promise<string> => {
      const [client] = await join(t, 1, webPort, headOf(bytes));
      client.write('\r\n');
      const [answer] = (await once(client.resume(), 'data')) as [Buffer];
      client.destroy();
      return answer.toString().slice(0, 12);
    };
    // more than there are slots for the largest heads; a line of each comes all the time
    const trickling = await join(t, 60, webPort, headOf(12_000));
    const timer = setInterval(() => trickling.forEach((socket) => socket.write('X: y\r\n')), 50);
    t.after(() => clearInterval(timer));
    for (let i = 0; i < 20; i++) assert.equal(await ask(12_000), 'HTTP/1.1 200');
    // what fits nowhere else is served when the first of those have gone: this server takes no such head itself
    await until(async () => (await ask(40_000)) === 'HTTP/1.1 431');
    await evenkeel.said(/proxy 0 is short of memory: [0-9]+ of 35 buffers of 72 KiB are in use/);
    evenkeel.signal('SIGTERM');
    assert.equal(await evenkeel.exit, 0);
  });
}

/** Of a GET, but for its end. */
function headOf(bytes: number): string {
  return `${GET}Authorization: Negotiate ${'k'.repeat(bytes)}\r\n`;
}

async function play(
  t: TestContext,
  engine: Engine,
  { of, buffers, sizes, count, begun, rest }: Shortage,
): Promise<void> {
  const scene = await Scene.start(t, engine, sizes);
  const { evenkeel, webPort } = scene;
  const used = ({ [of]: slots }: Memory): number => slots;
  const load = startLoad(t, webPort, BYSTANDERS);
  t.after(() => load.stop());
  if (of === 'large') {
    // the only connection there may be to the server of the crowd
    await join(t, 1, webPort, 'GET /one/ HTTP/1.1\r\nHost: a\r\n\r\n');
    await scene.untilOpen(1);
  }
  // well into what is tight, then past what is short
  const toTight = Math.ceil(count * 0.6);
  const toShort = count - Math.floor(count / 16) + 1 - toTight;
  const early = await join(t, toTight, webPort, begun);
  let refused = 0;
  for (const socket of early) {
    socket.on('data', (data) => (refused += data.includes(' 503 ') ? 1 : 0));
    socket.resume();
  }
  await scene.untilMemory((memory) => used(memory) >= toTight);
  const late = await join(t, toShort, webPort, begun);
  await evenkeel.said(new RegExp(`proxy 0 is short of memory: [0-9]+ of ${buffers} are in use`));
  await scene.untilMemory(({ state, shed }) => state === 'tight' && shed > 0);
  const { done, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(done > 0);
  await evenkeel.said(/proxy 0 has enough memory again, after [0-9]+ s; it has ended [0-9]+ connections/);

  const { memory } = await scene.proxy();
  assert.equal(memory?.state, 'tight');
  assert.ok(memory.shed > 0 && memory.shed < early.length, `${memory.shed} were ended`);
  await until(() => Promise.resolve(refused === memory.shed));
  assert.equal((await get(webPort)).status, 200);

  // those that came later have lost nothing
  if (rest !== '') await assertServed(late, rest);
  evenkeel.signal('SIGTERM');
  assert.equal(await evenkeel.exit, 0);
}

async function assertServed(clients: readonly net.Socket[], rest: string): Promise<void> {
  const answers = clients.map((socket) => once(socket.resume(), 'data') as Promise<[Buffer]>);
  for (const socket of clients) socket.write(rest);
  for (const [answer] of await Promise.all(answers)) assert.match(answer.toString(), /^HTTP\/1.1 200 /);
}
