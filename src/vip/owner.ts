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
import type { Restraint } from '../core/vrrp/restraint.ts';
import type { SegmentHost } from '../port/segment.ts';
import type { VipBoard } from './board.ts';
import { VipMember } from './member.ts';
import type { VipPlan } from './plan.ts';
import { GUARD_WITNESSES } from './requests.ts';
import type { RouterStatus, VipListener } from './status.ts';

/** What a predecessor left of a router. */
export interface Legacy {
  /** When it sent its last advert as the active one; 0: it was given up since; null: it was not active. */
  readonly lastAdvertUs: number | null;
  readonly restraint: Restraint | null;
}

/** By the routers' names. */
export type Predecessor = ReadonlyMap<string, Legacy>;

type MoveEvent = Extract<RouterEvent, { kind: 'hand-over' | 'resume' }>;

export class VipOwner {
  private readonly host: SegmentHost;
  private readonly members: readonly VipMember[];
  private readonly groups: readonly { readonly members: readonly VipMember[]; readonly group: RouterGroup }[];
  private isSettling = true;

  /** Attaches to the segments. Nothing is heard, said or changed there before `start`: another owner may be at work. */
  constructor(plan: VipPlan, host: SegmentHost, listener: VipListener) {
    this.host = host;
    this.members = plan.routers.map(
      (router) => new VipMember(router, host, listener, (member) => this.settleGroupOf(member)),
    );
    const names = new Set(plan.routers.flatMap(({ group }) => (group === null ? [] : [group])));
    this.groups = Array.from(names, (name) => {
      const members = this.members.filter((member) => member.plan.group === name);
      return { members, group: new RouterGroup(members.map(({ machine }) => machine)) };
    });
  }

  /** Begins to take part. Verdicts on what is tracked should have come in before, or all begins in fault. */
  start(predecessor: Predecessor): void {
    // All at once: members of a group that were active go on together.
    this.isSettling = false;
    for (const member of this.members) {
      const { lastAdvertUs = null, restraint = null } = predecessor.get(member.plan.name) ?? {};
      member.start(lastAdvertUs, restraint);
    }
    this.isSettling = true;
    this.settleGroups();
  }

  get deadlineUs(): number {
    return this.members.reduce((earliest, member) => Math.min(earliest, member.deadlineUs), Number.POSITIVE_INFINITY);
  }

  tick(): void {
    const { nowUs } = this.host;
    for (const member of this.members) if (nowUs >= member.deadlineUs) member.tick(nowUs);
  }

  /** A verdict on the thing with that index among a router's tracked ones. */
  handleTracked(router: string, index: number, isUp: boolean): void {
    this.find(router)?.send({ kind: 'tracked', index, isUp });
  }

  /** Whether a quorum of the witnesses answers. */
  handleWitnesses(router: string, passes: boolean): void {
    const member = this.find(router);
    if (member?.machine.guards.has(GUARD_WITNESSES)) member.send({ kind: 'guard', name: GUARD_WITNESSES, passes });
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
    for (const member of this.members) member.send({ kind: 'stop', isGraceful });
  }

  get hasStopped(): boolean {
    return this.members.every(({ machine }) => machine.state === 'initialize' && !machine.isLingering);
  }

  /** Leaves the segments as they were. */
  close(): void {
    for (const member of this.members) member.close();
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

  /** Writes down what a successor would have to know. */
  leaveTraces(board: VipBoard): void {
    board.beat();
    for (const { plan, machine, lastAdvertUs } of this.members) {
      board.setLastAdvertUs(plan.slot, lastAdvertUs);
      board.setRestraint(plan.slot, machine.restraint);
    }
  }

  private find(router: string): VipMember | undefined {
    return this.members.find(({ plan }) => plan.name === router);
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
