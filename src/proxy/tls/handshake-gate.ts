/**
 * How many handshakes of one proxy go on at a time. A full one takes as long as dozens of requests: of those that come together a few are begun
 * in each turn, so that whoever is connected waits for a few at most, and so does whoever resumes a session, for which there is room of its own.
 * The others wait, in the order that they came in.
 *
 * Those that have begun and are not done keep 50 KiB each: there is a bound on them too. For one more an old one goes, and whoever floods us
 * from one place pushes out his own.
 */
import type { Arena } from '../../base/arena.ts';
import { HANDSHAKE_PIECES, HANDSHAKES_MAX, LONG_HANDSHAKE_PIECES } from '../../base/limits.ts';
import type { Delayed, Later } from '../later.ts';

/** Begun in one turn: about a millisecond, of RSA three. */
const FULL_PER_TURN = 4;
const RESUMED_PER_TURN = 16;
/** Nobody waits for longer than these take. */
const WAITING_MAX = 1024;
/** So many of the oldest are looked at to find whose one goes. */
const LOOKED_AT = 64;

/** A handshake, to the gate. */
export interface GateUser {
  /** What the client said first is a whole hello. Else nobody knows yet what it is, nor how long. */
  readonly hasHello: boolean;
  /** OpenSSL makes room for as long a message as it announces. */
  readonly mayBeLong: boolean;
  /** Where it is from: see sourceOf. */
  readonly source: string;
  /** It is its turn. */
  begin(): void;
  /** Others have waited for less, or are further. `why`: for the log. */
  giveUp(why: string): void;
}

class Lane {
  private readonly perTurn: number;
  private left: number;
  readonly waiting = new Set<GateUser>();

  constructor(perTurn: number) {
    this.perTurn = perTurn;
    this.left = perTurn;
  }

  /** False: it waits. */
  pass(user: GateUser): boolean {
    if (this.left > 0 && this.waiting.size === 0) {
      this.left--;
      return true;
    }
    this.waiting.add(user);
    return false;
  }

  /** Some began in this turn. */
  get isUsed(): boolean {
    return this.left < this.perTurn;
  }

  takeRoom(): void {
    this.left = 0;
  }

  handleTurn(): void {
    this.left = this.perTurn;
    for (const user of this.waiting) {
      if (this.left <= 0) return;
      this.waiting.delete(user);
      this.left--;
      user.begin();
    }
  }
}

export class HandshakeGate implements Delayed {
  private readonly arena: Arena;
  private readonly later: Later;
  private readonly full = new Lane(FULL_PER_TURN);
  private readonly resumed = new Lane(RESUMED_PER_TURN);
  /** With the pieces that each counts for, whatever a reload makes of its listener meanwhile. */
  private readonly begun = new Map<GateUser, number>();
  /** The same without a hello that was read. */
  private readonly doubtful = new Map<GateUser, number>();
  private isLater = false;

  constructor(arena: Arena, later: Later) {
    this.arena = arena;
    this.later = later;
  }

  /** True: it may begin now. Else `begin` is called in a later turn, unless it leaves before. `isResuming`: it says so. */
  enter(user: GateUser, isResuming: boolean): boolean {
    const lane = isResuming ? this.resumed : this.full;
    if (lane.waiting.size >= WAITING_MAX) {
      const other = whoseGoes(lane.waiting);
      lane.waiting.delete(other);
      other.giveUp('more handshakes than this proxy can make');
    }
    const mayPass = lane.pass(user);
    this.lookLater(!mayPass);
    return mayPass;
  }

  /** It only said that it resumes: until the next turn no other one is believed. */
  handleFalseResumption(): void {
    this.resumed.takeRoom();
  }

  /** It has begun, and OpenSSL keeps something for it until it leaves. */
  handleBegun(user: GateUser): void {
    const { begun, doubtful } = this;
    if (begun.size + doubtful.size >= HANDSHAKES_MAX) {
      const [first = whoseGoes(begun.keys())] = doubtful.keys();
      first.giveUp('too many handshakes at a time that are not done');
    }
    const pieces = user.mayBeLong ? LONG_HANDSHAKE_PIECES : HANDSHAKE_PIECES;
    (user.hasHello ? begun : doubtful).set(user, pieces);
    this.arena.foreign.freeCount -= pieces;
  }

  /** It is done, or gives up. */
  leave(user: GateUser): void {
    const pieces = this.begun.get(user) ?? this.doubtful.get(user);
    if (pieces !== undefined) {
      this.begun.delete(user);
      this.doubtful.delete(user);
      this.arena.foreign.freeCount += pieces;
    } else if (!this.full.waiting.delete(user)) this.resumed.waiting.delete(user);
  }

  handleLater(): void {
    this.isLater = false;
    this.full.handleTurn();
    this.resumed.handleTurn();
    if (this.full.waiting.size + this.resumed.waiting.size > 0) this.lookLater(true);
    else if (this.full.isUsed || this.resumed.isUsed) this.lookLater(false);
  }

  private lookLater(isUrgent: boolean): void {
    if (this.isLater) {
      if (isUrgent) this.later.hurry();
      return;
    }
    this.isLater = true;
    if (isUrgent) this.later.add(this);
    else this.later.addAtLeisure(this);
  }
}

/** Of the old ones, the oldest from where most of them are. */
function whoseGoes(begun: Iterable<GateUser>): GateUser {
  const bySource = new Map<string, GateUser[]>();
  let looked = 0;
  for (const user of begun) {
    if (looked++ === LOOKED_AT) break;
    const { source } = user;
    const users = bySource.get(source);
    if (users === undefined) bySource.set(source, [user]);
    else users.push(user);
  }
  let [most] = bySource.values();
  for (const users of bySource.values()) if (users.length > most.length) most = users;
  return most[0];
}
