/**
 * A peer that makes no progress must not keep the memory that others wait for. While memory is tight the guard looks at every
 * session in turn and asks the kernel whether the peer that it keeps slots for still takes something; when memory is short
 * it sheds those that have stood still for longest, until twice the reserve is free.
 *
 * While there is plenty, this costs a comparison a turn. Sorting what a round of looks has found was chosen over a list in
 * the order of progress, which every request and every segment would have to keep (docs/decisions/memory-reserve.md).
 */
import { type Arena, PLENTY, SHORT } from '../base/arena.ts';
import {
  MEMORY_EXHAUSTED,
  MEMORY_PLENTY,
  MEMORY_SHORT,
  MEMORY_TIGHT,
  type MemoryLevel,
  type WorkerRow,
} from '../base/board.ts';
import type { ProxyEvent } from '../port/control.ts';
import { KEEPS_NOTHING, type Session } from './session.ts';
import type { Sessions } from './sessions.ts';

/** Looks per tick of 50 ms, about 2 us each. */
const LOOKS_TIGHT = 256;
const LOOKS_SHORT = 2048;
/** A session is left alone until it has stood still for this long. */
const STILL_MS = 1000;
/**
 * The same of one that was seen to move again after that. A reader of 4 KB/s frees 64 KiB at a time where the kernel's
 * segments are that large (loopback), so it seems to stand still for 16 s.
 */
const STILL_SLOW_MS = 30_000;
/** A shortage is over when there was none for this long. */
const CALM_MS = 5_000;

export class MemoryGuard {
  private readonly arena: Arena;
  private readonly row: WorkerRow;
  private readonly sessions: Sessions;
  private readonly report: (event: ProxyEvent) => void;
  private isInRound = false;
  /** What stands still: found by the round that is under way, and by the last one, the longest last. */
  private found: Session[] = [];
  private victims: Session[] = [];
  private shortSince = 0;
  private shortAt = 0;
  private sheds = 0;

  constructor(arena: Arena, row: WorkerRow, sessions: Sessions, report: (event: ProxyEvent) => void) {
    this.arena = arena;
    this.row = row;
    this.sessions = sessions;
    this.report = report;
  }

  /** Once a tick. */
  handleTick(now: number): void {
    const { arena, row } = this;
    row.writeMemory(this.level, arena.sizes);
    if (arena.worstPressure === PLENTY && this.shortSince === 0) {
      this.forget();
      return;
    }
    this.watchShortage(now);
    this.look(now);
    if (arena.worstPressure === SHORT) this.shed(now);
  }

  private get level(): MemoryLevel {
    const { arena } = this;
    if (arena.isExhausted) return MEMORY_EXHAUSTED;
    if (arena.worstPressure === SHORT) return MEMORY_SHORT;
    return arena.worstPressure === PLENTY ? MEMORY_PLENTY : MEMORY_TIGHT;
  }

  private forget(): void {
    if (!this.isInRound && this.victims.length === 0) return;
    this.isInRound = false;
    this.found = [];
    this.victims = [];
  }

  private watchShortage(now: number): void {
    const { arena } = this;
    if (arena.worstPressure === SHORT) {
      this.shortAt = now;
      if (this.shortSince > 0) return;
      this.shortSince = now;
      this.sheds = 0;
      const { bytes, used, count } = arena.sizes.find(({ pressure }) => pressure === SHORT)!;
      this.report({ kind: 'memory-short', bytes, used, count });
    } else if (this.shortSince > 0 && now - this.shortAt >= CALM_MS) {
      this.report({
        kind: 'memory-recovered',
        seconds: Math.round((this.shortAt - this.shortSince) / 1000),
        shed: this.sheds,
      });
      this.shortSince = 0;
    }
  }

  private look(now: number): void {
    const looks = this.arena.worstPressure === SHORT ? LOOKS_SHORT : LOOKS_TIGHT;
    if (!this.isInRound) this.sessions.beginRound();
    this.isInRound = true;
    for (let i = 0; i < looks; i++) {
      const session = this.sessions.nextOfRound();
      if (session === null) {
        this.handleRound();
        return;
      }
      this.lookAt(session, now);
    }
  }

  private lookAt(session: Session, now: number): void {
    const progress = session.progress();
    const before = session.guardProgress;
    session.guardProgress = progress;
    if (progress === KEEPS_NOTHING) return;
    if (before === KEEPS_NOTHING) {
      session.guardMovedAt = session.quietSince();
      session.guardHasResumed = false;
    } else if (progress !== before) {
      if (now - session.guardMovedAt >= STILL_MS) session.guardHasResumed = true;
      session.guardMovedAt = now;
    }
    if (isStill(session, now)) this.found.push(session);
  }

  /** Of those that were first seen in the same turn, the oldest goes first: it stood still while nobody looked. */
  private handleRound(): void {
    this.isInRound = false;
    this.victims = this.found.toReversed();
    this.found = [];
    this.victims.sort((a, b) => b.guardMovedAt - a.guardMovedAt);
  }

  /** Each session that goes frees one slot or more. What the kernel still holds of them is free in the next turn. */
  private shed(now: number): void {
    let missing = this.arena.missingSlots;
    for (let victim = this.victims.pop(); victim !== undefined; victim = this.victims.pop()) {
      if (missing <= 0) {
        this.victims.push(victim);
        return;
      }
      if (!this.sessions.has(victim) || !isStill(victim, now) || victim.progress() !== victim.guardProgress) continue;
      missing--;
      this.sheds++;
      this.row.countShed();
      victim.shed();
    }
  }
}

function isStill(session: Session, now: number): boolean {
  const mayLeap = session.guardHasResumed && session.movesInLeaps;
  return now - session.guardMovedAt >= (mayLeap ? STILL_SLOW_MS : STILL_MS);
}
