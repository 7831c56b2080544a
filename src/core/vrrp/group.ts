/**
 * Virtual routers that are active together or not at all, for example the outer and the inner address of one gateway.
 *
 * One that is faulty makes all faulty; none becomes active before every one could; when one is not active any more, none
 * stays active; and all advertise the lowest priority that any has, so that the elections on different segments come out
 * the same. The machines stay what they are: the group only sends them events.
 */
import type { RouterAction, RouterEvent } from './events.ts';
import { PRIORITY_OWNER } from '../../wire/vrrp/advert.ts';
import type { VirtualRouter } from './router.ts';

/** Rounds until nothing changes: a fault, the others' reaction, the opening of the gate; more would be a loop. */
const ROUNDS_MAX = 8;

type GroupEvent = Extract<RouterEvent, { kind: 'group' }>;

const NOTHING_TOLD: GroupEvent = { kind: 'group', isReady: false, priorityMax: PRIORITY_OWNER, isFaulty: false };

export class RouterGroup {
  private members: readonly VirtualRouter[];
  private told: GroupEvent[];
  /** Have come to others that are active, and have not heard yet whether anybody else is in their place. */
  private readonly joining = new Set<VirtualRouter>();

  /** Members have `isGrouped`. */
  constructor(members: readonly VirtualRouter[]) {
    this.members = members;
    this.told = members.map(() => NOTHING_TOLD);
  }

  /** From now on these belong to it. Those that come do not make the others give up what they have before they could know. */
  apply(members: readonly VirtualRouter[]): void {
    const told = new Map(this.members.map((member, i) => [member, this.told[i]]));
    for (const member of members) if (!told.has(member)) this.joining.add(member);
    this.members = members;
    this.told = members.map((member) => told.get(member) ?? NOTHING_TOLD);
  }

  /** To be called after events to members were handled; `perform` is given what each member wants done then. */
  settle(nowUs: number, perform: (member: number, actions: readonly RouterAction[]) => void): void {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const hasChanged = this.settleFaults(nowUs, perform) || this.settleLeft(nowUs, perform);
      if (!hasChanged && !this.settleReady(nowUs, perform)) return;
    }
  }

  private settleFaults(nowUs: number, perform: (member: number, actions: readonly RouterAction[]) => void): boolean {
    const { members } = this;
    const priorityMax = Math.min(...members.map((member) => member.ownPriority));
    let hasChanged = false;
    for (let i = 0; i < members.length; i++) {
      const isFaulty = members.some((other, j) => j !== i && this.isFaulty(other));
      const { isReady } = this.told[i];
      hasChanged = this.tell(i, { kind: 'group', isReady, priorityMax, isFaulty }, nowUs, perform) || hasChanged;
    }
    return hasChanged;
  }

  /** When some are active and one neither is nor can be at once, none may stay so. */
  private settleLeft(nowUs: number, perform: (member: number, actions: readonly RouterAction[]) => void): boolean {
    const { members } = this;
    const isActive = members.map((member) => member.state === 'active');
    if (!isActive.includes(true)) return false;
    if (members.every((member) => holds(member) || member.awaitsGroup || this.isJoining(member))) return false;
    for (let i = 0; i < members.length; i++) {
      if (isActive[i]) perform(i, members[i].handle({ kind: 'group-left' }, nowUs));
    }
    return true;
  }

  private settleReady(nowUs: number, perform: (member: number, actions: readonly RouterAction[]) => void): boolean {
    const isReady = this.members.every((member) => holds(member) || member.awaitsGroup);
    let hasChanged = false;
    for (let i = 0; i < this.members.length; i++) {
      const { priorityMax, isFaulty } = this.told[i];
      hasChanged = this.tell(i, { kind: 'group', isReady, priorityMax, isFaulty }, nowUs, perform) || hasChanged;
    }
    return hasChanged;
  }

  /** One that joins and has not begun has not seen its interface either. */
  private isFaulty(member: VirtualRouter): boolean {
    return member.ownFault !== null && !(member.state === 'initialize' && this.joining.has(member));
  }

  private isJoining(member: VirtualRouter): boolean {
    const isOver = holds(member) || member.followedSource !== null || this.isFaulty(member);
    if (isOver) this.joining.delete(member);
    return this.joining.has(member);
  }

  /** Sends the event unless the member was told the same before. */
  private tell(
    member: number,
    event: GroupEvent,
    nowUs: number,
    perform: (member: number, actions: readonly RouterAction[]) => void,
  ): boolean {
    const { isReady, priorityMax, isFaulty } = this.told[member];
    if (isReady === event.isReady && priorityMax === event.priorityMax && isFaulty === event.isFaulty) return false;
    this.told[member] = event;
    perform(member, this.members[member].handle(event, nowUs));
    return true;
  }
}

function holds(member: VirtualRouter): boolean {
  return member.state === 'active' || member.state === 'leaving';
}
