/**
 * Whoever asks for something large and does not take it, or sends what no server takes, keeps no memory that others wait
 * for.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join, Scene } from './crowd.ts';
import { ENGINES, engineSkip, get, startLoad } from './evenkeel.ts';
import { until } from './waiting.ts';

/** The proportions of a real one. */
const FEW_LARGE = { large: 256, small: 2048, posted: 8 };
/** Of each kind: more than 256 large slots bear if each of them keeps three, and fewer than make a shortage if that is seen in time. */
const CROWD = 90;
/** Requests that wait for a connection to their server keep a slot, and are no crowd that stalls. */
const AT_ONCE = 5;
const BYSTANDERS = 2;

/** What a client of the crowd sends; it reads nothing. */
const REQUESTS = {
  http: 'GET /endless HTTP/1.1\r\nHost: a\r\n\r\n',
  tcp: '',
  upload: 'POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n',
} as const;

for (const engine of ENGINES) {
  const skip = engineSkip(engine);
  test(
    `[${engine}] stalled clients of all kinds hold nobody up, lose nothing, and a stop is heard`,
    skip,
    async (t) => {
      const scene = await Scene.start(t, engine, FEW_LARGE);
      const { evenkeel, webPort, tcpPort } = scene;
      const load = startLoad(t, webPort, BYSTANDERS);
      t.after(() => load.stop());
      let crowd = 0;
      for (const [kind, request] of Object.entries(REQUESTS)) {
        for (const full = crowd + CROWD; crowd < full;) {
          await join(t, AT_ONCE, kind === 'tcp' ? tcpPort : webPort, request);
          crowd += AT_ONCE;
          await scene.untilOpen(crowd);
        }
        await scene.untilMemory(({ state }) => state === 'tight');
        for (let i = 0; i < 20; i++)
          assert.equal((await get(webPort)).status, 200, `${crowd} stall, the last with ${kind}`);
      }

      const { done, failures } = await load.stop();
      assert.deepEqual(failures, []);
      assert.ok(done > 0);
      await until(async () => (await scene.proxy()).connections <= crowd);
      const { memory, connections } = await scene.proxy();
      assert.equal(memory?.shed, 0);
      assert.equal(connections, crowd);
      assert.doesNotMatch(evenkeel.stderr + evenkeel.stdout, /short of memory/);

      evenkeel.signal('SIGTERM');
      assert.equal(await evenkeel.exit, 0);
      assert.match(evenkeel.stderr + evenkeel.stdout, /had connections left after 1 s/);
    },
  );
}
