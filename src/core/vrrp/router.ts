/**
 * One virtual router: the state machine of RFC 9568 section 6.4, and of RFC 3768 where version 2 differs, with what keeps
 * an address from being held twice.
 *
 * `handle(event, nowUs)` is all there is: it returns what must be done, in order, before anything else is handled. Time
 * comes in with every event, in microseconds of one clock that counts suspended time too; between events the machine wants
 * a `tick` at `deadlineUs`, and a tick too early or too often does nothing. Whoever drives it hands over every advert that
 * has already arrived before a tick that is due, so that a late process does not take its own lateness for silence.
 *
 * It knows no bytes: which adverts are genuine is receiver.ts's matter. States and transitions are in states.ts.
 */
import { formatIP } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import { compareBytes, equalBytes } from '../../base/bytes.ts';
import { PRIORITY_OWNER, PRIORITY_RELEASE } from '../../wire/vrrp/advert.ts';
import type { RouterAction, RouterEvent } from './events.ts';
import type { HeardAdvert } from './heard-advert.ts';
import { Departure } from './departure.ts';
import { Following } from './following.ts';
import { Inquiry } from './inquiry.ts';
import { DOWN_ADVERTS, US_PER_S } from './intervals.ts';
import { Gates } from './gates.ts';
import { IntervalBelief } from './interval-belief.ts';
import { Observer, seconds } from './observer.ts';
import type { OccupantView, ServingVerdict } from './occupant.ts';
import { LATE_US, type Restraint, type RestraintEnd } from './restraint.ts';
import { Sending } from './sending.ts';
import type { RouterSettings } from './settings.ts';
import { type Cause, findTransition, type State } from './states.ts';
import { describeTakeover, type Takeover, whyTakeOver } from './takeover.ts';
import { Tenure } from './tenure.ts';
import { Tracking } from './tracking.ts';

const NEVER = Number.POSITIVE_INFINITY;
const LONG_AGO = Number.NEGATIVE_INFINITY;

/** A backup runs at least this often, in intervals, so that it notices when it did not. */
const HEARTBEAT_INTERVALS = 1.25;
/** Not having run for this many intervals, a backup has not listened: two adverts may be lost, three may not. */
const STALL_INTERVALS = 2;
/** An advert of the active router that was due so long ago is not merely late. */
const CALM_INTERVALS = 1.5;
/**
 * What a peer's takeover leaves unfinished is finished: the successor passes it on to here for half a second (tenure.ts). This
 * one waits for longer than that, so that nothing is sent to one that is gone.
 */
const LINGER_US = 700_000;
/** After so much of it connections have had their time, and there is time left to tell those that still have one. */
const CONNECTIONS_US = 600_000;

type StartEvent = Extract<RouterEvent, { kind: 'start' }>;

export class VirtualRouter {
  settings: RouterSettings;
  readonly tracking: Tracking;
  readonly observer = new Observer((evidence) => this.actions.push({ kind: 'evidence', evidence }));
  /** Since when it is in its state. */
  sinceUs = 0;
  private current: State = 'initialize';
  private readonly tenure: Tenure;
  private readonly beliefs: IntervalBelief;
  private readonly gates: Gates;
  private readonly following: Following;
  private readonly inquiry: Inquiry;
  private readonly departure = new Departure();
  private readonly sending = new Sending(this.observer);
  private actions: RouterAction[] = [];

  private source: Uint8Array | null = null;
  private sourceLoss = 'interface down or without an address';
  private isGroupFaulty = false;
  private groupPriorityMax = PRIORITY_OWNER;

  /** When an event was last handled. */
  private lastRunUs = LONG_AGO;
  /** When the preemption delay ends; NEVER while it has not begun. */
  private preemptUs = NEVER;
  /** Gave the addresses to a peer, and keeps them out of sight until then. */
  private lingerUs = NEVER;
  /** Until when it finishes connections. */
  private connectionsUs = NEVER;
  /** Lost the addresses, and there may be connections that came to them. */
  private hasStranded = false;
  /** Another program has left the addresses here, and whoever uses them is served while it listens. */
  private hasLeftovers = false;
  /** Why it is claiming. */
  private takeover: Takeover = 'nobody-heard';
  /** Whom it took the addresses from by its consent. */
  private takenFrom: Uint8Array | null = null;
  private held: Restraint | null = null;

  constructor(settings: RouterSettings) {
    assert(settings.priority >= 1 && settings.priority <= PRIORITY_OWNER, 'a priority is 1 to 255');
    assert(settings.intervalUs > 0, 'an interval is positive');
    this.settings = settings;
    this.tracking = new Tracking(settings.tracked);
    const act = (action: RouterAction): unknown => this.actions.push(action);
    this.tenure = new Tenure(settings, this.observer, act);
    this.beliefs = new IntervalBelief(settings.intervalUs);
    this.following = new Following(settings);
    this.gates = new Gates(settings.guards, settings.probesAddresses, settings.isGrouped);
    this.inquiry = new Inquiry(this.gates, this.following, this.observer, act);
  }

  get state(): State {
    return this.current;
  }

  /** When it sent its last advert, a release included. */
  get lastAdvertUs(): number {
    return this.tenure.lastSentUs;
  }

  /** Holds the addresses. */
  get isHolding(): boolean {
    return this.current === 'active' || this.current === 'leaving';
  }

  /** Holds nothing any more, but still finishes connections to the addresses. */
  get isLingering(): boolean {
    return this.lingerUs !== NEVER;
  }

  /** What keeps it from preempting; null: nothing does. */
  get restraint(): Restraint | null {
    return this.held;
  }

  /** What a successor has to expect of the active router: its interval, as far as that is believed. Null: this is no backup. */
  get followedUs(): number | null {
    return this.current === 'backup' || this.current === 'claiming' ? this.following.intervalUs : null;
  }

  /** The active router that it follows; null: none. */
  get followedSource(): Uint8Array | null {
    return this.following.router?.source ?? null;
  }

  /** What keeps it from being active while it is claiming, or null. */
  get closedGate(): string | null {
    return this.current === 'claiming' ? this.gates.closed(this.lastRunUs) : null;
  }

  /** Who answers for the addresses while it would take them, or null. */
  get occupant(): OccupantView | null {
    return this.gates.occupant.view(this.lastRunUs);
  }

  /** Somebody else has the addresses that it holds, or had them a moment ago. */
  get isContested(): boolean {
    return this.tenure.isContested(this.lastRunUs);
  }

  /** The guards with their verdicts, for people. */
  get guards(): ReadonlyMap<string, boolean> {
    return this.gates.verdicts;
  }

  /** The priority it advertises with: after weights, and the group's. */
  get priority(): number {
    return Math.min(this.ownPriority, this.groupPriorityMax);
  }

  /** The priority without the group's. */
  get ownPriority(): number {
    return this.tracking.priority(this.settings.priority);
  }

  /** Why it cannot take part, or null. */
  get fault(): string | null {
    return this.ownFault ?? (this.isGroupFaulty ? 'another router of the group' : null);
  }

  /** The same without the group's. */
  get ownFault(): string | null {
    return this.source === null ? this.sourceLoss : this.tracking.fault;
  }

  /** The addresses are not changing hands, nor about to: a process that began anew now would go on as this one would. */
  get isCalm(): boolean {
    if (this.lingerUs !== NEVER || this.tenure.relayUs !== NEVER) return false;
    const { router, intervalUs } = this.following;
    switch (this.current) {
      case 'claiming':
      case 'leaving':
        return false;
      case 'backup':
        return router !== null && this.lastRunUs - router.atUs < CALM_INTERVALS * intervalUs;
      case 'active':
      case 'initialize':
      case 'fault':
        return true;
    }
  }

  /** Would be active if the group allowed it. */
  get awaitsGroup(): boolean {
    return this.current === 'claiming' && this.gates.closedButGroup(this.lastRunUs) === null;
  }

  /** When the next tick is due. */
  get deadlineUs(): number {
    return Math.min(
      this.stateDeadlineUs(),
      this.gates.expiryUs,
      this.lingerUs,
      this.connectionsUs,
      this.tenure.relayUs,
      this.restraintEndUs(),
    );
  }

  private restraintEndUs(): number {
    return this.held === null || this.current === 'initialize' ? NEVER : this.held.untilUs;
  }

  private stateDeadlineUs(): number {
    switch (this.current) {
      case 'backup':
        return Math.min(
          this.following.downUs,
          this.gates.probe.deadlineUs,
          this.inquiry.startUs(this.priority),
          this.heartbeatUs(),
        );
      case 'claiming':
        return Math.min(this.gates.probe.deadlineUs, this.heartbeatUs());
      case 'active':
        return this.tenure.deadlineUs;
      case 'leaving':
        return this.departure.deadlineUs;
      case 'initialize':
      case 'fault':
        break;
    }
    return NEVER;
  }

  /** Returns what to do, in that order. */
  handle(event: RouterEvent, nowUs: number): readonly RouterAction[] {
    this.actions = [];
    this.noticeStall(nowUs);
    this.lastRunUs = nowUs;
    this.expireGuards(nowUs);
    switch (event.kind) {
      case 'start':
        this.handleStart(event, nowUs);
        this.hasLeftovers = event.hasLeftovers === true;
        break;
      case 'stop':
        this.handleStop(event.isGraceful, nowUs);
        break;
      case 'tick':
        this.handleTick(nowUs);
        break;
      case 'settings':
        this.handleSettings(event.settings, event.hasOtherAddresses, nowUs);
        break;
      case 'advert':
        this.handleAdvert(event.advert, nowUs);
        break;
      case 'refused':
        this.noteRefused(event, nowUs);
        break;
      case 'flood':
        this.observer.note('flood', () => 'the kernel drops most of the adverts that would be refused', nowUs);
        break;
      case 'tracked':
        this.withPriorityChange(() => this.tracking.set(event.index, event.isUp, event.amount), nowUs);
        this.applyFault(nowUs);
        break;
      case 'guard':
        this.handleGuard(event.name, event.passes, nowUs);
        break;
      case 'lease':
        this.handleLease(event.name, event.untilUs, nowUs);
        break;
      case 'source':
        this.sourceLoss = event.reason ?? this.sourceLoss;
        this.handleSource(event.address, nowUs);
        break;
      case 'mac-changed':
        if (this.current === 'active') this.tenure.announce(nowUs);
        break;
      case 'sending':
        this.sending.handle(event.problem, nowUs);
        break;
      case 'address-answered':
        this.handleAddressAnswered(event.address, event.by, event.peer, nowUs);
        break;
      case 'serving':
        this.handleServing(event.verdict, nowUs);
        break;
      case 'address-removed':
        if (this.isHolding) this.tenure.putBack(event.address, nowUs);
        break;
      case 'hand-over':
        if (this.current !== 'active') break;
        this.restrain({ reason: 'hand-over', sinceUs: nowUs, untilUs: event.untilUs });
        this.leave('backup', 'hand-over', nowUs);
        break;
      case 'resume':
        this.endRestraint('resume');
        break;
      case 'group':
        this.gates.isGroupReady = event.isReady;
        this.isGroupFaulty = event.isFaulty;
        this.withPriorityChange(() => (this.groupPriorityMax = event.priorityMax), nowUs);
        this.applyFault(nowUs);
        if (this.current === 'claiming') this.tryGates(this.takeover, nowUs);
        break;
      case 'group-left':
        if (this.current === 'active') this.release('backup', 'group', '', nowUs);
        break;
    }
    if (this.hasLeftovers) this.settleLeftovers(event, nowUs);
    return this.actions;
  }

  // --- events ---

  private handleStart({ lastAdvertUs, restraint, followedUs = null }: StartEvent, nowUs: number): void {
    assert(this.current === 'initialize', 'started twice');
    const { intervalUs, priority, startDelayUs } = this.settings;
    this.held = restraint;
    if (restraint !== null && restraint.untilUs <= nowUs) this.endRestraint('over');
    const isPrompt = lastAdvertUs !== null && nowUs - lastAdvertUs < DOWN_ADVERTS * intervalUs;
    const isLate = lastAdvertUs !== null && !isPrompt;
    if (isLate && this.held === null) this.restrain({ reason: 'late', sinceUs: nowUs, untilUs: nowUs + LATE_US });
    this.hasStranded = isLate;
    const { fault } = this;
    if (fault !== null) {
      this.hasStranded = lastAdvertUs !== null;
      this.transition('fault', 'fault', fault, nowUs);
      return;
    }
    if (isPrompt) {
      // A hand-over that its predecessor had begun goes on.
      if (this.held?.reason === 'hand-over') this.leave('backup', 'adopt', nowUs);
      else this.becomeActive('adopt', nowUs);
      return;
    }
    const isOwner = priority === PRIORITY_OWNER && this.held === null;
    if (isOwner && startDelayUs === 0 && this.gates.closed(nowUs) === null) {
      this.becomeActive('start', nowUs);
      return;
    }
    this.following.delay(nowUs);
    this.listen(nowUs);
    if (followedUs !== null) {
      this.following.expect(followedUs, this.priority, nowUs);
      this.beliefs.expect(followedUs);
    }
    if (isOwner) this.following.waitForDelayOnly();
    this.transition('backup', isLate ? 'late' : 'start', '', nowUs);
  }

  /**
   * They stay until a peer has them, or this router may not take them. A stranger that answers for them too is no reason to
   * leave nobody who serves: anybody on the segment can do that.
   */
  private settleLeftovers(event: RouterEvent, nowUs: number): void {
    if (event.kind === 'start')
      this.observer.note('left-here', () => 'another program has left the addresses on this machine', nowUs);
    const isHeard = event.kind === 'advert' && event.advert.priority !== PRIORITY_RELEASE;
    const isOthers = isHeard || (this.occupant !== null && this.occupant.peer !== null);
    const gate = this.closedGate;
    const mayStillCome = this.current === 'backup' || gate === 'probe' || gate === 'group';
    if (mayStillCome && !isOthers) return;
    this.hasLeftovers = false;
    if (!this.isHolding) this.actions.push({ kind: 'drop-addresses' });
  }

  private handleStop(isGraceful: boolean, nowUs: number): void {
    if (!isGraceful) this.endLinger();
    switch (this.current) {
      case 'active':
        if (isGraceful) this.leave('initialize', 'stop', nowUs);
        else this.release('initialize', 'stop', '', nowUs);
        break;
      case 'leaving':
        if (isGraceful) this.departure.to = 'initialize';
        else this.dropTo('initialize', 'stop', '', nowUs);
        break;
      case 'backup':
      case 'claiming':
      case 'fault':
        if (this.hasStranded) this.endConnections();
        this.transition('initialize', 'stop', '', nowUs);
        break;
      case 'initialize':
        break;
    }
  }

  private handleTick(nowUs: number): void {
    if (nowUs >= this.connectionsUs) this.endConnections();
    if (nowUs >= this.lingerUs) this.endLinger();
    if (nowUs >= this.tenure.relayUs) this.tenure.endRelay();
    if (this.held !== null && nowUs >= this.held.untilUs) this.endRestraint('over');
    switch (this.current) {
      case 'backup':
        if (nowUs >= this.following.downUs) this.claim(nowUs);
        else this.inquiry.run(this.priority, nowUs);
        break;
      case 'claiming':
        this.inquiry.run(this.priority, nowUs);
        this.tryGates(this.takeover, nowUs);
        this.watchClaim(nowUs);
        break;
      case 'active':
        if (this.tenure.isAdvertDue(nowUs)) this.beliefs.forget();
        this.tenure.tick(this.priority, nowUs);
        break;
      case 'leaving':
        if (this.departure.isOver(nowUs)) this.handleNoSuccessor(nowUs);
        else if (this.departure.takeRepeat(nowUs)) this.tenure.release(nowUs);
        break;
      case 'initialize':
      case 'fault':
        break;
    }
  }

  /** Nothing changes but what the settings change: no state, no timer that runs, nobody that is followed. */
  private handleSettings(settings: RouterSettings, hasOtherAddresses: boolean, nowUs: number): void {
    const { following } = this;
    const isOtherInterval = settings.intervalUs !== this.settings.intervalUs;
    const skewBefore = following.skew(this.priority);
    this.settings = settings;
    this.tracking.apply(settings.tracked);
    this.beliefs.apply(settings.intervalUs, this.followedSource, following.intervalUs);
    following.apply(settings);
    this.tenure.apply(settings, nowUs);
    const { guards, probesAddresses, isGrouped } = settings;
    this.gates.apply(guards, probesAddresses, isGrouped, this.isHolding);
    if (!isGrouped) {
      this.isGroupFaulty = false;
      this.groupPriorityMax = PRIORITY_OWNER;
    }
    switch (this.current) {
      case 'backup':
        if (following.router === null && isOtherInterval) following.listenOn(this.priority, nowUs);
        else following.shift(skewBefore, this.priority, nowUs);
        break;
      case 'claiming':
        // Who answers for an address is asked anew.
        if (hasOtherAddresses) this.gates.probe.cancel();
        this.inquiry.run(this.priority, nowUs);
        this.tryGates(this.takeover, nowUs);
        break;
      case 'active':
        this.tenure.change(this.priority, hasOtherAddresses, nowUs);
        break;
      case 'leaving':
        this.tenure.hold(nowUs);
        this.tenure.release(nowUs);
        break;
      case 'initialize':
      case 'fault':
        break;
    }
    this.applyFault(nowUs);
  }

  private handleAdvert(told: HeardAdvert, nowUs: number): void {
    if (this.current === 'initialize') return;
    // Whoever takes the addresses again before somebody else does goes on with them.
    if (this.hasStranded && told.priority !== PRIORITY_RELEASE) this.endConnections();
    if (this.current === 'fault') return;
    this.observer.noteMismatches(told, this.priority, this.settings.intervalUs, nowUs);
    const advert = this.doubt(told, nowUs);
    this.following.endDelay(this.priority, nowUs);
    switch (this.current) {
      case 'backup':
      case 'claiming':
        this.handleAdvertAsBackup(advert, nowUs);
        break;
      case 'active':
        this.handleAdvertAsActive(advert, nowUs);
        break;
      case 'leaving':
        if (advert.priority === PRIORITY_RELEASE) break;
        if (this.departure.to === 'backup') this.follow(advert, nowUs);
        this.linger(nowUs);
        this.goTo(this.departure.to, 'successor', `${formatIP(advert.source)} of priority ${advert.priority}`, nowUs);
        break;
    }
  }

  /** Section 6.4.2. */
  private handleAdvertAsBackup(advert: HeardAdvert, nowUs: number): void {
    if (advert.priority === PRIORITY_RELEASE) {
      this.gates.expectSuccession(advert, nowUs, nowUs + this.following.downInterval(this.priority));
      this.following.skewOnly(this.priority, nowUs);
      if (this.current === 'claiming')
        this.transition('backup', 'advert', `${formatIP(advert.source)} released`, nowUs);
      return;
    }
    if (advert.priority >= this.priority) this.preemptUs = NEVER;
    else if (this.preemptUs === NEVER) this.preemptUs = nowUs + this.settings.preemptDelayUs;
    if (advert.priority >= this.priority || !this.preempts(nowUs)) {
      this.follow(advert, nowUs);
      if (this.current === 'claiming') this.transition('backup', 'advert', this.compare(advert), nowUs);
      return;
    }
    // Discarded: the timer runs on, and when it fires, the sender of this advert gives way.
    this.gates.expectSuccession(advert, nowUs, nowUs + DOWN_ADVERTS * advert.intervalUs);
    if (this.current !== 'claiming') return;
    this.takeover = 'preemption';
    this.tryGates(this.takeover, nowUs);
  }

  /** Section 6.4.3. */
  private handleAdvertAsActive(advert: HeardAdvert, nowUs: number): void {
    if (advert.priority === PRIORITY_RELEASE) {
      this.tenure.advertiseNow(this.priority, nowUs);
      return;
    }
    if (this.isSuperior(advert)) {
      this.observer.note('superior', () => this.compare(advert), nowUs);
      this.linger(nowUs);
      // The winner may never have heard this router, and then does not know that caches point here. An advert that
      // loses makes it say again where the addresses are. On the virtual MAC no cache is wrong, and this frame would
      // lead switches to this machine once more.
      if (!this.settings.hasVirtualMac) this.actions.push({ kind: 'send-advert', priority: this.priority });
      this.tenure.end();
      this.preemptUs = NEVER;
      this.follow(advert, nowUs);
      this.transition('backup', 'higher-advert', this.compare(advert), nowUs);
      return;
    }
    if (this.sending.isMute(this.settings.intervalUs, nowUs)) {
      this.giveWay(advert, nowUs);
      return;
    }
    const isRival = !this.isFarewell(advert, nowUs);
    if (isRival) this.observer.noteRival(advert, this.priority, nowUs);
    this.tenure.answer(this.priority, advert.intervalUs, isRival, nowUs);
  }

  /** To a peer of lower priority that can be heard, where this router cannot: two would be active for ever. */
  private giveWay(advert: HeardAdvert, nowUs: number): void {
    this.tenure.end();
    this.restrain({ reason: 'mute', sinceUs: nowUs, untilUs: NEVER });
    this.follow(advert, nowUs);
    this.linger(nowUs);
    this.transition('backup', 'higher-advert', `no advert leaves this machine: ${this.sending.problem}`, nowUs);
  }

  private noteRefused({ reason, from, why, count }: RouterEvent & { readonly kind: 'refused' }, nowUs: number): void {
    const told = (): string => (why === '' ? `an advert from ${from}` : `an advert from ${from}, ${why}`);
    this.observer.note(`refused-${reason}`, told, nowUs, count);
  }

  private handleGuard(name: string, passes: boolean, nowUs: number): void {
    const changes = this.gates.setGuard(name, passes);
    if (passes) {
      // A segment that was cut and is whole again opens guards, and has an active router that was not heard so far.
      if (!changes || (this.current !== 'backup' && this.current !== 'claiming')) return;
      const { following } = this;
      following.downUs = Math.max(following.downUs, nowUs + following.downInterval(this.priority));
      this.gates.expectNothing();
      if (this.current === 'claiming') this.transition('backup', 'guard-passed', name, nowUs);
      return;
    }
    this.handleGuardLost(name, nowUs);
  }

  private handleGuardLost(name: string, nowUs: number): void {
    if (this.current === 'active') this.release('backup', 'guard-lost', name, nowUs);
    else if (this.current === 'leaving') this.abandon('guard-lost', name, nowUs);
  }

  /** Who has it knows that nobody else is active, and need not listen first. */
  private handleLease(name: string, untilUs: number, nowUs: number): void {
    const passes = nowUs < untilUs;
    const changes = this.gates.setGuard(name, passes, untilUs);
    // one that leaves has given it back, for its successor
    if (!passes && changes && this.current === 'active') this.handleGuardLost(name, nowUs);
    else if (passes && this.current === 'claiming') this.tryGates(this.takeover, nowUs);
  }

  private expireGuards(nowUs: number): void {
    for (let name = this.gates.expired(nowUs); name !== null; name = this.gates.expired(nowUs)) {
      this.gates.setGuard(name, false);
      this.handleGuardLost(name, nowUs);
    }
  }

  private handleSource(address: Uint8Array | null, nowUs: number): void {
    const isBack = this.source === null && address !== null;
    this.source = address;
    // A port that came up forwards as late as one that was plugged in before the start.
    if (isBack && this.current === 'fault') this.following.delay(nowUs);
    this.applyFault(nowUs);
  }

  private handleAddressAnswered(address: string, by: string, peer: string | null, nowUs: number): void {
    if (this.current === 'active') this.tenure.handleAddressAnswered(address, by, peer, nowUs);
    else this.inquiry.handleAnswer(by, peer, nowUs);
  }

  private handleServing(verdict: ServingVerdict, nowUs: number): void {
    if (this.current !== 'claiming') return;
    const { probe, occupant } = this.gates;
    if (!occupant.handleVerdict(verdict, nowUs)) return;
    probe.overrule();
    this.tryGates('not-serving', nowUs);
  }

  /** Nobody took over in the time that the slowest peer may need. */
  private handleNoSuccessor(nowUs: number): void {
    this.observer.note('no-successor', () => 'nobody took over', nowUs);
    if (this.departure.to === 'initialize') {
      this.dropTo('initialize', 'no-successor', '', nowUs);
      return;
    }
    // what it has given back for a successor it does not have any more
    const { failing } = this.gates;
    if (failing === null) this.becomeActive('no-successor', nowUs);
    else this.abandon('guard-lost', failing, nowUs);
  }

  /** Time in which this process did not run is not silence of the others, and they did not hear it. */
  private noticeStall(nowUs: number): void {
    if (this.current === 'active' || this.current === 'leaving') {
      const silentUs = nowUs - this.tenure.lastSentUs;
      if (silentUs <= DOWN_ADVERTS * this.settings.intervalUs) return;
      this.observer.note(
        'stall',
        () => `no advert sent for ${seconds(silentUs)} s: listening before holding anything`,
        nowUs,
      );
      // Without a release: whoever is active by now must not lose its backups' patience to one that was active once.
      this.tenure.end();
      this.abandon('stall', '', nowUs);
    } else if (this.current === 'backup' || this.current === 'claiming') {
      const gapUs = nowUs - this.lastRunUs;
      if (gapUs <= STALL_INTERVALS * this.following.intervalUs) return;
      this.observer.note('stall', () => `did not run for ${seconds(gapUs)} s: listening again from now`, nowUs);
      this.following.listenOn(this.priority, nowUs);
      this.gates.expectNothing();
      if (this.current === 'claiming') this.transition('backup', 'stall', '', nowUs);
    }
  }

  // --- becoming active ---

  /** The Active_Down_Timer fired. */
  private claim(nowUs: number): void {
    this.takeover = whyTakeOver(this.gates, this.following, nowUs);
    this.inquiry.run(this.priority, nowUs);
    const gate = this.gates.closed(nowUs);
    if (gate === null) this.becomeActive(this.takeover, nowUs);
    else
      this.transition(
        'claiming',
        this.takeover,
        `${describeTakeover(this.gates, this.following, nowUs)}; waits for ${gate}`,
        nowUs,
      );
  }

  private tryGates(cause: Takeover | 'not-serving', nowUs: number): void {
    if (this.gates.closed(nowUs) === null) this.becomeActive(cause, nowUs);
  }

  private watchClaim(nowUs: number): void {
    if (this.current === 'claiming') this.inquiry.watchClaim(this.sinceUs, nowUs);
  }

  private becomeActive(cause: Cause, nowUs: number): void {
    const predecessor = this.gates.predecessor(nowUs)?.source ?? null;
    const { occupant } = this;
    const isTakeover = this.current === 'backup' || this.current === 'claiming';
    const detail = cause === 'not-serving' && occupant !== null ? describeOccupant(occupant) : '';
    const why = detail === '' && isTakeover ? describeTakeover(this.gates, this.following, nowUs) : detail;
    this.gates.expectNothing();
    this.takenFrom = predecessor;
    this.following.forget();
    this.lingerUs = NEVER;
    this.connectionsUs = NEVER;
    this.hasStranded = false;
    this.endRestraint('taken');
    this.preemptUs = NEVER;
    this.departure.end();
    this.tenure.begin(this.priority, predecessor, cause === 'not-serving', nowUs);
    this.transition('active', cause, why, nowUs);
  }

  // --- while active ---

  /** The last word of the one that was preempted: it was on its way when that had not yet heard of its successor. */
  private isFarewell(advert: HeardAdvert, nowUs: number): boolean {
    const { takenFrom } = this;
    if (takenFrom === null || !equalBytes(takenFrom, advert.source)) return false;
    return nowUs - this.sinceUs <= Math.max(advert.intervalUs, this.settings.intervalUs);
  }

  // --- restraint ---

  private restrain(restraint: Restraint): void {
    this.held = restraint;
    this.actions.push({ kind: 'restraint', restraint, end: null });
  }

  private endRestraint(end: RestraintEnd): void {
    if (this.held === null) return;
    this.held = null;
    this.actions.push({ kind: 'restraint', restraint: null, end });
  }

  // --- ceasing to be active ---

  /** Tells the peers to take over, and keeps the addresses until one has. */
  private leave(to: 'initialize' | 'backup', cause: Cause, nowUs: number): void {
    this.tenure.end();
    this.lingerUs = NEVER;
    this.connectionsUs = NEVER;
    this.tenure.release(nowUs);
    this.tenure.hold(nowUs);
    this.departure.begin(to, this.settings, nowUs);
    this.transition('leaving', cause, '', nowUs);
  }

  /** Ceases at once: tells the peers, and drops the addresses. */
  private release(to: 'initialize' | 'backup' | 'fault', cause: Cause, detail: string, nowUs: number): void {
    this.tenure.end();
    this.sendRelease(nowUs);
    this.listen(nowUs);
    this.dropTo(to, cause, detail, nowUs);
  }

  /** Ceases without a word, if need be before a successor was found. */
  private abandon(cause: Cause, detail: string, nowUs: number): void {
    if (this.current === 'leaving' && this.departure.to === 'initialize') {
      this.dropTo('initialize', 'no-successor', detail, nowUs);
      return;
    }
    this.listen(nowUs);
    this.dropTo('backup', cause, detail, nowUs);
  }

  private dropTo(to: State, cause: Cause, detail: string, nowUs: number): void {
    this.actions.push({ kind: 'drop-addresses' });
    this.hasStranded = true;
    if (to === 'initialize') this.endConnections();
    this.goTo(to, cause, detail, nowUs);
  }

  private goTo(to: State, cause: Cause, detail: string, nowUs: number): void {
    this.departure.end();
    this.transition(to, cause, detail, nowUs);
  }

  /** Somebody else has the addresses now and passes on what is for this router: it finishes that, unseen. */
  private linger(nowUs: number): void {
    this.lingerUs = nowUs + LINGER_US;
    this.connectionsUs = nowUs + CONNECTIONS_US;
    this.actions.push({ kind: 'conceal-addresses', lifetimeS: Math.ceil(LINGER_US / US_PER_S) });
  }

  /** If it can be, while what is sent from the addresses still reaches whom it is for. */
  private endConnections(): void {
    this.connectionsUs = NEVER;
    this.hasStranded = false;
    this.actions.push({ kind: 'end-connections' });
  }

  private endLinger(): void {
    if (this.lingerUs === NEVER) return;
    this.lingerUs = NEVER;
    if (this.connectionsUs !== NEVER) this.endConnections();
    this.actions.push({ kind: 'drop-addresses' });
  }

  /** Twice: a release that is lost costs the peers the whole Active_Down_Interval. */
  private sendRelease(nowUs: number): void {
    this.tenure.release(nowUs);
    this.tenure.release(nowUs);
  }

  private applyFault(nowUs: number): void {
    const { fault } = this;
    if (fault === null) {
      if (this.current !== 'fault') return;
      this.listen(nowUs);
      this.transition('backup', 'fault-cleared', '', nowUs);
      return;
    }
    if (this.current === 'active') this.release('fault', 'fault', fault, nowUs);
    else if (this.current === 'leaving' && this.departure.to === 'initialize')
      this.dropTo('initialize', 'stop', fault, nowUs);
    else if (this.current === 'leaving') this.dropTo('fault', 'fault', fault, nowUs);
    else if (this.current === 'backup' || this.current === 'claiming') this.transition('fault', 'fault', fault, nowUs);
  }

  // --- following ---

  private follow(advert: HeardAdvert, nowUs: number): void {
    this.gates.expectNothing();
    this.following.follow(advert, this.priority, nowUs);
  }

  private listen(nowUs: number): void {
    this.preemptUs = NEVER;
    this.gates.expectNothing();
    this.following.listen(this.priority, nowUs);
  }

  private preempts(nowUs: number): boolean {
    if (this.held !== null) return false;
    if (this.settings.priority === PRIORITY_OWNER) return true;
    return this.settings.preempt && nowUs >= this.preemptUs;
  }

  /** Section 6.4.3: higher priority, or the same and a greater address. */
  private isSuperior(advert: HeardAdvert): boolean {
    if (advert.priority !== this.priority) return advert.priority > this.priority;
    return this.source !== null && compareBytes(advert.source, this.source) > 0;
  }

  /** The advert with the interval that is believed. */
  private doubt(advert: HeardAdvert, nowUs: number): HeardAdvert {
    const intervalUs = this.beliefs.believe(advert, nowUs);
    if (intervalUs === advert.intervalUs) return advert;
    const told = (): string =>
      `${formatIP(advert.source)} advertises every ${seconds(advert.intervalUs)} s: until two adverts have come that far ` +
      `apart, ${seconds(intervalUs)} s are believed`;
    this.observer.note('interval-doubted', told, nowUs);
    return { ...advert, intervalUs };
  }

  private compare({ source, priority }: HeardAdvert): string {
    const { priority: own } = this;
    const right =
      priority === own ? `the same priority ${own} and a higher address` : `priority ${priority}, this node ${own}`;
    return `${formatIP(source)} has ${right}`;
  }

  private heartbeatUs(): number {
    return this.lastRunUs + HEARTBEAT_INTERVALS * this.following.intervalUs;
  }

  /** A new priority shifts a running Active_Down_Timer by the difference of skews, and is advertised at once. */
  private withPriorityChange(change: () => void, nowUs: number): void {
    const before = this.priority;
    const skewBefore = this.following.skew(before);
    change();
    if (this.priority === before) return;
    if (this.current === 'backup') this.following.shift(skewBefore, this.priority, nowUs);
    // With a fault it is released at once, which is all that peers need to hear.
    if (this.current !== 'active' || this.fault !== null) return;
    this.tenure.advertiseNow(this.priority, nowUs);
  }

  private transition(to: State, cause: Cause, detail: string, nowUs: number): void {
    const from = this.current;
    const found = findTransition(from, to, cause);
    assert(found !== undefined, `no transition from ${from} to ${to} by ${cause}`);
    this.current = to;
    this.sinceUs = nowUs;
    this.actions.push({ kind: 'change', from, to, cause, detail, severity: found.severity });
  }
}

function describeOccupant({ by, peer, verdict }: OccupantView): string {
  return `${by} (${peer}) answers for the addresses and does not serve: ${verdict?.detail}`;
}
