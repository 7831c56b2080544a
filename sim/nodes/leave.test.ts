/**
 * Two nodes that are told to take no clients, and to take some again, at any moment, while their link breaks and they are killed. What is promised: never do both go
 * with the other's consent; every order is answered in time; and of two that come at one moment over a link that stands one is carried out.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ANSWER_MS_MAX, type LeaveAction, LeaveAgreement, type LeaveVerdict } from '../../src/core/peers/leave.ts';
import type { PeerMessage } from '../../src/core/peers/messages.ts';
import { CALM_MS, DELAY_MS_MAX, FAULTS_MS, type LinkUser, Sim, type SimNode } from './world.ts';

const SEEDS = 500;
const APPLY_MS_MAX = 300;

/** What a node has on its disk. */
interface Disk {
  isDrained: boolean;
  /** It was drained with the consent of the other one. */
  hasConsent: boolean;
}

class Scene {
  readonly sim: Sim;
  readonly disks: ReadonlyMap<string, Disk>;
  readonly verdicts: LeaveVerdict[] = [];
  /** Broken on purpose: a node that has just been told that it may go does not know that of itself. */
  readonly isForgetful: boolean;

  constructor(seed: number, isForgetful = false) {
    this.isForgetful = isForgetful;
    this.disks = new Map(['lb01', 'lb02'].map((name) => [name, { isDrained: false, hasConsent: false }]));
    this.sim = new Sim(seed, (node) => new Operator(this, node));
  }
}

class Operator implements LinkUser {
  private readonly scene: Scene;
  private readonly node: SimNode;
  private readonly agreement: LeaveAgreement;
  private orderedMs: number | null = null;

  constructor(scene: Scene, node: SimNode) {
    this.scene = scene;
    this.node = node;
    this.agreement = new LeaveAgreement(node.name);
  }

  drain(): void {
    const { sim, disks } = this.scene;
    // of orders of one node one comes after the other
    if (!this.agreement.isIdle || disks.get(this.node.name)!.isDrained) return;
    this.orderedMs = sim.nowMs;
    const peer = this.node.name === 'lb01' ? 'lb02' : 'lb01';
    const peers = this.node.isUp ? [peer] : [];
    this.perform(this.agreement.ask({ routers: null, by: null, peers }, sim.nowMs));
  }

  handleUp(): void {}

  handleDown(): void {
    for (const peer of ['lb01', 'lb02']) this.perform(this.agreement.handleGone(peer));
  }

  handleMessage(message: PeerMessage): void {
    const peer = this.node.name === 'lb01' ? 'lb02' : 'lb01';
    const { isDrained } = this.scene.disks.get(this.node.name)!;
    const standing = { isStopping: false, isDrained, routers: [] };
    if (message.type === 'may-leave') this.perform(this.agreement.handleQuestion(peer, message, standing));
    else if (message.type === 'leave-answer') this.perform(this.agreement.handleAnswer(peer, message));
  }

  private perform(actions: readonly LeaveAction[]): void {
    const { sim } = this.scene;
    for (const action of actions) {
      if (action.kind === 'send') this.node.tell(action.message);
      else this.decide(action.verdict);
    }
    const { deadlineMs } = this.agreement;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    sim.at(deadlineMs, () => {
      if (this.node.user === this) this.perform(this.agreement.handleTime(sim.nowMs));
    });
  }

  private decide(verdict: LeaveVerdict): void {
    const { sim, disks, verdicts, isForgetful } = this.scene;
    assert.ok(sim.nowMs - this.orderedMs! <= ANSWER_MS_MAX, 'an order waits for too long');
    this.orderedMs = null;
    verdicts.push(verdict);
    if (verdict.kind === 'refused') return;
    if (isForgetful) this.agreement.settle();
    sim.at(sim.nowMs + sim.prng.below(APPLY_MS_MAX), () => {
      // killed before it was written down
      if (this.node.user !== this) return;
      this.agreement.settle();
      const disk = disks.get(this.node.name)!;
      disk.isDrained = true;
      disk.hasConsent = verdict.kind === 'agreed';
      const both = [...disks.values()];
      assert.ok(!both.every((each) => each.isDrained && each.hasConsent), 'both have gone, each with consent');
    });
  }
}

function drain(node: SimNode): void {
  (node.user as Operator).drain();
}

/** Orders, often to both at almost one moment. */
function drawOrders({ sim, disks }: Scene): void {
  for (let atMs = 0; atMs < FAULTS_MS; atMs += sim.prng.below(3_000)) {
    const draw = sim.prng.below(4);
    sim.at(atMs, () => {
      for (const disk of disks.values()) if (draw === 0) disk.isDrained = false;
      if (draw !== 1) drain(sim.nodes[0]);
      if (draw !== 2) sim.at(sim.nowMs + sim.prng.below(2 * DELAY_MS_MAX), () => drain(sim.nodes[1]));
    });
  }
}

function play(seed: number, isForgetful = false): readonly LeaveVerdict[] {
  const scene = new Scene(seed, isForgetful);
  const { sim } = scene;
  if (seed % 4 !== 0) sim.drawFaults();
  drawOrders(scene);
  sim.run(FAULTS_MS + CALM_MS);
  return scene.verdicts;
}

test('never do both go with consent, and every order is answered in time', () => {
  const kinds = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed++) for (const { kind } of play(seed)) kinds.add(kind);
  assert.deepEqual([...kinds].sort(), ['agreed', 'alone', 'refused']);
});

test('of two orders at one moment over a link that stands one is carried out', () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { sim, disks, verdicts } = new Scene(seed);
    sim.run(CALM_MS);
    sim.at(sim.nowMs + sim.prng.below(DELAY_MS_MAX), () => drain(sim.nodes[0]));
    sim.at(sim.nowMs + sim.prng.below(DELAY_MS_MAX), () => drain(sim.nodes[1]));
    sim.run(2 * CALM_MS);
    assert.deepEqual(verdicts.map(({ kind }) => kind).sort(), ['agreed', 'refused'], `seed ${seed}`);
    assert.equal([...disks.values()].filter(({ isDrained }) => isDrained).length, 1, `seed ${seed}`);
  }
});

test('the canary: a node that forgets that it is about to go is found', () => {
  assert.throws(() => {
    for (let seed = 1; seed <= SEEDS; seed++) play(seed, true);
  }, /both have gone/);
});
