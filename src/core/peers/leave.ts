/**
 * Who of the nodes may go. One that is to hand virtual routers over, or to take no clients at all, asks its peers, and goes when one of them has agreed to stay. Pure:
 * each event brings the time, and whoever has the links does what is returned.
 *
 *   idle ──ask──> asking ──a peer agrees──> going ──settled──> idle
 *                   └── none does, one that goes first, no answer, a lost link ──> idle
 *
 * Of two questions that cross on their way, that of the node whose name comes first counts: the other node gives its own up as it agrees. Nothing has to be remembered
 * of what was agreed to: a link keeps the order of what is said, so a node that has been answered and is asked afterwards knows that it goes, or is gone. Where no
 * link stands nobody is asked.
 */
import type { RestraintReason } from '../vrrp/restraint.ts';

/** Null: the whole node, which takes no clients from then on. */
export type LeaveScope = readonly string[] | null;

export type LeaveMessage =
  /** May it? `by`: who says so there; null: they do not. */
  | { readonly type: 'may-leave'; readonly number: number; readonly routers: LeaveScope; readonly by: string | null }
  /** Null: this node stays. Else why it cannot, for people. */
  | { readonly type: 'leave-answer'; readonly number: number; readonly refusal: string | null };

export type LeaveVerdict =
  | { readonly kind: 'agreed'; readonly peer: string }
  /** There is no link to a peer that could be asked. */
  | { readonly kind: 'alone' }
  | { readonly kind: 'refused'; readonly why: string };

export type LeaveAction =
  | { readonly kind: 'send'; readonly peer: string; readonly message: LeaveMessage }
  /** Agreed, or alone: it goes, and `settle` is called when it has. */
  | { readonly kind: 'decided'; readonly verdict: LeaveVerdict };

/** How a node stands when it is asked. */
export interface Standing {
  readonly isStopping: boolean;
  readonly isDrained: boolean;
  readonly routers: readonly {
    readonly name: string;
    readonly state: string;
    readonly restraint: RestraintReason | null;
  }[];
}

/** A keeper that has more to do than it can. */
export const ANSWER_MS_MAX = 2_000;
const ROUTERS_MAX = 1_000;
const TEXT_MAX = 512;

interface Question {
  readonly number: number;
  readonly routers: LeaveScope;
  readonly waiting: Set<string>;
  readonly refusals: string[];
  readonly untilMs: number;
}

export class LeaveAgreement {
  private readonly node: string;
  private number = 0;
  private asking: Question | null = null;
  private going: { readonly routers: LeaveScope } | null = null;

  constructor(node: string) {
    this.node = node;
  }

  /** When `handleTime` is to be called, at the latest. */
  get deadlineMs(): number {
    return this.asking?.untilMs ?? Number.POSITIVE_INFINITY;
  }

  /** Neither asks nor goes. */
  get isIdle(): boolean {
    return this.asking === null && this.going === null;
  }

  /** While it is idle. `peers`: those that are linked. */
  ask(
    {
      routers,
      by,
      peers,
    }: { readonly routers: LeaveScope; readonly by: string | null; readonly peers: readonly string[] },
    nowMs: number,
  ): readonly LeaveAction[] {
    if (peers.length === 0) return this.go(routers, { kind: 'alone' });
    const number = ++this.number;
    this.asking = { number, routers, waiting: new Set(peers), refusals: [], untilMs: nowMs + ANSWER_MS_MAX };
    const message = { type: 'may-leave', number, routers, by } as const;
    return peers.map((peer) => ({ kind: 'send', peer, message }));
  }

  handleQuestion(
    peer: string,
    { number, routers }: Extract<LeaveMessage, { type: 'may-leave' }>,
    standing: Standing,
  ): readonly LeaveAction[] {
    const refusal = this.whyNot(peer, routers, standing);
    const message = { type: 'leave-answer', number, refusal: refusal?.slice(0, TEXT_MAX) ?? null } as const;
    const answer = { kind: 'send', peer, message } as const;
    const { asking } = this;
    if (refusal !== null || asking === null || !overlap(asking.routers, routers)) return [answer];
    this.asking = null;
    return [answer, refused(`${peer} goes itself, and this node has just agreed to stay`)];
  }

  handleAnswer(
    peer: string,
    { number, refusal }: Extract<LeaveMessage, { type: 'leave-answer' }>,
  ): readonly LeaveAction[] {
    const { asking } = this;
    if (asking?.number !== number || !asking.waiting.has(peer)) return [];
    if (refusal !== null) return this.without(asking, peer, refusal);
    this.asking = null;
    return this.go(asking.routers, { kind: 'agreed', peer });
  }

  /** Its link is lost. */
  handleGone(peer: string): readonly LeaveAction[] {
    const { asking } = this;
    return asking?.waiting.has(peer) === true ? this.without(asking, peer, 'its link was lost; try again') : [];
  }

  handleTime(nowMs: number): readonly LeaveAction[] {
    const { asking } = this;
    if (asking === null || nowMs < asking.untilMs) return [];
    this.asking = null;
    const silent = [...asking.waiting].map((peer) => `${peer}: no answer within ${ANSWER_MS_MAX / 1_000} s; try again`);
    return [refused([...asking.refusals, ...silent].join(', '))];
  }

  /** It has gone, or has not after all. */
  settle(): void {
    this.going = null;
  }

  private go(routers: LeaveScope, verdict: LeaveVerdict): readonly LeaveAction[] {
    this.going = { routers };
    return [{ kind: 'decided', verdict }];
  }

  private without(asking: Question, peer: string, refusal: string): readonly LeaveAction[] {
    asking.waiting.delete(peer);
    asking.refusals.push(`${peer}: ${refusal}`);
    if (asking.waiting.size > 0) return [];
    this.asking = null;
    return [refused(asking.refusals.join(', '))];
  }

  /** Why this node does not stay for that peer; null: it does. */
  private whyNot(peer: string, routers: LeaveScope, standing: Standing): string | null {
    const { asking, going, node } = this;
    const goesFirst = asking !== null && node < peer && overlap(asking.routers, routers);
    if (goesFirst || (going !== null && overlap(going.routers, routers))) return 'it is about to go itself';
    if (standing.isStopping) return 'it stops';
    if (standing.isDrained) return 'it is drained; `evenkeel node enable` there';
    return routers?.map((name) => whyNotTaken(name, standing)).find((why) => why !== null) ?? null;
  }
}

/** Restraints give way where nobody else has the addresses: those of an order, and of a time. */
function whyNotTaken(name: string, { routers }: Standing): string | null {
  const router = routers.find((each) => each.name === name);
  if (router === undefined) return `it has no virtual router ${name}`;
  const { state, restraint } = router;
  if (restraint === 'mute') return `its adverts of ${name} do not leave it`;
  if (restraint === 'certificates') return `it has no certificate of a listener`;
  return state === 'backup' || state === 'claiming' ? null : `${name} is ${state} there`;
}

/** A node is all of its routers. */
function overlap(a: LeaveScope, b: LeaveScope): boolean {
  return a === null || b === null || a.some((router) => b.includes(router));
}

function refused(why: string): LeaveAction {
  return { kind: 'decided', verdict: { kind: 'refused', why } };
}

// --- messages ---

type Fields = Readonly<Record<string, unknown>>;

export function isQuestion({ number, routers, by }: Fields): boolean {
  return Number.isSafeInteger(number) && isScope(routers) && (by === null || isText(by));
}

export function isAnswer({ number, refusal }: Fields): boolean {
  return Number.isSafeInteger(number) && (refusal === null || isText(refusal));
}

function isScope(value: unknown): boolean {
  return value === null || (Array.isArray(value) && value.length <= ROUTERS_MAX && value.every(isText));
}

/** What is shown to people: no control characters, which terminals obey. */
function isText(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= TEXT_MAX && !/\p{Cc}/u.test(value);
}
