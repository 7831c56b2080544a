/**
 * Balancers that announce the same addresses, each with a kernel that ends their life and a routing daemon that follows the kernel, and a router
 * that goes by what it hears: with processes that are killed, stand still and come back, things that fail and recover, drains, stops, and cuts.
 */
import { Prng } from '../../src/base/prng.ts';
import { Announcement, type AnnouncementPlace, HOLD_DOWN_MS } from '../../src/core/announce/announcement.ts';

const NODES = 3;
const STEP_MS = 20;
const STORM_MS = 120_000;
const CALM_MS = 30_000;
const LIFE_S = 3;
const SLACK_MS = 250;
const SETTINGS = { tracked: ['proxy'], lifeS: LIFE_S, gracefulMs: 2_000, convergenceMs: 1_000 };
/** From a change in the kernel to the router, at most. */
const PROPAGATION_MS_MAX = 800;
/** Until the router knows of a cut, and until it hears anything after one. */
const CUT_MS = 1_000;
/** Until something that fails is known to fail. */
const WATCH_MS = 200;

/** What is broken on purpose, to see that it is found. */
export type Canary = 'none' | 'immortal' | 'hasty';

export interface Outcome {
  /** Null: all was well. */
  readonly fault: string | null;
  readonly withdrawals: number;
}

interface Heard {
  readonly atMs: number;
  readonly place: AnnouncementPlace;
}

class Node {
  readonly name: string;
  /** Null: the process is not there. */
  machine: Announcement | null = null;
  place: AnnouncementPlace = null;
  /** As the router has it. */
  routed: AnnouncementPlace = null;
  withdrawals = 0;
  isWell = true;
  wellSinceMs = 0;
  isDrained = false;
  isToStop = false;
  private readonly world: AnnounceWorld;
  private goneMs = Number.POSITIVE_INFINITY;
  private stillUntilMs = 0;
  private ranMs = 0;
  private toldWell: boolean | null = null;
  private cutUntilMs = 0;
  private faultedMs = Number.NEGATIVE_INFINITY;
  /** What a process before this one has left is left to the kernel. */
  private hasHeld = false;
  private readonly onTheWay: Heard[] = [];

  constructor(world: AnnounceWorld, name: string) {
    this.world = world;
    this.name = name;
    this.begin();
  }

  begin(): void {
    const { nowMs, canary } = this.world;
    const settings = canary === 'hasty' ? { ...SETTINGS, convergenceMs: 0 } : SETTINGS;
    const isAdopted = this.place === 'announced' || this.place === 'leaving';
    this.machine = new Announcement(settings, isAdopted, nowMs);
    this.toldWell = null;
    this.ranMs = nowMs;
    this.faultedMs = Number.NEGATIVE_INFINITY;
    this.hasHeld = false;
    this.isToStop = false;
    this.machine.drain(this.isDrained, nowMs);
    this.machine.start(nowMs);
  }

  kill(): void {
    this.machine = null;
  }

  standStill(forMs: number): void {
    this.stillUntilMs = this.world.nowMs + forMs;
  }

  cut(forMs: number): void {
    this.cutUntilMs = this.world.nowMs + forMs;
  }

  setWell(isWell: boolean): void {
    if (isWell !== this.isWell) this.wellSinceMs = this.world.nowMs;
    this.isWell = isWell;
  }

  heal(): void {
    this.setWell(true);
    this.isDrained = false;
    this.stillUntilMs = 0;
    this.cutUntilMs = Math.min(this.cutUntilMs, this.world.nowMs);
  }

  step(): string | null {
    const { nowMs, canary } = this.world;
    if (nowMs >= STORM_MS && this.machine?.hasStopped !== false) this.begin();
    const isRunning = this.machine !== null && nowMs >= this.stillUntilMs;
    if (this.place !== null && nowMs >= this.goneMs && canary !== 'immortal') this.put(null);
    const fault = isRunning ? this.run(this.machine!) : null;
    if (isRunning) this.ranMs = nowMs;
    if (fault !== null) return fault;
    this.hear();
    if (!isRunning && this.place !== null && nowMs - this.ranMs > LIFE_S * 1_000 + SLACK_MS + STEP_MS)
      return `${this.name} has not run for ${nowMs - this.ranMs} ms, and its addresses are ${this.place}`;
    const isOut = this.place === 'announced' || this.place === 'leaving';
    if (
      isRunning &&
      isOut &&
      !this.isWell &&
      nowMs - this.wellSinceMs > WATCH_MS + STEP_MS &&
      nowMs - this.stillUntilMs > WATCH_MS
    )
      return `${this.name} fails, and its addresses are ${this.place}`;
    return null;
  }

  private run(machine: Announcement): string | null {
    const { nowMs } = this.world;
    const isKnown = nowMs - this.wellSinceMs >= WATCH_MS;
    if (isKnown && this.toldWell !== this.isWell) {
      this.toldWell = this.isWell;
      machine.handleTracked(0, this.isWell, nowMs);
    }
    machine.drain(this.isDrained, nowMs);
    if (this.isToStop) machine.stop(nowMs);
    machine.tick(nowMs);
    let hasStalled = false;
    for (const { cause, to } of machine.takeChanges()) {
      hasStalled ||= cause === 'stalled';
      if (to === 'converging') this.withdrawals++;
      if (cause === 'fault') this.faultedMs = nowMs;
      if (cause === 'well' && nowMs - this.faultedMs < HOLD_DOWN_MS)
        return `${this.name} comes back ${nowMs - this.faultedMs} ms after a fault`;
    }
    if (machine.place === null && this.place !== null && this.hasHeld) {
      const isRouted = this.routed === 'announced' || this.routed === 'leaving';
      const isCut = nowMs < this.cutUntilMs + CUT_MS;
      if (!hasStalled && isRouted && !isCut) return `${this.name} is without its addresses, and the router sends there`;
      this.put(null);
    } else if (machine.place !== null && machine.takeHold(nowMs)) {
      this.hasHeld = true;
      if (this.place !== machine.place) this.put(machine.place);
      // The kernel may be late by a little.
      this.goneMs = nowMs + LIFE_S * 1_000 + this.world.prng.below(SLACK_MS);
    }
    return null;
  }

  private put(place: AnnouncementPlace): void {
    const { nowMs, prng } = this.world;
    this.place = place;
    // In order.
    const lastMs = this.onTheWay.at(-1)?.atMs ?? 0;
    this.onTheWay.push({ atMs: Math.max(lastMs, nowMs + prng.below(PROPAGATION_MS_MAX)), place });
  }

  private hear(): void {
    const { nowMs } = this.world;
    if (nowMs < this.cutUntilMs) {
      if (nowMs >= this.cutUntilMs - CUT_MS) this.routed = null;
      return;
    }
    while (this.onTheWay.length > 0 && nowMs >= this.onTheWay[0].atMs) this.routed = this.onTheWay.shift()!.place;
    // A session that begins anew tells everything.
    if (this.onTheWay.length === 0 && nowMs >= this.cutUntilMs + CUT_MS) this.routed = this.place;
  }
}

export class AnnounceWorld {
  readonly prng: Prng;
  readonly canary: Canary;
  nowMs = 0;

  constructor(seed: number, canary: Canary = 'none') {
    this.prng = new Prng(seed);
    this.canary = canary;
  }

  run(): Outcome {
    const nodes = Array.from({ length: NODES }, (_, i) => new Node(this, `lb0${i + 1}`));
    const withdrawals = (): number => nodes.reduce((sum, node) => sum + node.withdrawals, 0);
    for (; this.nowMs < STORM_MS + CALM_MS; this.nowMs += STEP_MS) {
      if (this.nowMs < STORM_MS && this.prng.oneIn(50)) this.trouble(nodes[this.prng.below(NODES)]);
      if (this.nowMs === STORM_MS) for (const node of nodes) node.heal();
      for (const node of nodes) {
        const fault = node.step();
        if (fault !== null) return { fault: `at ${this.nowMs} ms: ${fault}`, withdrawals: withdrawals() };
      }
    }
    const silent = nodes.find(({ routed }) => routed !== 'announced');
    const fault =
      silent === undefined ? null : `${silent.name} is not announced when all has been well for ${CALM_MS} ms`;
    return { fault, withdrawals: withdrawals() };
  }

  private trouble(node: Node): void {
    const { prng } = this;
    switch (prng.below(7)) {
      case 0:
        return node.kill();
      case 1:
        return node.machine === null || node.machine.hasStopped ? node.begin() : undefined;
      case 2:
        return node.standStill(prng.below(3 * LIFE_S * 1_000));
      case 3:
        return node.setWell(!node.isWell);
      case 4:
        node.isDrained = !node.isDrained;
        return undefined;
      case 5:
        return node.cut(CUT_MS + prng.below(10_000));
      default:
        node.isToStop = true;
        return undefined;
    }
  }
}
