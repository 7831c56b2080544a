/** The demo, as `npm start` runs it. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel } from './evenkeel.ts';

for (const engine of ENGINES) {
  test(
    `[${engine}] the demo balances, survives a server's breakdown, and says that nothing failed`,
    engineSkip(engine),
    async (t) => {
      const demo = Evenkeel.spawn(t, ['demo', '--seconds', '11', '--engine', engine]);
      assert.equal(await demo.exit, 0, demo.stdout + demo.stderr);
      assert.match(demo.stdout, /http:\/\/127\.0\.0\.1:\d+\//);
      assert.match(demo.stdout, /green breaks down/);
      assert.match(demo.stdout, /server green down: /);
      assert.match(demo.stdout, /green is back/);
      assert.match(demo.stdout, /server green up: /);
      assert.match(demo.stdout.trimEnd(), /[\d,]+ requests, 0 failed$/);
    },
  );
}

test('a port that is taken is not changed silently', engineSkip('node'), async (t) => {
  const server = net.createServer();
  server.on('error', () => undefined);
  server.listen(8080, '127.0.0.1');
  t.after(() => server.close());
  const demo = Evenkeel.spawn(t, ['demo']);
  await demo.said(/port 8080 is taken by .*: the demo listens on the next free one/);
  assert.doesNotMatch(demo.stdout, /http:\/\/127\.0\.0\.1:8080\//);
  demo.signal('SIGINT');
  assert.equal(await demo.exit, 0);
});

test('Ctrl-C ends the demo cleanly', engineSkip('node'), async (t) => {
  const demo = Evenkeel.spawn(t, ['demo']);
  await demo.said(/requests, 0 failed/);
  demo.signal('SIGINT');
  assert.equal(await demo.exit, 0);
});
