/**
 * The announcements of one node: watches what they depend on, has their addresses where routers are told of them, and tells how that stands. While this
 * process does not run, nothing lengthens the addresses' life, and the kernel withdraws them.
 */
import type { AnnounceStatus } from '../../api/announcements.ts';
import type { AnnouncePlan } from '../../config/plan/announce.ts';
import type { AnnouncementChange } from '../../core/announce/announcement.ts';
import type { AnnouncedAddresses } from '../../port/announced-addresses.ts';
import type { Watch, WatchStatus } from '../ha/watch.ts';
import { verdictFor } from '../ha/watch.ts';
import { Watches, watchKey } from '../ha/watches.ts';
import type { WatchPlan } from '../../config/plan/ha.ts';
import type { Log } from '../log/log.ts';
import { announceStatus } from './announce-status.ts';
import { BirdWatch } from './bird-watch.ts';
import { HeldAnnouncement } from './held-announcement.ts';

export interface AnnounceKeeperOptions {
  readonly plan: AnnouncePlan;
  readonly addresses: AnnouncedAddresses;
  readonly makeWatch: (plan: WatchPlan) => Watch;
  readonly isDrained: () => boolean;
  /** Ends the connections that came to these addresses. */
  readonly endConnections: (addresses: readonly string[]) => void;
  readonly log: Log;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

const TURN_MS = 100;
const CHANGES_MAX = 20;

export class AnnounceKeeper {
  private readonly options: AnnounceKeeperOptions;
  private plan: AnnouncePlan;
  private readonly watches: Watches;
  private announcements = new Map<string, HeldAnnouncement>();
  /** In no plan any more, and not withdrawn yet. */
  private leaving: HeldAnnouncement[] = [];
  private birds = new Map<string, BirdWatch>();
  private readonly changes = new Map<string, AnnouncementChange[]>();
  private readonly problems = new Map<string, string>();
  private timer: NodeJS.Timeout | undefined;
  private onTurn: () => void = () => undefined;
  private isClosed = false;

  constructor(options: AnnounceKeeperOptions) {
    this.options = options;
    this.plan = options.plan;
    this.watches = new Watches(options.makeWatch, (key) => this.handleVerdict(key));
  }

  /** Announces what may be announced from now on; what is announced already goes on. Resolves with the names: `web by anycast`. */
  async start(): Promise<string> {
    const { plan } = this;
    this.keep();
    this.timer = setInterval(() => this.turn(), TURN_MS);
    this.turn();
    await this.watches.add(plan.watches);
    return plan.announcements.map(({ name, interfaceName }) => `${name} on ${interfaceName}`).join(', ');
  }

  /** Goes on by this plan. What both plans have stays announced. */
  async apply(plan: AnnouncePlan): Promise<void> {
    await this.watches.add(plan.watches);
    this.plan = plan;
    this.keep();
    this.watches.retain(plan.watches);
    for (const watch of plan.watches) this.handleVerdict(watchKey(watch));
    this.turn();
  }

  /** Resolves when nothing is announced, and nobody sends here any more as far as can be known. */
  async release(): Promise<void> {
    const nowMs = this.options.now();
    for (const { machine } of this.all) machine.stop(nowMs);
    await new Promise<void>((resolve) => {
      this.onTurn = () => {
        if (this.all.every(({ machine }) => machine.hasStopped)) resolve();
      };
      this.turn();
    });
    this.close();
  }

  /** A successor goes on with what is announced: nothing is lengthened here any more, and nothing removed. */
  letGo(): void {
    this.close();
  }

  /** At once, without a word to anybody. */
  kill(): void {
    if (!this.isClosed) for (const announcement of this.all) announcement.drop();
    this.close();
  }

  status(): AnnounceStatus {
    const { plan, watches, changes } = this;
    return announceStatus({
      announcements: plan.announcements.map(({ name }) => this.announcements.get(name)!),
      leaving: this.leaving,
      seen: plan.watches.map((watch): WatchStatus => watches.status(watch)),
      changesOf: (name) => changes.get(name) ?? [],
      birds: Array.from(this.birds.values(), ({ account }) => account),
      nowMs: this.options.now(),
    });
  }

  // --- inside ---

  private get all(): readonly HeldAnnouncement[] {
    return [...this.announcements.values(), ...this.leaving];
  }

  private keep(): void {
    const { plan, options } = this;
    const nowMs = options.now();
    const kept = new Set(plan.announcements.flatMap(({ addresses }) => addresses));
    const former = this.announcements;
    this.announcements = new Map();
    const left: (HeldAnnouncement | null)[] = [];
    for (const each of plan.announcements) {
      const known = former.get(each.name);
      if (known !== undefined) left.push(known.apply(each, kept, nowMs));
      former.delete(each.name);
      this.announcements.set(each.name, known ?? this.create(each, nowMs));
    }
    for (const gone of former.values()) left.push(gone.leave(kept, nowMs));
    this.leaving.push(...left.filter((each) => each !== null));
    this.keepBirds();
  }

  private create(plan: AnnouncePlan['announcements'][number], nowMs: number): HeldAnnouncement {
    const { addresses, isDrained } = this.options;
    const held = new HeldAnnouncement(plan, addresses, (each, change) => this.handleChange(each, change), nowMs);
    held.machine.drain(isDrained(), nowMs);
    held.machine.start(nowMs);
    return held;
  }

  private keepBirds(): void {
    const { log, now } = this.options;
    const wanted = new Map<string, Set<string>>();
    for (const { bird, interfaceName, graceful } of this.plan.announcements) {
      const names = wanted.get(bird) ?? new Set();
      names.add(interfaceName);
      if (graceful !== null) names.add(graceful.interfaceName);
      wanted.set(bird, names);
    }
    for (const [path, bird] of this.birds) {
      if (wanted.has(path)) continue;
      bird.stop();
      this.birds.delete(path);
    }
    for (const [path, names] of wanted) {
      const known = this.birds.get(path);
      if (known === undefined) this.birds.set(path, new BirdWatch(path, [...names], { log, now }));
      else known.interfaces = [...names];
    }
  }

  private turn(): void {
    const { now, isDrained } = this.options;
    const nowMs = now();
    for (const announcement of this.all) {
      announcement.machine.drain(isDrained(), nowMs);
      announcement.turn(nowMs);
      this.tellProblem(announcement);
    }
    const gone = this.leaving.filter(({ machine }) => machine.hasStopped);
    if (gone.length > 0) this.leaving = this.leaving.filter((each) => !gone.includes(each));
    for (const { plan } of gone) this.changes.delete(plan.name);
    this.onTurn();
  }

  private handleVerdict(key: string): void {
    const index = this.plan.watches.findIndex((watch) => watchKey(watch) === key);
    if (index < 0) return;
    const { isUp } = verdictFor(this.watches.status(this.plan.watches[index]), 0);
    if (isUp === null) return;
    const nowMs = this.options.now();
    for (const { plan, machine } of this.announcements.values()) {
      plan.tracked.forEach(({ watch }, place) => {
        if (watch === index) machine.handleTracked(place, isUp, nowMs);
      });
    }
  }

  private handleChange({ plan }: HeldAnnouncement, change: AnnouncementChange): void {
    const { name } = plan;
    const { from, to, cause, detail } = change;
    const changes = this.changes.get(name) ?? [];
    changes.unshift(change);
    this.changes.set(name, changes.slice(0, CHANGES_MAX));
    const { log, endConnections } = this.options;
    // What came to them comes to another node now.
    if (to === 'withdrawn') endConnections(plan.addresses);
    const line = `announcement ${name}: ${from} to ${to}: ${cause}${detail === '' ? '' : `, ${detail}`}`;
    if (cause === 'fault' || cause === 'stalled') log.warn(line);
    else log.info(line);
  }

  private tellProblem({ plan: { name }, problem }: HeldAnnouncement): void {
    const { log } = this.options;
    const before = this.problems.get(name) ?? null;
    if (problem === before) return;
    if (problem === null) {
      this.problems.delete(name);
      log.info(`announcement ${name}: its addresses can be held again`);
    } else {
      this.problems.set(name, problem);
      log.error(`announcement ${name}: its addresses cannot be announced: ${problem}`);
    }
  }

  private close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    clearInterval(this.timer);
    this.onTurn = () => undefined;
    this.watches.stop();
    for (const bird of this.birds.values()) bird.stop();
    this.options.addresses.close();
  }
}
