/** A scenario, drawn from a seed: the nodes, their configuration, and what goes wrong when. */
import type { VirtualRouterPlan } from '../../src/vip/plan.ts';
import { Prng } from '../../src/base/prng.ts';

import type { PlanChange } from './reload.ts';

export const GATEWAY_ADDRESS = '10.0.0.1';
const MS = 1000;
const S = 1_000_000;
/** In intervals, between two changes of configurations. */
const RELOAD_GAP = 24;

/**
 * What a scenario is about. Some statements hold only under some faults: a guard against split brain needs a cut that
 * divides the segment in two, the absence of two holders needs adverts slow enough for the kernel's whole seconds.
 */
export type Theme =
  /** Anything at all. */
  | 'chaos'
  /** Clean cuts into two parts, one after the other, and a guard that only one part can pass. */
  | 'partitions'
  /** One such cut of a segment with an active router, among routers that do not preempt. */
  | 'one-cut'
  /** Processes die and freeze on a healthy segment. */
  | 'death'
  /** Planned hand-overs and graceful stops, one at a time, on a healthy segment. */
  | 'graceful'
  /** Somebody answers for the addresses who is not active: a peer's machine, or a stranger. */
  | 'leftover'
  /** Configurations and programs change on a healthy segment, and nothing that changes asks for another active router. */
  | 'reload';

export type Fault =
  | { readonly kind: 'cut'; readonly from: number; readonly to: number; readonly isBothWays: boolean }
  | { readonly kind: 'partition'; readonly first: readonly number[] }
  | { readonly kind: 'mend' }
  | { readonly kind: 'quality'; readonly loss: number; readonly duplication: number; readonly delayUsMax: number }
  | { readonly kind: 'freeze'; readonly node: number; readonly forUs: number }
  | { readonly kind: 'pause'; readonly node: number; readonly forUs: number; readonly clockGoesOn: boolean }
  | { readonly kind: 'kill'; readonly node: number; readonly forUs: number }
  | { readonly kind: 'stop'; readonly node: number; readonly forUs: number; readonly isGraceful: boolean }
  /** `only`: the index of one interface, or one router, of a group; -1: of all. */
  | { readonly kind: 'interface'; readonly node: number; readonly only: number; readonly forUs: number }
  /** The interface loses its own address; for less than a second, nobody must notice. */
  | { readonly kind: 'own-address'; readonly node: number; readonly forUs: number }
  /** The machine itself refuses to send adverts: a firewall of its own, a missing route. */
  | { readonly kind: 'mute'; readonly node: number; readonly forUs: number }
  | { readonly kind: 'tracked'; readonly node: number; readonly only: number; readonly forUs: number }
  | { readonly kind: 'clock-step'; readonly node: number; readonly forUs: number; readonly byUs: number }
  | { readonly kind: 'remove-address'; readonly node: number }
  | { readonly kind: 'hand-over'; readonly node: number }
  | { readonly kind: 'resume'; readonly node: number }
  /** The process dies, and another one goes on in its place after so long; it knows what the other one was. */
  | { readonly kind: 'crash'; readonly node: number; readonly forUs: number }
  /** The active node's process dies and leaves the addresses in the kernel; something still serves there, or nothing. */
  | { readonly kind: 'abandon'; readonly serves: boolean }
  /** A stranger takes the addresses, and the active node dies; then the stranger leaves. */
  | { readonly kind: 'stranger'; readonly forUs: number }
  /** Three adverts that are believed, of the highest priority, with the longest interval there is, and nobody behind them. */
  | { readonly kind: 'long-interval' }
  /** Its configuration changes, while it runs. */
  | { readonly kind: 'reload'; readonly node: number; readonly change: PlanChange }
  /** Another program goes on in place of the one that runs. */
  | { readonly kind: 'upgrade'; readonly node: number }
  /** An advert that must have no effect: malformed, of another version, from afar, or forged. */
  | { readonly kind: 'noise'; readonly flavour: NoiseFlavour };

export type NoiseFlavour = 'malformed' | 'other-version' | 'ttl' | 'forged' | 'checksum';

export interface NodeScenario {
  readonly routers: readonly VirtualRouterPlan[];
  readonly clockRate: number;
  readonly clockOffsetUs: number;
  readonly unixOffsetUs: number;
  readonly startUs: number;
  readonly latencyUsMax: number;
}

export interface Scenario {
  readonly seed: number;
  readonly theme: Theme;
  readonly nodes: readonly NodeScenario[];
  readonly faults: readonly { readonly atUs: number; readonly fault: Fault }[];
  /** Between any two hosts once all is healed. */
  readonly delayUsMax: number;
  /** When the last fault is over. */
  readonly healUs: number;
  readonly isAuthenticated: boolean;
  /** Every other release is lost, beginning with the first. */
  readonly losesReleases: boolean;
}

export function drawScenario(seed: number): Scenario {
  return new Draw(seed).scenario();
}

class Draw {
  private readonly seed: number;
  private readonly random: Prng;
  private readonly theme: Theme;
  private readonly version: 2 | 3;
  private readonly family: 4 | 6;
  private readonly baseIntervalUs: number;
  private readonly nodeCount: number;

  constructor(seed: number) {
    this.seed = seed;
    this.random = new Prng(seed);
    this.theme = this.pick([
      'chaos',
      'chaos',
      'chaos',
      'partitions',
      'one-cut',
      'death',
      'graceful',
      'leftover',
      'reload',
    ]);
    this.version = this.oneIn(4) ? 2 : 3;
    this.family = this.version === 3 && this.oneIn(3) ? 6 : 4;
    const intervals =
      this.theme === 'chaos' ? [20 * MS, 100 * MS, S, S, 2 * S, 5 * S] : [400 * MS, S, S, 2 * S, 10 * S];
    this.baseIntervalUs = this.version === 2 ? this.pick([S, S, 2 * S, 3 * S]) : this.pick(intervals);
    this.nodeCount = 2 + this.random.below(4);
  }

  scenario(): Scenario {
    const { random, theme } = this;
    const isUnicast = this.oneIn(4);
    const hasKey = this.oneIn(8);
    // All of a kind for most; sometimes intervals differ. Where holders are counted, they do not: a peer that adopts a
    // longer interval than its own waits longer, one with a shorter one less, than the holder's kernel knows of.
    const hasMixedIntervals = theme === 'chaos' && this.oneIn(4);
    const hasGateway = theme === 'partitions' || theme === 'one-cut' || (this.family === 4 && this.oneIn(5));
    const isGrouped = theme === 'chaos' && this.oneIn(6);
    // Guarded by silence alone: see the checks.
    const isPatient = theme === 'one-cut' || (theme === 'death' && this.oneIn(2));
    const priorities = this.priorities(isPatient);
    const hasVirtualMac = this.oneIn(3);
    const password = this.version === 2 && this.oneIn(2) ? '1111' : null;
    const nodes: NodeScenario[] = [];
    for (let i = 0; i < this.nodeCount; i++) {
      const factor = hasMixedIntervals ? this.pick([1, 1, 2, 6]) : 1;
      const router: VirtualRouterPlan = {
        name: 'VI_1',
        slot: 0,
        interfaceName: 'eth0',
        family: this.family,
        version: this.version,
        virtualRouterId: 51,
        priority: priorities[i],
        intervalUs: this.baseIntervalUs * factor,
        addresses: this.virtualAddresses(1, theme === 'chaos' && this.oneIn(10)),
        excluded: [],
        routes: [],
        rules: [],
        hasVirtualMac,
        preempt: !isPatient && !this.oneIn(4),
        preemptDelayUs: this.oneIn(5) ? 4 * this.baseIntervalUs : 0,
        startDelayUs: this.oneIn(5) ? 5 * this.baseIntervalUs : 0,
        group: isGrouped ? 'both' : null,
        source: null,
        unicast: isUnicast ? { peers: this.peersOf(0, i), ttlMin: 255 } : null,
        password,
        keys: hasKey ? [{ id: 1, secret: '00'.repeat(32) }] : [],
        checksum: 'mirror',
        // A weight of its own would change the order of priorities.
        tracked: [{ name: 'proxy', weight: this.oneIn(3) && theme !== 'reload' ? 40 : 0, interfaceName: null }],
        guard: {
          probesAddresses: theme === 'leftover' || this.oneIn(4),
          gateway: hasGateway && this.family === 4 ? GATEWAY_ADDRESS : hasGateway ? 'fe80::1' : null,
          hasWitnesses: false,
          hasLease: false,
        },
      };
      const second = {
        ...router,
        name: 'VI_2',
        interfaceName: 'eth1',
        virtualRouterId: 52,
        addresses: this.virtualAddresses(2, false),
        unicast: isUnicast ? { peers: this.peersOf(1, i), ttlMin: 255 } : null,
      };
      nodes.push({
        routers: isGrouped ? [router, second] : [router],
        clockRate: 1 + (random.unit() - 0.5) * 2e-3,
        clockOffsetUs: random.below(1e9),
        unixOffsetUs: (random.unit() - 0.5) * 2 * S,
        startUs: random.below(this.oneIn(3) ? 1 : this.baseIntervalUs * 6),
        latencyUsMax: this.bounded(this.baseIntervalUs / this.pick([1000, 200, 50])),
      });
    }
    const chaosUs = this.baseIntervalUs * (10 + random.below(20));
    return {
      seed: this.seed,
      theme,
      nodes,
      faults:
        theme === 'reload'
          ? this.reloads(nodes)
          : this.faults(chaosUs, isGrouped, this.version === 3 && !isUnicast && !hasKey),
      delayUsMax: this.bounded(this.baseIntervalUs / this.pick([5000, 500, 50])),
      healUs: this.healUs(chaosUs),
      isAuthenticated: hasKey,
      losesReleases: theme === 'graceful' && this.oneIn(2),
    };
  }

  /** Where a probe must be answered in its time, nothing is as slow as that. */
  private bounded(us: number): number {
    return this.theme === 'leftover' ? Math.min(us, 10 * MS) : us;
  }

  private healUs(chaosUs: number): number {
    if (this.theme === 'one-cut') return this.settledUs + 2 * chaosUs;
    if (this.theme === 'reload') return this.settledUs + 8 * RELOAD_GAP * this.baseIntervalUs;
    if (this.theme === 'graceful') return this.settledUs + 80 * this.baseIntervalUs;
    if (this.theme === 'leftover') return this.settledUs + 60 * this.baseIntervalUs;
    return this.baseIntervalUs * 6 + chaosUs;
  }

  /** All nodes have started, and one of them is active. */
  private get settledUs(): number {
    return this.baseIntervalUs * 20;
  }

  private priorities(isPatient: boolean): number[] {
    if (this.oneIn(10)) return Array.from({ length: this.nodeCount }, () => 100);
    const priorities = new Set<number>();
    if (!isPatient && this.oneIn(8)) priorities.add(255);
    while (priorities.size < this.nodeCount) priorities.add(1 + this.random.below(254));
    const shuffled = [...priorities];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.random.below(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j], shuffled[i]];
    }
    return shuffled;
  }

  private virtualAddresses(segment: number, isDifferent: boolean): VirtualRouterPlan['addresses'] {
    const count = isDifferent ? 2 : 1;
    return Array.from({ length: count }, (_, i) =>
      this.family === 4
        ? { address: `10.0.${segment - 1}.${200 + i}`, prefixLength: 24 }
        : { address: `fe80::${segment}:${200 + i}`, prefixLength: 64 },
    );
  }

  private peersOf(segment: number, node: number): string[] {
    return Array.from({ length: this.nodeCount }, (_, i) => i)
      .filter((i) => i !== node)
      .map((i) => hostAddress(this.family, segment, i));
  }

  private faults(chaosUs: number, isGrouped: boolean, isForgeable: boolean): Scenario['faults'] {
    if (this.theme === 'one-cut') {
      const cut = { atUs: this.settledUs + this.random.below(chaosUs), fault: this.partition() };
      const mend = { atUs: cut.atUs + this.random.below(chaosUs), fault: { kind: 'mend' } as const };
      return [cut, mend];
    }
    if (this.theme === 'leftover') {
      const fault: Fault = this.oneIn(3)
        ? { kind: 'stranger', forUs: 40 * this.baseIntervalUs }
        : { kind: 'abandon', serves: this.oneIn(3) };
      return [{ atUs: this.settledUs + this.random.below(this.baseIntervalUs), fault }];
    }
    if (this.theme === 'graceful') {
      return Array.from({ length: 4 }, (_, i) => this.planned(this.settledUs + i * 20 * this.baseIntervalUs)).flat();
    }
    const count = this.random.below(8);
    const faults = Array.from({ length: count }, () => ({
      atUs: this.baseIntervalUs * 6 + this.random.below(chaosUs),
      fault: isForgeable && this.oneIn(12) ? { kind: 'long-interval' as const } : this.fault(isGrouped),
    }));
    return faults.sort((a, b) => a.atUs - b.atUs);
  }

  private reloads(nodes: readonly NodeScenario[]): Scenario['faults'] {
    const priorities = nodes.map(({ routers: [{ priority }] }) => priority);
    return Array.from({ length: 8 }, (_, i) => {
      const node = this.random.below(this.nodeCount);
      const atUs = this.settledUs + i * RELOAD_GAP * this.baseIntervalUs + this.random.below(this.baseIntervalUs);
      if (this.oneIn(3)) return { atUs, fault: { kind: 'upgrade' as const, node } };
      const change = this.harmless(nodes[node].routers[0], priorities, node);
      return { atUs, fault: { kind: 'reload' as const, node, change } };
    });
  }

  /** A change that asks for no other active router. */
  private harmless({ priority, family }: VirtualRouterPlan, priorities: number[], node: number): PlanChange {
    const { random, version } = this;
    // Version 2 counts whole seconds to 255, version 3 hundredths to 4095.
    const toUs =
      version === 2
        ? this.baseIntervalUs * this.pick([1, 2, 8, 20])
        : Math.min(Math.max(Math.round((this.baseIntervalUs * this.pick([0.1, 0.5, 4, 20])) / 10_000), 1), 4095) *
          10_000;
    const change = this.pick<PlanChange>([
      { what: 'interval', toUs },
      { what: 'interval', toUs },
      { what: 'address', isThere: this.oneIn(2) },
      { what: 'tracked', isThere: this.oneIn(2) },
      { what: 'gateway', address: this.oneIn(3) ? null : family === 4 ? GATEWAY_ADDRESS : 'fe80::1' },
      { what: 'probe', isOn: this.oneIn(2) },
      { what: 'preempt', isOn: false },
      { what: 'priority', to: 1 + random.below(254) },
    ]);
    if (change.what !== 'priority') return change;
    // The same order as before.
    const own = priorities[node];
    const isPassed = priorities.some((other, i) => i !== node && (other - own) * (other - change.to) <= 0);
    if (isPassed || priority === 255) return { what: 'priority', to: own };
    priorities[node] = change.to;
    return change;
  }

  private planned(atUs: number): Scenario['faults'] {
    const node = this.random.below(this.nodeCount);
    const forUs = this.baseIntervalUs * (4 + this.random.below(6));
    if (!this.oneIn(2)) return [{ atUs, fault: { kind: 'stop', node, forUs, isGraceful: true } }];
    const handOver = { atUs, fault: { kind: 'hand-over', node } } as const;
    if (this.oneIn(2)) return [handOver];
    // Who handed over may die, and be started again: that is no reason to take the addresses back.
    const death = {
      kind: this.pick(['crash', 'kill'] as const),
      node,
      forUs: this.random.below(5 * this.baseIntervalUs),
    };
    return [
      handOver,
      { atUs: atUs + this.baseIntervalUs / 5 + this.random.below(10 * this.baseIntervalUs), fault: death },
    ];
  }

  private fault(isGrouped: boolean): Fault {
    const { theme, random } = this;
    const node = random.below(this.nodeCount);
    const forUs = Math.ceil(this.baseIntervalUs * (0.3 + random.unit() * 8));
    if (theme === 'partitions') return this.oneIn(3) ? { kind: 'mend' } : this.partition();
    if (theme === 'death') {
      return this.pick<Fault>([
        { kind: 'kill', node, forUs },
        { kind: 'kill', node, forUs: Number.POSITIVE_INFINITY },
        { kind: 'crash', node, forUs },
        { kind: 'freeze', node, forUs },
        { kind: 'stop', node, forUs, isGraceful: true },
      ]);
    }
    const other = random.below(this.nodeCount);
    const only = isGrouped && this.oneIn(2) ? random.below(2) : -1;
    const flavour = this.pick<NoiseFlavour>(['malformed', 'other-version', 'ttl', 'forged', 'checksum']);
    return this.pick<Fault>([
      { kind: 'cut', from: node, to: other, isBothWays: this.oneIn(2) },
      { kind: 'cut', from: node, to: other, isBothWays: false },
      this.partition(),
      { kind: 'mend' },
      {
        kind: 'quality',
        loss: this.pick([0, 0.05, 0.3, 0.7]),
        duplication: this.pick([0, 0.2]),
        delayUsMax: this.baseIntervalUs * this.pick([0.01, 0.5, 2]),
      },
      { kind: 'freeze', node, forUs },
      { kind: 'pause', node, forUs, clockGoesOn: this.oneIn(2) },
      { kind: 'kill', node, forUs: this.oneIn(3) ? Number.POSITIVE_INFINITY : forUs },
      { kind: 'crash', node, forUs: this.oneIn(2) ? forUs / 10 : forUs },
      { kind: 'stop', node, forUs, isGraceful: this.oneIn(2) },
      { kind: 'interface', node, only, forUs },
      { kind: 'tracked', node, only, forUs },
      { kind: 'clock-step', node, forUs, byUs: (random.unit() - 0.5) * 7200 * S },
      { kind: 'remove-address', node },
      { kind: 'own-address', node, forUs: this.oneIn(2) ? 500_000 : forUs },
      { kind: 'mute', node, forUs },
      isGrouped ? { kind: 'mend' } : { kind: 'hand-over', node },
      { kind: 'resume', node },
      { kind: 'reload', node, change: this.change() },
      { kind: 'noise', flavour },
      { kind: 'noise', flavour },
    ]);
  }

  /** Any change whose waiting times are those of the scenario. */
  private change(): PlanChange {
    return this.pick<PlanChange>([
      { what: 'priority', to: 1 + this.random.below(254) },
      { what: 'address', isThere: this.oneIn(2) },
      { what: 'tracked', isThere: this.oneIn(2) },
      { what: 'probe', isOn: this.oneIn(2) },
      { what: 'preempt', isOn: this.oneIn(2) },
    ]);
  }

  private partition(): Fault {
    const nodes = Array.from({ length: this.nodeCount }, (_, i) => i);
    return { kind: 'partition', first: nodes.filter(() => this.oneIn(2)) };
  }

  private pick<T>(choices: readonly T[]): T {
    return choices[this.random.below(choices.length)];
  }

  private oneIn(n: number): boolean {
    return this.random.oneIn(n);
  }
}

/** The own address of a node's interface on that segment. */
export function hostAddress(family: 4 | 6, segment: number, node: number): string {
  return family === 4 ? `10.0.${segment}.${11 + node}` : `fe80::${segment}:${11 + node}`;
}
