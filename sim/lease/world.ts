/**
 * Nodes that want a lease, the processes that hold addresses by it, and a store that keeps one record: with delays, losses, cuts, clocks that
 * run differently, and processes that stand still at any moment. What is promised is that never two kernels have the address at one time.
 */
import type { Prng } from '../../src/base/prng.ts';
import { Lease, type LeaseAnswer, type LeaseQuestion, type LeaseRecord } from '../../src/core/lease/lease.ts';
import { World } from '../vrrp/world.ts';

const NODES = 3;
export const TTL_MS = 5_000;
/** An address lives for so long after it was given to the kernel, and the kernel may be so late. */
const LIFETIME_MS = 1_000;
const SLACK_MS = 200;
const STORM_MS = 60_000;
const CALM_MS = 30_000;
const NEVER = Number.NEGATIVE_INFINITY;
const US_PER_MS = 1_000;

/** What is broken on purpose, to see that it is found. */
export type Canary = 'none' | 'fast-clock' | 'frees-unasked';

export interface Outcome {
  /** Null: all was well. */
  readonly fault: string | null;
  readonly takeovers: number;
}

class Store {
  private record: LeaseRecord | null = null;
  private revision = 1;

  handle(question: LeaseQuestion): LeaseAnswer {
    if (question.kind === 'read') return { kind: 'record', record: this.record };
    if (question.revision !== (this.record?.revision ?? 0)) return { kind: 'conflict' };
    const { holder, count } = question;
    this.record = { holder, count, revision: ++this.revision };
    return { kind: 'written', revision: this.revision };
  }
}

/** Runs one thing after the other, and stands still now and then. */
class Process {
  private readonly world: LeaseWorld;
  private stillUntilMs = 0;
  private lastMs = 0;

  constructor(world: LeaseWorld) {
    this.world = world;
  }

  standStill(forMs: number): void {
    this.stillUntilMs = this.world.nowMs + forMs;
  }

  /** After `delayMs`, in the order of the calls, and not while it stands still. */
  run(delayMs: number, what: () => void): void {
    const atMs = Math.max(this.world.nowMs + delayMs, this.lastMs);
    this.lastMs = atMs;
    this.world.at(atMs, () => this.runNow(what));
  }

  private runNow(what: () => void): void {
    if (this.world.nowMs >= this.stillUntilMs) what();
    else this.world.at(this.stillUntilMs, () => this.runNow(what));
  }
}

class Node {
  readonly name: string;
  /** When the address is gone from the kernel, in true time. */
  goneMs = NEVER;
  isCut = false;
  wants = false;
  private readonly world: LeaseWorld;
  private readonly rate: number;
  private readonly keeper: Process;
  private readonly holder: Process;
  private readonly lease: Lease;
  private untilMs = NEVER;

  constructor(world: LeaseWorld, name: string, rate: number) {
    this.world = world;
    this.name = name;
    this.rate = rate;
    this.keeper = new Process(world);
    this.holder = new Process(world);
    this.lease = new Lease({ self: name, ttlMs: TTL_MS }, 0);
    this.tickKeeper();
    this.tickHolder();
  }

  private get nowMs(): number {
    return this.world.nowMs * this.rate;
  }

  get hasAddress(): boolean {
    return this.world.nowMs < this.goneMs;
  }

  standStill(): void {
    const { prng } = this.world;
    const one = prng.below(2) === 0 ? this.keeper : this.holder;
    one.standStill(prng.below(3 * TTL_MS));
  }

  /** The router is to be active from now on, or not any more. */
  setWanted(wants: boolean): void {
    this.holder.run(0, () => {
      this.wants = wants;
      if (!wants) this.goneMs = NEVER;
      this.keeper.run(this.delay(), () => {
        this.lease.want(wants, this.nowMs);
        if (this.world.canary === 'frees-unasked' && !wants)
          this.lease.handleKnown(this.lease.tell(this.nowMs)?.number ?? 0, this.nowMs);
        this.tell();
      });
    });
  }

  private delay(): number {
    return this.world.prng.below(20) === 0 ? this.world.prng.below(500) : this.world.prng.below(3);
  }

  private tickKeeper(): void {
    this.keeper.run(this.world.prng.below(20), () => {
      const question = this.lease.ask(this.nowMs);
      if (question !== null) this.send(question);
      this.tell();
      this.tickKeeper();
    });
  }

  private send(question: LeaseQuestion): void {
    const { world } = this;
    let isOver = false;
    const end = (answer: LeaseAnswer): void => {
      this.keeper.run(0, () => {
        if (isOver) return;
        isOver = true;
        this.lease.handleAnswer(answer, this.nowMs);
        this.tell();
      });
    };
    world.in(TTL_MS / 5, () => end({ kind: 'failed' }));
    world.carry(this, () => {
      const answer = world.store.handle(question);
      world.carry(this, () => end(answer));
    });
  }

  private tell(): void {
    const word = this.lease.tell(this.nowMs);
    if (word === null) return;
    this.holder.run(this.delay(), () => {
      this.untilMs = word.untilMs;
      this.refresh();
      this.keeper.run(this.delay(), () => this.lease.handleKnown(word.number, this.nowMs));
    });
  }

  private tickHolder(): void {
    this.holder.run(this.world.prng.below(200), () => {
      this.refresh();
      this.tickHolder();
    });
  }

  private refresh(): void {
    if (!this.wants) return;
    if (this.nowMs >= this.untilMs - LIFETIME_MS - SLACK_MS) {
      this.goneMs = NEVER;
      return;
    }
    if (!this.hasAddress) this.world.takeovers++;
    const lateMs = this.world.prng.below(SLACK_MS);
    this.goneMs = this.world.nowMs + (LIFETIME_MS + lateMs) / this.rate;
  }
}

export class LeaseWorld {
  readonly prng: Prng;
  readonly store = new Store();
  readonly canary: Canary;
  takeovers = 0;
  private readonly clock: World;
  private readonly nodes: readonly Node[];
  private isCalm = false;

  constructor(seed: number, canary: Canary = 'none') {
    this.clock = new World(seed);
    this.prng = this.clock.random;
    this.canary = canary;
    const spread = canary === 'fast-clock' ? 0.8 : 0.01;
    this.nodes = Array.from(
      { length: NODES },
      (_, i) => new Node(this, `node${i}`, 1 - spread / 2 + (this.prng.below(1_000) / 1_000) * spread),
    );
  }

  /** True time. */
  get nowMs(): number {
    return this.clock.nowUs / US_PER_MS;
  }

  at(atMs: number, what: () => void): void {
    this.clock.at(atMs * US_PER_MS, what);
  }

  in(afterMs: number, what: () => void): void {
    this.at(this.nowMs + afterMs, what);
  }

  /** A message of a node, to the store or back: late, or lost. */
  carry(node: Node, deliver: () => void): void {
    const { prng } = this;
    if (this.isCalm) {
      this.in(prng.below(5), deliver);
      return;
    }
    if (prng.below(20) === 0) return;
    const delayMs = prng.below(10) === 0 ? prng.below(4_000) : prng.below(30);
    this.in(delayMs, () => {
      if (!node.isCut) deliver();
    });
  }

  run(): Outcome {
    for (const node of this.nodes) this.disturb(node);
    const fault = this.play(STORM_MS) ?? this.calm();
    return { fault, takeovers: this.takeovers };
  }

  /** Everything is well, all want it: one has it, and it stays there. */
  private calm(): string | null {
    this.isCalm = true;
    for (const node of this.nodes) {
      node.isCut = false;
      node.setWanted(true);
    }
    const fault = this.play(STORM_MS + CALM_MS);
    if (fault !== null) return fault;
    return this.holders.length === 1 ? null : 'nobody has it though all is well';
  }

  private play(endMs: number): string | null {
    while (this.clock.step(endMs * US_PER_MS)) {
      const { holders } = this;
      if (holders.length > 1) return `at ${this.nowMs} ms both ${holders.join(' and ')} have the address`;
    }
    return null;
  }

  private get holders(): readonly string[] {
    return this.nodes.filter((node) => node.hasAddress).map(({ name }) => name);
  }

  private disturb(node: Node): void {
    const { prng } = this;
    this.in(prng.below(4_000), () => {
      if (this.isCalm) return;
      switch (prng.below(4)) {
        case 0:
          node.standStill();
          break;
        case 1:
          node.isCut = !node.isCut;
          break;
        default:
          node.setWanted(prng.below(8) > 0);
      }
      this.disturb(node);
    });
  }
}
