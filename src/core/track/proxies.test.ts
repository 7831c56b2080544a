import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { MISSING_MS_MAX, ProxiesTrack, type ProxyBeat, STEADY_MS } from './proxies.ts';

const LOOK_MS = 100;

class Scene {
  readonly track: ProxiesTrack;
  nowMs = 5_000;
  private readonly beats: number[];

  constructor(proxies: number) {
    this.track = new ProxiesTrack(proxies, LOOK_MS);
    this.beats = Array.from({ length: proxies }, () => 0);
  }

  /** For each proxy a letter: `s` serves, `h` hangs, `-` is not there. Looks for that long. */
  run(what: string, ms: number): this {
    for (let passed = 0; passed < ms; passed += LOOK_MS) {
      this.nowMs += LOOK_MS;
      this.track.handleLook(this.nowMs, this.look(what));
    }
    return this;
  }

  private look(what: string): ProxyBeat[] {
    return this.beats.map((_, i) => {
      if (what[i] === '-') return null;
      if (what[i] === 's') this.beats[i]++;
      return this.beats[i];
    });
  }
}

test('the verdict is open until all proxies were there, and then good at once', () => {
  const scene = new Scene(2).run('s-', 60_000);
  assert.equal(scene.track.isUp, null);
  scene.run('ss', LOOK_MS);
  assert.equal(scene.track.isUp, true);
});

test('one proxy that is started again is no reason to move the address', () => {
  const scene = new Scene(2).run('ss', 1_000);
  scene.run('s-', MISSING_MS_MAX - LOOK_MS).run('ss', 1_000);
  assert.equal(scene.track.isUp, true);
});

test('one proxy that stays away is', () => {
  const scene = new Scene(2).run('ss', 1_000).run('s-', MISSING_MS_MAX + LOOK_MS);
  assert.equal(scene.track.isUp, false);
  assert.equal(scene.track.missing.index, 1);
});

test('a proxy that hangs is as good as none', () => {
  const scene = new Scene(3).run('sss', 1_000).run('shs', MISSING_MS_MAX + LOOK_MS);
  assert.equal(scene.track.isUp, false);
  assert.equal(scene.track.missing.index, 1);
});

test('all must be there for a while before it is good again; one that comes and goes is not', () => {
  const scene = new Scene(1).run('s', 1_000).run('-', MISSING_MS_MAX + LOOK_MS);
  for (let i = 0; i < 10; i++) scene.run('s', STEADY_MS - LOOK_MS).run('-', 2 * LOOK_MS);
  assert.equal(scene.track.isUp, false);
  scene.run('s', STEADY_MS);
  assert.equal(scene.track.isUp, true);
});

test('time in which nobody looked blames nobody', () => {
  const scene = new Scene(1).run('s', 1_000);
  scene.nowMs += 60_000;
  scene.run('h', 2 * LOOK_MS).run('s', 1_000);
  assert.equal(scene.track.isUp, true);
});

test('whatever happens: down only after a proxy was missing long enough, up only after a steady time', () => {
  const step = fc.record({ what: fc.stringMatching(/^[sh-]{2}$/), looks: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const scene = new Scene(2);
      let missingMs = 0;
      let servingMs = 0;
      let before = scene.track.isUp;
      for (const { what, looks } of steps) {
        for (let i = 0; i < looks; i++) {
          scene.run(what, LOOK_MS);
          missingMs = what === 'ss' ? 0 : missingMs + LOOK_MS;
          servingMs = what === 'ss' ? servingMs + LOOK_MS : 0;
          const { isUp } = scene.track;
          if (before === true && isUp === false) assert.ok(missingMs >= MISSING_MS_MAX);
          if (before === false && isUp === true)
            assert.ok(!what.includes('-') && scene.track.missing.ms < MISSING_MS_MAX);
          if (servingMs > STEADY_MS + LOOK_MS) assert.equal(isUp, true);
          before = isUp;
        }
      }
    }),
  );
});
