import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Board } from '../../base/board.ts';
import { T_CLASSES } from '../../base/traffic-cells.ts';
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { ofListener, TrafficTotals } from './totals.ts';

const LISTENER = { name: 'web', protocol: 'http', slot: 0, counted: [] } as unknown as ListenerPlan;
const planOf = (...listeners: readonly ListenerPlan[]): Plan => ({ listeners, upstreams: [] }) as unknown as Plan;

class Scene {
  readonly board = Board.createAlone({ servers: 1, listeners: 2, rows: 2 });
  readonly totals = new TrafficTotals(this.board);

  /** A process in this row counts so many requests of the listener in this place. */
  count(row: number, slot: number, requests: number): void {
    const worker = this.board.worker(row);
    worker.pid = 1;
    worker.traffic.cells[worker.traffic.listener(slot) + T_CLASSES + 2] += requests;
  }

  of(listener: ListenerPlan): number {
    return this.totals.of(ofListener(listener))[T_CLASSES + 2];
  }
}

test('what a proxy has counted stays when it is dead, and the next one in its row counts on', () => {
  const scene = new Scene();
  scene.totals.apply(planOf(LISTENER));
  scene.count(0, 0, 5);
  scene.count(1, 0, 7);
  assert.equal(scene.of(LISTENER), 12);
  scene.board.worker(0).clearGauges();
  assert.equal(scene.of(LISTENER), 12);
  scene.count(0, 0, 1);
  assert.equal(scene.of(LISTENER), 13);
});

test("a place that was another one's begins at nothing, and who keeps its place goes on", () => {
  const scene = new Scene();
  const [one, other] = [LISTENER, { ...LISTENER, name: 'api', slot: 1 }];
  scene.totals.apply(planOf(one, other));
  scene.count(0, 0, 5);
  scene.count(0, 1, 6);
  const next = { ...LISTENER, name: 'next' };
  scene.totals.apply(planOf(next, other));
  assert.deepEqual([scene.of(next), scene.of(other)], [0, 6]);
  scene.count(0, 0, 2);
  assert.equal(scene.of(next), 2);
  scene.totals.apply(planOf(next, other));
  assert.equal(scene.of(next), 2);
});

test('a successor goes on with what its predecessor had counted, by names', () => {
  const [first, second] = [new Scene(), new Scene()];
  first.totals.apply(planOf(LISTENER));
  first.count(0, 0, 5);
  const elsewhere = { ...LISTENER, slot: 1 };
  second.totals.apply(planOf(elsewhere));
  second.count(0, 1, 2);
  second.totals.recall(JSON.parse(JSON.stringify(first.totals.memories(planOf(LISTENER)))));
  assert.equal(second.of(elsewhere), 7);
  // which counts on, of what it finishes
  second.totals.add([{ kind: 'listener', key: 'web\nhttp', cells: [0, 0, 2, 1] }]);
  assert.equal(second.of(elsewhere), 9);
  // gone from the configuration, it is forgotten
  second.totals.apply(planOf());
  second.totals.apply(planOf(elsewhere));
  assert.equal(second.of(elsewhere), 2);
});

test('what cannot be a count is none, whatever a proxy has written there', () => {
  const scene = new Scene();
  scene.totals.apply(planOf(LISTENER));
  scene.count(1, 0, 3);
  for (const wrong of [NaN, -5, Infinity, 2 ** 60]) {
    const worker = scene.board.worker(0);
    worker.pid = 1;
    worker.traffic.cells[worker.traffic.listener(0) + T_CLASSES + 2] = wrong;
    assert.equal(scene.of(LISTENER), 3, String(wrong));
  }
});
