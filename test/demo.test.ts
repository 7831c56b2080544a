/** The demo, as `npm start` runs it. */
import assert from 'node:assert/strict';
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

test('Ctrl-C ends the demo cleanly', engineSkip('node'), async (t) => {
  const demo = Evenkeel.spawn(t, ['demo']);
  await demo.said(/requests, 0 failed/);
  demo.signal('SIGINT');
  assert.equal(await demo.exit, 0);
});
