/**
 * A part of the simulation for `npm test`: a fixed range of seeds, as many as the time allows; the same seed twice; and the
 * canaries: broken transports and a broken driver, which must be caught.
 *
 * SIM_SECONDS is the time for the range, SIM_SEED its beginning.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Board, SERVER_DRAINING, SERVER_UP } from '../src/base/board.ts';
import type { Plan } from '../src/config/plan/plan.ts';
import { type PlannedSocket, Proxy, type ProxyEvent, type ProxyOptions } from '../src/proxy/proxy.ts';
import { runSeed, type RunOptions } from './run.ts';
import { SIM_SECONDS } from './seconds.ts';
import type { Sabotage } from './transport.ts';

const FIRST_SEED = Number(process.env.SIM_SEED ?? 1);

test('production drivers keep every invariant on a seeded network', (t) => {
  const until = performance.now() + SIM_SECONDS * 1000;
  let seed = FIRST_SEED;
  let answered = 0;
  for (; performance.now() < until; seed++) {
    const result = runSeed(seed);
    assert.equal(
      result.invariant,
      null,
      `seed ${seed}: ${result.detail}\nreplay: npm run sim -- --seed ${seed} --reduce`,
    );
    answered += result.answered;
  }
  t.diagnostic(`seeds ${FIRST_SEED} to ${seed - 1}, ${answered} requests answered by servers`);
  assert.ok(answered > 0);
});

test('the same seed is the same history, to the last event', () => {
  let compressed = 0;
  for (const seed of [1, 2, 3, 4, 5, 60, 700, 8000]) {
    const first = runSeed(seed);
    compressed += first.compressed;
    const second = runSeed(seed, { isRecording: true });
    assert.equal(second.traceHash, first.traceHash);
    assert.ok(second.trace.length > 0);
  }
  assert.ok(compressed > 0, 'none of them has a response that is compressed');
  assert.notEqual(runSeed(1).traceHash, runSeed(2).traceHash);
});

/** Whether one of the first seeds breaks an invariant: this one, if it is named. */
function isCaught(options: RunOptions, invariant?: string): boolean {
  for (let seed = 1; seed <= 200; seed++) {
    const broken = runSeed(seed, options).invariant;
    if (broken !== null && broken === (invariant ?? broken)) return true;
  }
  return false;
}

const SABOTAGES: readonly Sabotage[] = [
  'drop-byte',
  'flip-byte',
  'double-slice',
  'swap-connections',
  'leak-slot',
  'lose-end',
];

for (const sabotage of SABOTAGES) {
  test(`canary: a transport that is broken by ${sabotage} is caught`, () => {
    assert.ok(isCaught({ sabotage }));
  });
}

test('canary: a driver that never reports that it is drained is caught', () => {
  class Deaf extends Proxy {
    override drain(): void {}
  }
  assert.ok(isCaught({ createDriver: (options) => new Deaf(options) }, 'drain'));
});

test('canary: a driver whose timers stand still is caught', () => {
  class Timeless extends Proxy {
    override handleTurn(): void {
      super.handleTurn(0);
    }
  }
  assert.ok(isCaught({ createDriver: (options) => new Timeless(options) }));
});

test('canary: a driver that names servers by their slots alone is caught', () => {
  class Forgetful extends Proxy {
    private readonly epochs: Map<number, number>;

    constructor(options: ProxyOptions) {
      const epochs = new Map<number, number>();
      const report = (event: ProxyEvent): void =>
        options.report('slot' in event ? { ...event, epoch: epochs.get(event.slot) ?? 0 } : event);
      super({ ...options, report });
      this.epochs = epochs;
    }

    override apply(plan: Plan, sockets: readonly PlannedSocket[]): void {
      super.apply(plan, sockets);
      for (const { firstSlot, slotCount, epoch } of plan.upstreams.flatMap(({ servers }) => servers)) {
        for (let i = 0; i < slotCount; i++) this.epochs.set(firstSlot + i, epoch);
      }
    }
  }
  assert.ok(isCaught({ createDriver: (options) => new Forgetful(options) }, 'wrong blame'));
});

/** A board on which who is drained looks up. */
function heedless(board: Board): Board {
  const readTable: Board['readTable'] = (scratch, apply) =>
    board.readTable(scratch, (slot, line) => {
      if (line.state === SERVER_DRAINING) line.state = SERVER_UP;
      apply(slot, line);
    });
  return Object.assign(Object.create(board) as Board, { readTable });
}

test('canary: a driver that takes a drained server for one that is up is caught', () => {
  class Heedless extends Proxy {
    constructor(options: ProxyOptions) {
      super({ ...options, board: heedless(options.board) });
    }
  }
  assert.ok(isCaught({ createDriver: (options) => new Heedless(options) }, 'server that is down'));
});
