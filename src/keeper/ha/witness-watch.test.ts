import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import type { Address } from '../../base/address.ts';
import type { WitnessesPlan } from '../../config/plan/ha.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import type { ProbeResult } from '../servers/probe.ts';
import { testLog } from './testing/test-log.ts';
import { WitnessWatch } from './witness-watch.ts';

const PLAN: WitnessesPlan = {
  of: [
    { name: '192.0.2.1:53', target: { family: 4, host: '192.0.2.1', port: 53 }, http: null },
    {
      name: 'http://w.example/up',
      target: { hostname: 'w.example', port: 80 },
      http: { path: '/up', host: 'w.example' },
    },
  ],
  quorum: 1,
  advertiseMs: 1_000,
};

class Scene {
  readonly log = testLog();
  readonly verdicts: boolean[] = [];
  readonly asked: { health: HealthPlan; address: Address }[] = [];
  readonly answering = new Set<string>();
  readonly watch: WitnessWatch;
  nowMs = 0;

  constructor(t: TestContext, plan: Partial<WitnessesPlan> = {}) {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    this.watch = new WitnessWatch({
      router: 'VI_1',
      plan: { ...PLAN, ...plan },
      log: this.log,
      makeProbe: (health, address) => {
        this.asked.push({ health, address });
        const isPassed = this.answering.has(address.host);
        return Promise.resolve<ProbeResult>({ isPassed, reason: isPassed ? 'connected' : 'no answer' });
      },
      now: () => this.nowMs,
      onVerdict: (_, passes) => this.verdicts.push(passes),
    });
  }

  async pass(t: TestContext, ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      this.nowMs += 50;
      t.mock.timers.tick(50);
      for (let i = 0; i < 5; i++) await Promise.resolve();
    }
  }
}

test('the verdict passes with the first quorum, and is lost with the last', async (t) => {
  const scene = new Scene(t);
  scene.answering.add('192.0.2.1');
  scene.watch.start();
  await scene.pass(t, 5_000);
  assert.deepEqual(scene.verdicts, [true]);
  scene.answering.clear();
  await scene.pass(t, 5_000);
  assert.deepEqual(scene.verdicts, [true, false]);
  assert.deepEqual(scene.log.lines, [
    'info 1 of 2 witnesses of VI_1 answer, 1 must',
    'warn 0 of 2 witnesses of VI_1 answer, 1 must: this node may be cut off, and is not active without them',
  ]);
  const [first, second] = scene.watch.status();
  assert.equal(first.name, '192.0.2.1:53');
  assert.equal(first.isAnswering, false);
  assert.ok(first.answeredMs !== null && first.answeredMs >= 4_500);
  assert.equal(first.detail, 'no answer');
  assert.deepEqual(second, {
    name: 'http://w.example/up',
    isAnswering: false,
    answeredMs: null,
    detail: 'its name does not resolve',
  });
});

test('a witness with a name is asked at its address, and keeps it while the name has it', async (t) => {
  const scene = new Scene(t, { of: [PLAN.of[1]] });
  assert.deepEqual(scene.watch.hostnames, ['w.example']);
  const a = { family: 4, host: '192.0.2.8' } as const;
  const b = { family: 4, host: '192.0.2.9' } as const;
  scene.watch.start();
  scene.watch.handleName('other.example', { addresses: [b], ttlMs: null });
  await scene.pass(t, 1_000);
  assert.equal(scene.asked.length, 0);
  for (const [addresses, host] of [
    [[a], a.host],
    [[b, a], a.host],
    [[b], b.host],
  ] as const) {
    scene.watch.handleName('w.example', { addresses, ttlMs: null });
    await scene.pass(t, 500);
    const last: (typeof scene.asked)[number] = scene.asked[scene.asked.length - 1];
    assert.deepEqual(last.address, { family: 4, host, port: 80 });
    assert.deepEqual(last.health.probe, {
      kind: 'http',
      method: 'GET',
      path: '/up',
      host: 'w.example',
      statuses: [[200, 399]],
      body: null,
    });
  }
});

test('after stop nobody is asked', async (t) => {
  const scene = new Scene(t);
  scene.watch.start();
  scene.watch.stop();
  const { length } = scene.asked;
  await scene.pass(t, 5_000);
  assert.equal(scene.asked.length, length);
  assert.deepEqual(scene.verdicts, []);
});
