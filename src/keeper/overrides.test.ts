import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { planOf } from '../load/prepare.ts';
import type { Plan } from '../config/plan/plan.ts';
import { createLog } from './log/log.ts';
import { Overrides, overridesFile } from './overrides.ts';

function fileOf(server = ''): Plan {
  return planOf(
    'evenkeel.yaml',
    `
listeners: { web: { bind: "*:80", routes: [ { upstream: web } ] } }
upstreams: { web: { servers: [ { address: "192.0.2.7:80"${server} }, "192.0.2.8:80" ] } }
`,
    1,
  );
}

class Scene {
  readonly directory: string;
  readonly lines: string[] = [];
  nowMs = Date.UTC(2030, 0, 1);

  constructor(t: TestContext) {
    this.directory = mkdtempSync(join(tmpdir(), 'evenkeel-overrides-'));
    t.after(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  idled: readonly string[] = [];

  private takeIdled(): readonly string[] {
    const { idled } = this;
    this.idled = [];
    return idled;
  }

  /** As a start does. */
  start(plan: Plan): Overrides {
    const log = createLog(
      (line) => this.lines.push(line.slice('1970-01-01T00:00:00.000Z '.length, -1)),
      () => 0,
    );
    const file = overridesFile(this.directory, 'lb01', log);
    const overrides = new Overrides({
      file,
      inherited: null,
      log,
      takeIdled: () => this.takeIdled(),
      unixMs: () => this.nowMs,
    });
    overrides.propose(plan, null).commit();
    return overrides;
  }

  said(): string[] {
    return this.lines.splice(0);
  }
}

const subject = 'server web/192.0.2.7:80';

test('an order is logged with who gave it, and outlives a restart, which says so', (t) => {
  const scene = new Scene(t);
  const overrides = scene.start(fileOf());
  const proposal = overrides.propose(fileOf(), { change: { subject, state: 'drain' }, by: 'alice' });
  assert.deepEqual([overrides.views(), scene.said()], [[], []], 'nothing is said before it holds');
  assert.equal(proposal.commit(), `${subject}: drained; the file says enabled`);
  assert.deepEqual(scene.said(), [`info  ${subject}, by alice: drained; the file says enabled`]);
  scene.nowMs += 60_000;
  const next = scene.start(fileOf());
  assert.deepEqual(scene.said(), [
    `warn  ${subject} stays as it was said by hand by alice at 2030-01-01T00:00:00.000Z: drained; the file says enabled`,
  ]);
  assert.deepEqual(next.views(), [
    { subject, state: 'drain', weight: null, by: 'alice', ageMs: 60_000, file: { state: 'enabled', weight: 1 } },
  ]);
  assert.equal(next.propose(fileOf(), null).plan.upstreams[0].servers[0].state, 'drain');
  const taken = next.propose(fileOf(), { change: { subject, state: 'enabled', weight: null }, by: null });
  assert.equal(taken.commit(), `${subject}: as in the file: enabled, weight 1`);
  assert.throws(() => readFileSync(join(scene.directory, 'overrides.lb01.json')), /ENOENT/);
});

test('a file that comes to say something else is told of, once; one that says the same ends it', (t) => {
  const scene = new Scene(t);
  const overrides = scene.start(fileOf());
  overrides.propose(fileOf(), { change: { subject, state: 'disabled', weight: 5 }, by: null }).commit();
  scene.said();
  overrides.propose(fileOf(), null).commit();
  assert.deepEqual(scene.said(), []);
  const drained = fileOf(', state: drain');
  for (let i = 0; i < 2; i++) overrides.propose(drained, null).commit();
  assert.deepEqual(scene.said(), [
    `warn  ${subject} stays as it was said by hand at 2030-01-01T00:00:00.000Z: disabled, weight 5; ` +
      'the file says drained, weight 1',
  ]);
  overrides.propose(fileOf(', state: disabled, weight: 5'), null).commit();
  assert.deepEqual(scene.said(), [`info  ${subject}: what was said by hand has ended: the file says the same`]);
  overrides.propose(fileOf(), { change: { subject, weight: 0 }, by: 'bob' }).commit();
  scene.said();
  const without = planOf(
    'evenkeel.yaml',
    'listeners: { web: { bind: "*:80", routes: [ { upstream: web } ] } }\nupstreams: { web: { servers: ["192.0.2.8:80"] } }\n',
    1,
  );
  overrides.propose(without, null).commit();
  assert.deepEqual(scene.said(), [
    `info  ${subject}: what was said by hand has ended: the file has no such thing any more`,
  ]);
});

test('who is not known is told what is', (t) => {
  const overrides = new Scene(t).start(fileOf());
  const why = (name: string): string | null => overrides.whyUnknown(fileOf(), name);
  assert.equal(why(subject), null);
  assert.equal(why('node'), null);
  assert.equal(why('listener wbe'), 'there is no listener wbe; did you mean web?');
  assert.equal(why('server web/192.0.2.9:80'), 'there is no server web/192.0.2.9:80; did you mean web/192.0.2.7:80?');
  assert.equal(why('server x/y'), 'there is no server x/y; write web/192.0.2.7:80 or web/192.0.2.8:80');
});

test('a file that cannot be read is as none, and one that cannot be written is told of', (t) => {
  const scene = new Scene(t);
  writeFileSync(join(scene.directory, 'overrides.lb01.json'), '{"overrides":[{"subject":7}]}');
  const overrides = scene.start(fileOf());
  assert.match(
    scene.said().join('\n'),
    /^warn {2}what was said by hand from before .*overrides\.lb01\.json: it is not what/,
  );
  assert.deepEqual(overrides.views(), []);
});

test('records that evenkeel does not write are as if nothing had been said', (t) => {
  const right = { subject, state: 'drain', weight: null, by: null, atMs: 1 };
  const wrong = [
    { ...right, atMs: 1e300 },
    { ...right, atMs: -1 },
    { ...right, subject: 'node', state: 'disabled' },
    { ...right, subject: 'listener web', state: 'disabled' },
    { ...right, subject: 'node', weight: 3 },
    { ...right, subject: 'web' },
    { ...right, state: null },
    { ...right, state: 'toString' },
    { ...right, weight: 257 },
    { ...right, by: 'a\nb' },
  ];
  for (const records of [...wrong.map((each) => [each]), [right, right]]) {
    const scene = new Scene(t);
    writeFileSync(join(scene.directory, 'overrides.lb01.json'), JSON.stringify({ overrides: records }));
    assert.deepEqual(scene.start(fileOf()).views(), [], JSON.stringify(records));
    assert.match(scene.said().join('\n'), /^warn {2}what was said by hand from before are not known: [^\n]*$/);
  }
  for (const each of [right, { ...right, subject: 'node' }, { ...right, subject: 'listener web' }]) {
    const scene = new Scene(t);
    writeFileSync(join(scene.directory, 'overrides.lb01.json'), JSON.stringify({ overrides: [each] }));
    assert.equal(scene.start(fileOf()).views().length, 1);
  }
});

test('an order that leaves an upstream without a server for new clients is told so behind it, and stands', (t) => {
  const scene = new Scene(t);
  const overrides = scene.start(fileOf());
  const order = (): string => overrides.propose(fileOf(), { change: { subject, state: 'drain' }, by: null }).commit();
  const text = 'upstream web: no server takes new clients any more: 192.0.2.7:80 is drained, 192.0.2.8:80 is down';
  scene.idled = [text];
  const told = `${subject}: drained; the file says enabled`;
  assert.equal(order(), `${told}\nwarning: ${text}`);
  assert.deepEqual(scene.said(), [`info  ${told}`, `warn  ${text}`]);
  assert.equal(order(), told);
});
