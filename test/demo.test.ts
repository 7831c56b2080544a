/** The demo, as `npm start` runs it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { engineSkip, ENGINES, Evenkeel, program } from './evenkeel.ts';

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

test('a SIGTERM to the whole group fails no request', engineSkip('node'), async (t) => {
  const demo = spawn(process.execPath, [program, 'demo'], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
  t.after(() => demo.kill('SIGKILL'));
  let said = '';
  for await (const data of demo.stdout) {
    said += String(data);
    if (/requests, 0 failed/.test(said)) break;
  }
  process.kill(-demo.pid!, 'SIGTERM');
  assert.deepEqual(await once(demo, 'exit'), [0, null]);
});

test('with the usual limit of open files the demo begins without a warning', engineSkip('node'), async (t) => {
  const demo = Evenkeel.spawn(t, ['demo'], { through: ['sh', '-c', 'ulimit -n 1024; exec "$@"', 'sh'] });
  await demo.said(/requests, 0 failed/);
  assert.doesNotMatch(demo.stdout + demo.stderr, /open files/);
  demo.signal('SIGINT');
  assert.equal(await demo.exit, 0);
});
