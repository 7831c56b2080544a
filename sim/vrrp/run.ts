/** Plays a scenario and checks what must hold. */
import { equalBytes } from '../../src/base/bytes.ts';
import { parseIPv4, parseIPv6 } from '../../src/base/address.ts';
import type { Evidence } from '../../src/core/vrrp/observer.ts';
import { downIntervalUs, longestSkewUs } from '../../src/core/vrrp/intervals.ts';
import { addressLifetimeS } from '../../src/core/vrrp/lifetime.ts';
import { AdvertSender } from '../../src/core/vrrp/sender.ts';
import type { Port } from './network.ts';
import type { RoleChange } from '../../src/vip/status.ts';
import { Condition, type Violation } from './check.ts';
import { Network } from './network.ts';
import { noisePacket } from './noise.ts';
import { type Nic, type NodeObserver, type Sabotage, SimNode } from './node.ts';
import { type Fault, GATEWAY_ADDRESS, hostAddress, type NoiseFlavour, type Scenario } from './scenario.ts';
import { changedRouter } from './reload.ts';
import { World } from './world.ts';

const S = 1_000_000;
const NEVER = Number.POSITIVE_INFINITY;
/** Faults upon which an active router releases. */
const RELEASING = new Set<Fault['kind']>(['stop', 'interface', 'own-address', 'tracked', 'hand-over', 'noise']);

export interface RunOptions {
  readonly sabotage: Sabotage;
  /** The node that is sabotaged. */
  readonly sabotagedNode: number;
  readonly tap: ((frame: Uint8Array, atUs: number) => void) | null;
  readonly trace: ((line: string) => void) | null;
}

export const PLAIN_RUN: RunOptions = { sabotage: 'none', sabotagedNode: -1, tap: null, trace: null };

export interface RunResult {
  readonly violations: readonly Violation[];
  readonly changes: number;
  readonly simulatedUs: number;
}

export function runScenario(scenario: Scenario, options: RunOptions): RunResult {
  return new Run(scenario, options).play();
}

class Run implements NodeObserver {
  private readonly scenario: Scenario;
  private readonly options: RunOptions;
  private readonly world: World;
  private readonly networks: Network[] = [];
  private readonly nodes: SimNode[] = [];
  private readonly attacker: Port;
  private readonly violations: Violation[] = [];
  private readonly noise = new Set<NoiseFlavour>();
  private readonly down = new Set<number>();
  private readonly unplugged = new Set<number>();
  /** The routers' names, and for each the conditions on it. */
  private readonly routers: readonly string[];
  private readonly conditions = new Map<string, RouterConditions>();
  private readonly together: Condition;
  private readonly intervalUsMax: number;
  private readonly toleranceUs: number;
  private readonly gatewayIndex: number;
  private changes = 0;
  private lastRemovalUs = Number.NEGATIVE_INFINITY;
  /** After one cut was mended: who was active then. */
  private incumbent: SimNode | null = null;
  /** Is not active any more, and its machine still answers for the addresses. */
  private leftover: { readonly node: SimNode; readonly serves: boolean } | null = null;
  private hasForged = false;
  /** The stranger on the segment answers for the addresses. */
  private squats = false;
  /** Was active and handed over; nothing else has happened since. */
  private yielding: SimNode | null = null;
  /** Were frozen for longer than their peers wait, and have not become active since. */
  private readonly stalled = new Set<number>();
  /** After that, every change of a role is flapping. */
  private quietUs = NEVER;

  constructor(scenario: Scenario, options: RunOptions) {
    this.scenario = scenario;
    this.options = options;
    this.world = new World(scenario.seed ^ 0x5eed);
    const [first] = scenario.nodes;
    this.routers = first.routers.map(({ name }) => name);
    this.intervalUsMax = Math.max(...scenario.nodes.map(({ routers }) => routers[0].intervalUs));
    this.gatewayIndex = scenario.nodes.length;
    const latencyUs = Math.max(...scenario.nodes.map((node) => node.latencyUsMax));
    // An advert on its way, and a process on its way to react; twice for a peer's answer.
    this.toleranceUs = 3 * (scenario.delayUsMax + latencyUs) + 1000;
    for (let i = 0; i < this.routers.length; i++) {
      this.networks.push(new Network(this.world, this.goodQuality(), options.tap));
    }
    for (const network of this.networks) network.losesReleases = scenario.losesReleases;
    scenario.nodes.forEach((node, index) => this.addNode(node, index));
    this.networks.forEach((network) => network.connect(silentPort(gatewayOf(first.routers[0].family))));
    const virtual = ip(first.routers[0].addresses[0].address);
    this.attacker = silentPort(Uint8Array.of(10, 0, 0, 66), (address) => this.squats && equalBytes(address, virtual));
    this.networks[0].connect(this.attacker);
    this.together = always('a group is active together', this.toleranceUs);
    for (const router of this.routers) this.conditions.set(router, this.conditionsFor());
  }

  play(): RunResult {
    const { scenario, world } = this;
    scenario.nodes.forEach(({ startUs }, i) => world.at(startUs, () => this.nodes[i].start()));
    for (const { atUs, fault } of scenario.faults) {
      world.at(atUs, () => {
        this.trace(() => JSON.stringify(fault));
        this.inject(fault);
      });
    }
    world.run(scenario.healUs);
    this.heal();
    const settledUs = scenario.healUs + this.settleUs();
    world.run(settledUs);
    this.quietUs = settledUs;
    const endUs = settledUs + 8 * this.intervalUsMax;
    world.run(endUs);
    this.handleNodeChange();
    for (const router of this.routers) this.checkWinner(router);
    return { violations: this.violations, changes: this.changes, simulatedUs: endUs };
  }

  // --- NodeObserver ---

  handleChange(change: RoleChange, node: number): void {
    this.changes++;
    this.trace(() => `node ${node} ${change.router}: ${change.from} > ${change.to} (${change.cause}) ${change.detail}`);
    if (this.nodes[node] === this.incumbent) this.incumbent = null;
    if (change.to === 'active' && this.incumbent !== null && this.incumbent !== this.nodes[node]) {
      this.violate('no takeover because a cut was mended', `by node ${node}`);
    }
    if (change.to === 'active') this.stalled.delete(node);
    if (change.to === 'active' && this.leftover?.serves === true) {
      this.violate('what serves is not taken from a peer', `by node ${node}`);
    }
    if (change.to === 'active' && this.squats) this.violate('nothing is taken from a stranger', `by node ${node}`);
    if (change.to === 'active' && change.from !== 'leaving' && this.nodes[node] === this.yielding) {
      this.violate('who handed over leaves the addresses where they are', `node ${node} (${change.cause})`);
    }
    const isSettled = this.world.nowUs > (this.scenario.faults[0]?.atUs ?? NEVER);
    if (this.scenario.theme === 'reload' && isSettled) {
      this.violate('no move that no change asked for', `node ${node} ${change.from} > ${change.to} (${change.cause})`);
    }
    if (this.world.nowUs > this.quietUs) {
      this.violate('no flapping', `node ${node} ${change.router} ${change.from} > ${change.to} (${change.cause})`);
    }
  }

  handleEvidence(router: string, evidence: Evidence, node: number): void {
    this.trace(() => `node ${node} ${router}: ${evidence.kind}: ${evidence.detail}`);
  }

  handleAskServing(router: string, node: SimNode): void {
    const { leftover, world } = this;
    // A connection there, and the refusal.
    world.at(world.nowUs + world.between(0, 100_000), () => {
      const serves =
        this.squats || leftover?.serves === true || this.nodes.some((each) => each.isAlive && this.holds(each, router));
      node.command((owner) => owner.handleServing(router, { serves, detail: serves ? 'serves' : 'refused' }));
    });
  }

  handleRelease(node: number): void {
    if (this.stalled.has(node)) this.violate('who froze releases nothing', `node ${node}`);
  }

  handleLateAdvert(node: number, sinceUs: number): void {
    this.violate('no advert late because of an upgrade', `of node ${node}, ${sinceUs / S} s after the one before`);
  }

  handleNodeChange(): void {
    for (const router of this.routers) this.check(router);
    this.judge(
      this.together,
      this.nodes.some((node) => node.isRunning && this.isDivided(node)),
    );
  }

  // --- the scenario ---

  private addNode(node: Scenario['nodes'][number], index: number): void {
    const { options, world } = this;
    const clock = { rate: node.clockRate, offsetUs: node.clockOffsetUs, unixOffsetUs: node.unixOffsetUs };
    const sabotage = index === options.sabotagedNode ? options.sabotage : 'none';
    const sim = new SimNode(index, { routers: node.routers }, world, clock, node.latencyUsMax, this, sabotage);
    node.routers.forEach(({ interfaceName, family }, segment) => {
      sim.connect(interfaceName, this.networks[segment], ip(hostAddress(family, segment, index)));
    });
    this.nodes.push(sim);
  }

  private inject(fault: Fault): void {
    const { networks, nodes, world } = this;
    // Who handed over may die: that is no reason to take the addresses back.
    const isDeath = fault.kind === 'kill' || fault.kind === 'crash';
    if (!(isDeath && nodes[fault.node] === this.yielding)) this.yielding = null;
    if (isDeath) {
      // Who dies does not finish its connections. It may hold the addresses still: as long as the hand-over lasts, or because
      // it was a backup when it was told to hand over.
      const state = nodes[fault.node].stateOf('VI_1');
      for (const { relayed, gracefulHolder } of this.conditions.values()) {
        relayed?.excuse(world.nowUs + S);
        if (state === 'leaving' || state === 'active') gracefulHolder?.excuse(world.nowUs + this.settleUs());
      }
    }
    switch (fault.kind) {
      case 'cut':
        for (const network of networks) {
          network.setCut(fault.from, fault.to, true);
          if (fault.isBothWays) network.setCut(fault.to, fault.from, true);
        }
        break;
      case 'partition':
        for (const network of networks) {
          network.mend();
          network.partition((index) => fault.first.includes(index));
        }
        break;
      case 'mend':
        for (const network of networks) network.mend();
        if (this.scenario.theme === 'one-cut') this.incumbent = this.onlyActive();
        break;
      case 'quality': {
        const { loss, duplication, delayUsMax } = fault;
        for (const network of networks) network.quality = { loss, duplication, delayUsMin: 0, delayUsMax };
        break;
      }
      case 'freeze':
        nodes[fault.node].freeze();
        this.later(fault.forUs, () => nodes[fault.node].thaw());
        this.expectListening(fault.node);
        break;
      case 'pause':
        nodes[fault.node].pause();
        this.later(fault.forUs, () => nodes[fault.node].unpause(fault.clockGoesOn));
        break;
      case 'kill':
        nodes[fault.node].kill();
        this.later(fault.forUs, () => nodes[fault.node].start());
        break;
      case 'crash': {
        const lastAdverts = nodes[fault.node].lastAdverts();
        nodes[fault.node].kill();
        this.later(fault.forUs, () => nodes[fault.node].start(lastAdverts));
        break;
      }
      case 'abandon': {
        const node = this.onlyActive();
        if (node === null) break;
        this.leftover = { node, serves: fault.serves };
        node.abandon();
        break;
      }
      case 'stranger': {
        const node = this.onlyActive();
        if (node === null) break;
        node.kill();
        this.squats = true;
        this.later(fault.forUs, () => {
          this.squats = false;
        });
        break;
      }
      case 'long-interval':
        // Twice, as far apart as they say, would be what a router does that advertises so rarely.
        if (this.hasForged) break;
        this.hasForged = true;
        for (let i = 0; i < 3; i++)
          world.at(world.nowUs + (i * this.intervalUsMax) / 3, () => this.forgeLongInterval());
        break;
      case 'stop':
        nodes[fault.node].stop(fault.isGraceful);
        this.later(fault.forUs + 3 * this.intervalUsMax, () => nodes[fault.node].start());
        break;
      case 'interface': {
        const nics = [...nodes[fault.node].nics.values()].filter((_, i) => fault.only < 0 || fault.only === i);
        this.unplugged.add(fault.node);
        for (const nic of nics) nic.setUp(false);
        this.later(fault.forUs, () => {
          this.unplugged.delete(fault.node);
          for (const nic of nics) nic.setUp(true);
        });
        break;
      }
      case 'own-address': {
        const nics = [...nodes[fault.node].nics.values()];
        this.unplugged.add(fault.node);
        for (const nic of nics) nic.setOwnAddress(false);
        this.later(fault.forUs, () => {
          this.unplugged.delete(fault.node);
          for (const nic of nics) nic.setOwnAddress(true);
        });
        break;
      }
      case 'mute': {
        const nics = [...nodes[fault.node].nics.values()];
        for (const nic of nics) nic.isMute = true;
        this.later(fault.forUs, () => {
          for (const nic of nics) nic.isMute = false;
        });
        break;
      }
      case 'tracked':
        this.setTracked(fault.node, fault.only, false);
        this.later(fault.forUs, () => this.setTracked(fault.node, fault.only, true));
        break;
      case 'clock-step': {
        const { clock } = nodes[fault.node];
        clock.unixOffsetUs += fault.byUs;
        this.later(fault.forUs, () => {
          clock.unixOffsetUs -= fault.byUs;
        });
        break;
      }
      case 'remove-address':
        // Twice in a moment would be a race with the owner, who then waits for its next advert.
        if (world.nowUs - this.lastRemovalUs < 100_000) break;
        this.lastRemovalUs = world.nowUs;
        this.scenario.nodes[fault.node].routers.forEach(({ addresses, interfaceName }) => {
          nodes[fault.node].nics.get(interfaceName)?.remove(ip(addresses[0].address), false);
        });
        break;
      case 'hand-over':
        if (this.scenario.theme === 'graceful' && nodes[fault.node].stateOf('VI_1') === 'active') {
          this.yielding = nodes[fault.node];
        }
        nodes[fault.node].command((owner) => owner.handOver('VI_1', NEVER));
        break;
      case 'reload': {
        const node = nodes[fault.node];
        node.reload({ routers: node.plan.routers.map((router) => changedRouter(router, fault.change)) });
        if (fault.change.what === 'tracked') {
          world.at(world.nowUs + world.between(0, 2 * this.intervalUsMax), () => node.judgeAdded());
        }
        break;
      }
      case 'upgrade':
        nodes[fault.node].upgrade();
        break;
      case 'resume':
        nodes[fault.node].command((owner) => owner.resume('VI_1'));
        break;
      case 'noise':
        if (!this.noise.has(fault.flavour)) {
          this.noise.add(fault.flavour);
          this.makeNoise(fault.flavour);
        }
        break;
    }
    this.trace(() => `at ${(world.nowUs / S).toFixed(3)}`);
  }

  /** A process that was frozen for longer than its peers wait must not go on as active. */
  private expectListening(index: number): void {
    const { nodes, toleranceUs, world } = this;
    // By its own clock: while a machine stands still with its clock, its processes know nothing of it.
    const frozenUs = nodes[index].nowUs;
    // A release that was heard meanwhile shortens the listening.
    const hasReleases = this.scenario.faults.some(({ fault: { kind } }) => RELEASING.has(kind));
    const node = nodes[index];
    const [{ intervalUs, name }] = this.scenario.nodes[index].routers;
    node.whenThawed = () => {
      if (node.nowUs - frozenUs <= 3 * intervalUs + toleranceUs) return;
      this.stalled.add(index);
      if (hasReleases) return;
      world.at(world.nowUs + toleranceUs, () => {
        if (node.isRunning && node.stateOf(name) === 'active') this.violate('who froze listens first', `node ${index}`);
      });
    };
  }

  private onlyActive(): SimNode | null {
    const active = this.nodes.filter((node) => node.stateOf('VI_1') === 'active');
    return active.length === 1 ? active[0] : null;
  }

  /** The end of a fault, at the latest when all is healed. */
  private later(forUs: number, end: () => void): void {
    if (forUs === NEVER) return;
    this.world.at(Math.min(this.world.nowUs + forUs, this.scenario.healUs), end);
  }

  private setTracked(node: number, only: number, isUp: boolean): void {
    if (isUp) this.down.delete(node);
    else this.down.add(node);
    const routers = this.routers.filter((_, i) => only < 0 || only === i);
    for (const router of routers) this.nodes[node].setTracked(router, isUp);
  }

  private forgeLongInterval(): void {
    const [router] = this.scenario.nodes[0].routers;
    const source = ip(router.family === 4 ? '10.0.0.66' : 'fe80::66');
    const sender = new AdvertSender({
      family: router.family,
      version: 3,
      virtualRouterId: router.virtualRouterId,
      intervalUs: 40_950_000,
      addresses: router.addresses.map(({ address }) => ip(address)),
      unicast: null,
      checksum: 'message',
      password: null,
      keys: null,
    });
    const payload = sender.payload(255, 0, source, this.nodes[0].unixUs);
    this.networks[0].sendPacket(this.attacker, source, sender.destinations[0], payload);
  }

  /** One such packet per interval, until the end. */
  private makeNoise(flavour: NoiseFlavour): void {
    const { random } = this.world;
    const { nodes } = this.scenario;
    const { routers } = nodes[0];
    const target = ip(hostAddress(routers[0].family, 0, random.below(nodes.length)));
    const packet = noisePacket(
      flavour,
      routers[0],
      target,
      this.scenario.isAuthenticated,
      this.nodes[0].unixUs,
      random,
    );
    if (packet !== null) {
      this.networks[0].sendPacket(this.attacker, packet.source, packet.destination, packet.payload, packet.ttl);
    }
    this.world.at(this.world.nowUs + routers[0].intervalUs, () => this.makeNoise(flavour));
  }

  private heal(): void {
    this.trace(() => 'healed');
    const { nodes, world } = this;
    for (const network of this.networks) {
      network.mend();
      network.quality = this.goodQuality();
    }
    for (const node of nodes) {
      if (node.isPaused) node.unpause(true);
      if (node.isFrozen) node.thaw();
    }
    const { healUs } = this.scenario;
    const { oneActiveUs } = this.graces();
    for (const conditions of this.conditions.values()) {
      conditions.oneActive.excuse(healUs + oneActiveUs);
      conditions.someoneActive.excuse(healUs + this.settleUs());
      // Below 0.4 s adverts, a dead router's address outlives the patience of its peers, by less than the shortest life.
      conditions.oneHolder.excuse(healUs + Math.max(oneActiveUs, 1.3 * S));
    }
    if (!nodes.some((node) => node.isAlive)) this.nodes[0].start();
    world.at(world.nowUs, () => this.handleNodeChange());
  }

  private goodQuality(): Network['quality'] {
    return { loss: 0, duplication: 0, delayUsMin: 0, delayUsMax: this.scenario.delayUsMax };
  }

  // --- the checks ---

  /** How long after healing what may take: the one down-interval that is allowed, and all that configuration adds to it. */
  private graces(): { readonly oneActiveUs: number } {
    const [{ version }] = this.scenario.nodes[0].routers;
    const downUs = downIntervalUs(version, 1, this.intervalUsMax);
    return { oneActiveUs: downUs };
  }

  private settleUs(): number {
    const [{ version }] = this.scenario.nodes[0].routers;
    const downUs = downIntervalUs(version, 1, this.intervalUsMax);
    const delayUs = Math.max(
      ...this.scenario.nodes.map(({ routers: [router] }) => router.preemptDelayUs + router.startDelayUs),
    );
    // A stalled router listens, then claims; a guard that opens makes it listen again; a probe that was answered is
    // repeated each second; preemption comes after its delay.
    return 4 * downUs + 2 * longestSkewUs(version, this.intervalUsMax) + 2 * delayUs + 4 * S;
  }

  private conditionsFor(): RouterConditions {
    const { intervalUsMax, scenario, toleranceUs } = this;
    const [{ version, intervalUs }] = scenario.nodes[0].routers;
    // A router that preempts, or that is handed the addresses, does not wait for silence but counts on being heard. A
    // peer that just then cannot hear, or is frozen, ends as its kernel does, or when it hears again.
    const mayOverlap = scenario.nodes.some(({ routers: [router] }) => router.preempt || router.priority === 255);
    const isHandedOver = scenario.faults.some(({ fault }) => fault.kind === 'stop');
    const removedUs = mayOverlap || isHandedOver ? addressLifetimeS(version, intervalUs) * S + 200_000 : 0;
    const graceful = new Condition('never nobody who holds, in a hand-over', toleranceUs);
    graceful.excuse(scenario.faults[0]?.atUs ?? 0);
    return {
      oneActive: new Condition('at most one active on a whole segment', toleranceUs),
      someoneActive: new Condition('someone active when someone is healthy', toleranceUs),
      oneHolder: new Condition('at most one holder on a whole segment', toleranceUs),
      activeHolds: always('who is active holds the addresses', toleranceUs + 250_000),
      holderActive: always('who runs and is not active holds nothing', toleranceUs),
      guardedOneActive:
        scenario.theme === 'partitions'
          ? always('never two active that both reach the gateway', toleranceUs + intervalUsMax)
          : null,
      cutOneActive:
        scenario.theme === 'one-cut' ? always('never two active after a cut, behind a guard', toleranceUs) : null,
      mortalOneHolder:
        scenario.theme === 'death' ? always('never two holders by death or frost', toleranceUs + removedUs) : null,
      gracefulHolder: scenario.theme === 'graceful' ? graceful : null,
      relayed:
        scenario.theme === 'graceful'
          ? always('what is passed on to a predecessor finds it with the addresses', toleranceUs)
          : null,
    };
  }

  private check(router: string): void {
    const conditions = this.conditions.get(router);
    if (conditions === undefined) return;
    let active = 0;
    let guarded = 0;
    let taken = 0;
    let holders = 0;
    let healthy = 0;
    let isIdle = false;
    let isRelayLost = false;
    let isHoarding = false;
    for (const node of this.nodes) {
      const state = node.stateOf(router);
      const holds = this.holds(node, router);
      const isTaken = state === 'active' || state === 'leaving';
      if (node.isRunning && state === 'active') {
        active++;
        if (this.networks[0].areJoined(node.index, this.gatewayIndex)) guarded++;
      }
      if (node.isRunning && isTaken) taken++;
      if (holds && !node.isPaused) holders++;
      if (this.isHealthy(node)) healthy++;
      if (node.isRunning && isTaken && !holds && !this.unplugged.has(node.index)) isIdle = true;
      if (node.isRunning && !isTaken && holds) isHoarding = true;
      if (this.isRelayLost(node, router)) isRelayLost = true;
    }
    this.judge(conditions.oneActive, active > 1);
    this.judge(conditions.someoneActive, taken === 0 && healthy > 0 && this.leftover?.serves !== true);
    // That one is not asked to let go of anything: it is dead.
    this.judge(conditions.oneHolder, holders > (this.leftover === null ? 1 : 2));
    this.judge(conditions.activeHolds, isIdle);
    this.judge(conditions.holderActive, isHoarding);
    this.judge(conditions.guardedOneActive, guarded > 1);
    this.judge(conditions.cutOneActive, active > 1);
    this.judge(conditions.mortalOneHolder, holders > 1);
    this.judge(conditions.gracefulHolder, holders === 0);
    this.judge(conditions.relayed, isRelayLost);
  }

  /** Has some routers of its group active and others not. */
  private isDivided(node: SimNode): boolean {
    const states = this.routers.map((router) => node.stateOf(router));
    return states.includes('active') && !states.every((state) => state === 'active' || state === 'leaving');
  }

  private judge(condition: Condition | null, isBroken: boolean): void {
    const excessUs = condition?.set(isBroken, this.world.nowUs) ?? null;
    if (excessUs !== null && condition !== null) this.violate(condition.name, `for ${(excessUs / S).toFixed(4)} s`);
  }

  /** After healing the right one wins: nobody who would preempt has a higher priority. */
  private checkWinner(router: string): void {
    const statuses = this.nodes.map((node) => node.status.find(({ name }) => name === router));
    const winner = this.nodes.find((node) => node.isRunning && node.stateOf(router) === 'active');
    if (winner === undefined) return;
    const winnerPriority = statuses[winner.index]?.priority ?? 0;
    for (const node of this.nodes) {
      const [plan] = node.plan.routers;
      const preempts = plan.preempt || plan.priority === 255;
      const status = statuses[node.index];
      if (node === winner || !this.isHealthy(node) || !preempts || isHeldBack(node)) continue;
      const priority = status?.priority ?? 0;
      if (priority > winnerPriority) {
        this.violate(
          'the right one wins',
          `node ${node.index} of ${priority} over node ${winner.index} of ${winnerPriority}`,
        );
      }
    }
  }

  private isHealthy(node: SimNode): boolean {
    return node.isRunning && !this.unplugged.has(node.index) && !this.down.has(node.index);
  }

  private holds(node: SimNode, router: string): boolean {
    const plan = this.scenario.nodes[node.index].routers.find(({ name }) => name === router);
    const nic: Nic | undefined = plan === undefined ? undefined : node.nics.get(plan.interfaceName);
    return plan !== undefined && nic !== undefined && nic.has(ip(plan.addresses[0].address));
  }

  /** Passes on what belongs to connections of a predecessor that does not serve them. */
  private isRelayLost(node: SimNode, router: string): boolean {
    const plan = this.scenario.nodes[node.index].routers.find(({ name }) => name === router);
    const nic = plan === undefined ? undefined : node.nics.get(plan.interfaceName);
    if (plan === undefined || nic === undefined) return false;
    const address = ip(plan.addresses[0].address);
    return nic.attachments.some(({ relayedTo }) => {
      if (relayedTo === null) return false;
      const nics = this.nodes.map((other) => other.nics.get(plan.interfaceName));
      const predecessor = nics.find((other) => other !== undefined && equalBytes(other.address, relayedTo));
      return predecessor?.serves(address) !== true;
    });
  }

  private violate(condition: string, detail: string): void {
    this.trace(() => `VIOLATED: ${condition}: ${detail}`);
    this.violations.push({ condition, atUs: this.world.nowUs, detail });
  }

  private trace(line: () => string): void {
    this.options.trace?.(`${(this.world.nowUs / S).toFixed(4).padStart(10)} ${line()}`);
  }
}

/** One of a group holds the others back. */
function isHeldBack(node: SimNode): boolean {
  return node.status.some(({ restraint }) => restraint !== null);
}

function always(name: string, toleranceUs: number): Condition {
  const condition = new Condition(name, toleranceUs);
  condition.excuse(0);
  return condition;
}

interface RouterConditions {
  readonly oneActive: Condition;
  readonly someoneActive: Condition;
  readonly oneHolder: Condition;
  readonly activeHolds: Condition;
  readonly holderActive: Condition;
  readonly guardedOneActive: Condition | null;
  readonly cutOneActive: Condition | null;
  readonly mortalOneHolder: Condition | null;
  readonly gracefulHolder: Condition | null;
  readonly relayed: Condition | null;
}

const ips = new Map<string, Uint8Array>();

function ip(text: string): Uint8Array {
  let bytes = ips.get(text);
  if (bytes === undefined) {
    bytes = (text.includes(':') ? parseIPv6(text) : parseIPv4(text)) ?? new Uint8Array(4);
    ips.set(text, bytes);
  }
  return bytes;
}

function gatewayOf(family: 4 | 6): Uint8Array {
  return ip(family === 4 ? GATEWAY_ADDRESS : 'fe80::1');
}

/** A host that answers for its address and says nothing else. */
function silentPort(address: Uint8Array, squats: (address: Uint8Array) => boolean = () => false): Port {
  const mac = Uint8Array.of(2, 0, 0, 0, 0xee, address[address.length - 1]);
  return {
    mac,
    hasAddress: (other) => equalBytes(other, address) || squats(other),
    macOf: () => mac,
    receivePacket: () => {},
    receiveNeighbor: () => {},
  };
}
