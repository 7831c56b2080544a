/**
 * The owner of a node's virtual addresses: all its virtual routers and their groups, on one segment host.
 *
 * The host's loop drives it: everything that has come in is handed to the attachments' handlers, then `tick` is called,
 * then the loop sleeps until `deadlineUs`. In this order, so that a loop that was late hears what it missed before it
 * takes anything for silence.
 */
import type { RouterEvent } from '../core/vrrp/events.ts';
import { RouterGroup } from '../core/vrrp/group.ts';
import type { ServingVerdict } from '../core/vrrp/occupant.ts';
import type { SegmentHost } from '../port/segment.ts';
import type { VipBoard } from './board.ts';
import { NOTHING_LEFT, type Predecessor } from './legacy.ts';
import { VipMember } from './member.ts';
import { isSamePlan, routerKey, type VipPlan, type VirtualRouterPlan } from './plan.ts';
import { lastingUs } from '../core/vrrp/lifetime.ts';
import { GUARD_LEASE, GUARD_WITNESSES } from './requests.ts';
import type { RouterStatus, VipListener } from './status.ts';

type MoveEvent = Extract<RouterEvent, { kind: 'hand-over' | 'resume' }>;

interface Group {
  readonly name: string;
  members: readonly VipMember[];
  readonly group: RouterGroup;
}

export class VipOwner {
  private readonly host: SegmentHost;
  private readonly listener: VipListener;
  private members: readonly VipMember[] = [];
  /** An earlier plan had them: they hand their addresses over, or are about to end. */
  private leaving: readonly VipMember[] = [];
  /** Begin when what is leaving has left: one may have an address that another one still has. */
  private joining: readonly VipMember[] = [];
  /** Places on the board of those that have left, and have no other owner yet. */
  private vacated: number[] = [];
  private groups: readonly Group[] = [];
  private hasStarted = false;
  private isStopping = false;
  private isSettling = true;

  /** Attaches to the segments. Nothing is heard, said or changed there before `start`: another owner may be at work. */
  constructor(plan: VipPlan, host: SegmentHost, listener: VipListener) {
    this.host = host;
    this.listener = listener;
    this.members = plan.routers.map((router) => this.createMember(router));
    this.groups = this.groupNames().map((name) => {
      const members = this.membersOf(name);
      return { name, members, group: new RouterGroup(members.map(({ machine }) => machine)) };
    });
  }

  /** Begins to take part. Verdicts on what is tracked should have come in before, or all begins in fault. */
  start(predecessor: Predecessor): void {
    this.hasStarted = true;
    this.joining = [];
    this.isSettling = false;
    // All at once: members of a group that were active go on together.
    for (const member of this.members) {
      member.start(predecessor.get(member.plan.name) ?? NOTHING_LEFT);
    }
    this.isSettling = true;
    this.settleGroups();
  }

  /**
   * Goes by this plan from now on. A router that both plans have (plan.ts: `routerKey`) goes on, whatever else is written for
   * it now. One that is gone hands its addresses over as in a stop; new ones begin with a `tick` when that is done.
   */
  apply(plan: VipPlan): void {
    const former = new Map(this.members.map((member) => [routerKey(member.plan), member]));
    const changed: {
      readonly member: VipMember;
      readonly before: VirtualRouterPlan;
      readonly after: VirtualRouterPlan;
    }[] = [];
    this.isSettling = false;
    this.members = plan.routers.map((after) => {
      const key = routerKey(after);
      const member = former.get(key);
      if (member === undefined) return this.createMember(after);
      former.delete(key);
      if (!isSamePlan(member.plan, after)) changed.push({ member, before: member.plan, after });
      return member;
    });
    this.leave([...former.values()]);
    for (const { member, after } of changed) member.apply(after);
    this.joining = this.members.filter(({ machine }) => machine.state === 'initialize');
    this.regroup();
    for (const { member, before } of changed) member.settle(before);
    this.isSettling = true;
    this.settleGroups();
  }

  get deadlineUs(): number {
    if (this.isReadyToJoin) return this.host.nowUs;
    const earliest = this.members.reduce((us, member) => Math.min(us, member.deadlineUs), Number.POSITIVE_INFINITY);
    return this.leaving.reduce((us, member) => Math.min(us, member.deadlineUs), earliest);
  }

  tick(): void {
    const { nowUs } = this.host;
    for (const member of this.members) if (nowUs >= member.deadlineUs) member.tick(nowUs);
    for (const member of this.leaving) if (nowUs >= member.deadlineUs) member.tick(nowUs);
    this.buryThoseThatLeft();
    if (this.isReadyToJoin) this.join();
  }

  /** A verdict on the thing with that index among a router's tracked ones. */
  handleTracked(router: string, index: number, isUp: boolean, amount?: number): void {
    this.find(router)?.send({ kind: 'tracked', index, isUp, ...(amount === undefined ? {} : { amount }) });
  }

  /** Whether a quorum of the witnesses answers. */
  handleWitnesses(router: string, passes: boolean): void {
    const member = this.find(router);
    if (member?.machine.guards.has(GUARD_WITNESSES)) member.send({ kind: 'guard', name: GUARD_WITNESSES, passes });
  }

  /**
   * This node has the lease of a router until then. What it holds must be gone by then even if this process stands still: an address of the router, or of
   * its group, that is given to the kernel last.
   */
  handleLease(router: string, untilUs: number): void {
    const member = this.find(router);
    if (member === undefined || !member.machine.guards.has(GUARD_LEASE)) return;
    const { group } = member.plan;
    const all = this.members.filter(({ plan }) => plan === member.plan || (group !== null && plan.group === group));
    const lastingsUs = all.map(({ plan }) => lastingUs(plan.version, plan.intervalUs));
    member.send({ kind: 'lease', name: GUARD_LEASE, untilUs: untilUs - Math.max(...lastingsUs) });
  }

  /** Whether anything serves at a router's addresses, which it had asked. */
  handleServing(router: string, verdict: ServingVerdict): void {
    this.find(router)?.send({ kind: 'serving', verdict });
  }

  /** Gives the addresses of a router, and of its group, to a peer. False: there is no such router. */
  handOver(router: string, untilUs: number): boolean {
    return this.sendToGroupOf(router, { kind: 'hand-over', untilUs });
  }

  /** Ends the restraint after a hand-over. */
  resume(router: string): boolean {
    return this.sendToGroupOf(router, { kind: 'resume' });
  }

  /**
   * Graceful: keeps addresses until a peer has taken over, and connections a moment longer; `hasStopped` tells when that is
   * done.
   */
  stop(isGraceful: boolean): void {
    this.isStopping = true;
    for (const member of [...this.members, ...this.leaving]) member.send({ kind: 'stop', isGraceful });
  }

  /** See VirtualRouter. */
  get isCalm(): boolean {
    return (
      this.leaving.length === 0 && this.joining.length === 0 && this.members.every(({ machine }) => machine.isCalm)
    );
  }

  get hasStopped(): boolean {
    return this.members.every(hasLeft) && this.leaving.every(hasLeft);
  }

  /** Leaves the segments as they were. */
  close(): void {
    for (const member of [...this.members, ...this.leaving]) member.close();
  }

  status(): RouterStatus[] {
    return this.members.map((member) => member.status());
  }

  /** Null: there is no such router. */
  statusOf(router: string): RouterStatus | null {
    return this.find(router)?.status() ?? null;
  }

  /** When it sent its last advert; null: it does not hold its addresses. */
  lastAdvertUs(router: string): number | null {
    return this.find(router)?.lastAdvertUs ?? null;
  }

  /** What a successor has to expect of the active router; null: this is no backup. */
  followedUs(router: string): number | null {
    return this.find(router)?.machine.followedUs ?? null;
  }

  /** Writes down what a successor would have to know. */
  leaveTraces(board: VipBoard): void {
    board.beat();
    for (const slot of this.vacated) {
      board.setLastAdvertUs(slot, null);
      board.setFollowedUs(slot, null);
    }
    if (this.vacated.length > 0) this.vacated = [];
    for (const { plan, machine, lastAdvertUs } of this.members) {
      board.setLastAdvertUs(plan.slot, lastAdvertUs);
      board.setRestraint(plan.slot, machine.restraint);
      board.setFollowedUs(plan.slot, machine.followedUs);
    }
    for (const { plan, lastAdvertUs } of this.leaving) board.setLastAdvertUs(plan.slot, lastAdvertUs);
  }

  private find(router: string): VipMember | undefined {
    return this.members.find(({ plan }) => plan.name === router);
  }

  private createMember(plan: VirtualRouterPlan): VipMember {
    return new VipMember(plan, this.host, this.listener, (member) => this.settleGroupOf(member));
  }

  private leave(members: readonly VipMember[]): void {
    for (const member of members) member.send({ kind: 'stop', isGraceful: true });
    this.leaving = [...this.leaving, ...members];
    this.buryThoseThatLeft();
  }

  private buryThoseThatLeft(): void {
    if (this.leaving.length === 0 || this.isStopping) return;
    const left = this.leaving.filter(hasLeft);
    if (left.length === 0) return;
    for (const member of left) member.close();
    // The board is that of the process that takes part.
    if (this.hasStarted) this.vacated.push(...left.map(({ plan }) => plan.slot));
    this.leaving = this.leaving.filter((member) => !hasLeft(member));
  }

  private get isReadyToJoin(): boolean {
    return this.hasStarted && this.joining.length > 0 && this.leaving.length === 0 && !this.isStopping;
  }

  private join(): void {
    const { joining } = this;
    this.joining = [];
    for (const member of joining) member.start(NOTHING_LEFT);
  }

  // --- groups ---

  private groupNames(): readonly string[] {
    return [...new Set(this.members.flatMap(({ plan: { group } }) => (group === null ? [] : [group])))];
  }

  private membersOf(group: string): readonly VipMember[] {
    return this.members.filter(({ plan }) => plan.group === group);
  }

  private regroup(): void {
    const known = new Map(this.groups.map((group) => [group.name, group]));
    this.groups = this.groupNames().map((name) => {
      const group = known.get(name) ?? { name, members: [], group: new RouterGroup([]) };
      group.members = this.membersOf(name);
      group.group.apply(group.members.map(({ machine }) => machine));
      return group;
    });
  }

  private sendToGroupOf(router: string, event: MoveEvent): boolean {
    const member = this.find(router);
    if (member === undefined) return false;
    const group = this.groups.find(({ members }) => members.includes(member));
    for (const each of group?.members ?? [member]) each.send(event);
    return true;
  }

  private settleGroupOf(member: VipMember): void {
    if (!this.isSettling || member.plan.group === null) return;
    const found = this.groups.find(({ members }) => members.includes(member));
    found?.group.settle(this.host.nowUs, (index, actions) => found.members[index].perform(actions));
  }

  private settleGroups(): void {
    for (const { members } of this.groups) this.settleGroupOf(members[0]);
  }
}

function hasLeft({ machine }: VipMember): boolean {
  return machine.state === 'initialize' && !machine.isLingering;
}
