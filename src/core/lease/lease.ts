/**
 * Who may be active, agreed on over a store that a majority keeps (etcd): one record, which says who holds the lease, and changes only by a write that
 * names the revision it replaces. Pure: what the store has answered and the time come in, what to ask it comes out.
 *
 * No clock of the store's is trusted, and no two nodes compare theirs; all that is needed is that seconds are about as long everywhere:
 *
 * - A node that has written itself into the record holds the lease for `ttlMs` from when it *sent* that write, and renews it by writing again.
 * - Any other node may take it when it has seen the same revision for a little longer than that, counted from when it had *received* it first.
 *
 * The second count begins after the first one, whatever the network does between them. What the outcome of a write is that nobody has answered is
 * found out by reading: it was this node's if the record names it and that very write.
 *
 * Who holds addresses by the lease is another process, which is told until when (`untilMs`). It is given back when that process has said that it knows
 * (`handleKnown`), or when all that it was ever told is over; and it is renewed only while that process says so.
 */
import { assert } from '../../base/assert.ts';

/** The record, as it was read or written. */
export interface LeaseRecord {
  /** Empty: it is free. */
  readonly holder: string;
  /** Of the holder: which of its writes this is. */
  readonly count: number;
  /** Of the store; 0: there is no record yet. */
  readonly revision: number;
}

/** What to ask the store for. One at a time. */
export type LeaseQuestion =
  | { readonly kind: 'read' }
  /** To be written if the record has this revision still. */
  | { readonly kind: 'write'; readonly holder: string; readonly count: number; readonly revision: number };

export type LeaseAnswer =
  /** Of a read; null: there is no record. */
  | { readonly kind: 'record'; readonly record: LeaseRecord | null }
  /** Of a write. */
  | { readonly kind: 'written'; readonly revision: number }
  | { readonly kind: 'conflict' }
  /** Nobody has answered; a write may have been done, or will be. */
  | { readonly kind: 'failed' };

/** Until when it is this node's. */
export interface LeaseWord {
  /** Minus infinity: it is not. */
  readonly untilMs: number;
  readonly number: number;
}

export interface LeaseOptions {
  /** Who this is: no other one is called so. */
  readonly self: string;
  readonly ttlMs: number;
}

const NO_RECORD: LeaseRecord = { holder: '', count: 0, revision: 0 };
const NEVER = Number.NEGATIVE_INFINITY;
/** By how much longer a second may be here than there, and how coarse clocks are. */
const DRIFT = 0.02;
const COARSE_MS = 20;
/** So often it is renewed, and in vain asked for, in its time. */
const RENEWALS = 5;
const LOOKS = 20;
const LOOK_MS_MAX = 250;

export class Lease {
  private readonly options: LeaseOptions;
  /** This node is active, or would be. */
  private isWanted = false;
  private record: LeaseRecord | null = null;
  /** When which revision was received first. */
  private seenMs = NEVER;
  private seenRevision = -1;
  /** When the write was sent that the record has of this node; NEVER: it has none. */
  private heldFromMs = NEVER;
  /** Under way. */
  private question: LeaseQuestion | null = null;
  private sentMs = 0;
  /** The last write of this node whose outcome is not known, and when it was sent. */
  private doubt: { readonly count: number; readonly sentMs: number } | null = null;
  private count: number;
  private nextMs = NEVER;
  /** The latest end that whoever holds by it was told, and has not taken back. */
  private promisedMs = NEVER;
  private told: LeaseWord | null = null;
  private isKnown = true;
  private wantedMs = NEVER;

  /** `count`: higher than that of any write of this node before. */
  constructor(options: LeaseOptions, count: number) {
    this.options = options;
    this.count = count;
  }

  /** Until when this node holds the lease; in the past: it does not. */
  get untilMs(): number {
    return this.heldFromMs + this.options.ttlMs;
  }

  /** Who has it, as far as is known; empty: nobody. */
  get holder(): string {
    return this.record?.holder ?? '';
  }

  /** When `ask` is due. */
  get deadlineMs(): number {
    return this.question === null ? this.nextMs : Number.POSITIVE_INFINITY;
  }

  /** From now on it wants the lease, or gives it back. */
  want(isWanted: boolean, nowMs: number): void {
    if (isWanted === this.isWanted) return;
    this.isWanted = isWanted;
    this.wantedMs = nowMs;
    this.nextMs = nowMs;
    this.heldFromMs = NEVER;
  }

  /**
   * What is to be told now of until when this node has it; null: nothing new. Whoever held by it before this object was made goes on for as long
   * as it takes to find out.
   */
  tell(nowMs: number): LeaseWord | null {
    const { told, untilMs } = this;
    if (told === null && untilMs === NEVER && (!this.isWanted || nowMs - this.wantedMs < this.options.ttlMs))
      return null;
    if (told !== null && told.untilMs === untilMs) return null;
    this.promisedMs = Math.max(this.promisedMs, untilMs);
    this.told = { untilMs, number: (told?.number ?? 0) + 1 };
    this.isKnown = false;
    return this.told;
  }

  /** Whoever holds by it goes by the word with this number now, and by none before it. */
  handleKnown(number: number, nowMs: number): void {
    if (this.told === null || number !== this.told.number) return;
    this.promisedMs = this.told.untilMs;
    this.isKnown = true;
    if (!this.isWanted) this.nextMs = Math.min(this.nextMs, nowMs);
  }

  /** What to ask for now; null: nothing. Its answer comes in by `handleAnswer`, whatever it is. */
  ask(nowMs: number): LeaseQuestion | null {
    if (nowMs < this.deadlineMs) return null;
    this.question = this.next(nowMs);
    this.sentMs = nowMs;
    if (this.question === null) this.nextMs = nowMs + this.lookMs;
    return this.question;
  }

  handleAnswer(answer: LeaseAnswer, nowMs: number): void {
    const { question, sentMs } = this;
    assert(question !== null, 'nothing was asked');
    this.question = null;
    const { ttlMs } = this.options;
    switch (answer.kind) {
      case 'record':
        this.see(answer.record ?? NO_RECORD, nowMs);
        break;
      case 'written':
        assert(question.kind === 'write', 'it was not a write');
        this.doubt = null;
        this.see({ holder: question.holder, count: question.count, revision: answer.revision }, nowMs);
        if (question.holder !== '' && this.isWanted) this.heldFromMs = sentMs;
        break;
      case 'conflict':
        // A late write of this node, or of another one, which has waited until this one's time was over.
        this.record = null;
        break;
      case 'failed':
        if (question.kind === 'write' && question.holder !== '') this.doubt = { count: question.count, sentMs };
        this.record = null;
        break;
    }
    // who has it renews it; who does not want it looks now and then, and knows since when it stands still when it does
    const isCalm = this.heldFromMs === sentMs || this.isIdle;
    this.nextMs = Math.max(nowMs, sentMs + (isCalm ? ttlMs / RENEWALS : this.lookMs));
  }

  private get isIdle(): boolean {
    return !this.isWanted && this.record !== null && this.record.holder !== this.options.self;
  }

  private get lookMs(): number {
    return Math.min(LOOK_MS_MAX, this.options.ttlMs / LOOKS);
  }

  private next(nowMs: number): LeaseQuestion | null {
    const { record, isWanted } = this;
    const { self, ttlMs } = this.options;
    if (record === null) return { kind: 'read' };
    const isOwn = record.holder === self;
    if (!isWanted && isOwn) return nowMs >= this.promisedMs ? this.write('', record) : null;
    if (!isWanted) return { kind: 'read' };
    // who would hold by it stands still: another node may do better
    if (!this.isKnown) return isOwn ? null : { kind: 'read' };
    const isOver = nowMs - this.seenMs >= ttlMs * (1 + DRIFT) + COARSE_MS;
    return isOwn || record.holder === '' || isOver ? this.write(self, record) : { kind: 'read' };
  }

  private write(holder: string, { revision }: LeaseRecord): LeaseQuestion {
    return { kind: 'write', holder, count: ++this.count, revision };
  }

  private see(record: LeaseRecord, nowMs: number): void {
    if (this.seenRevision !== record.revision) this.seenMs = nowMs;
    this.seenRevision = record.revision;
    this.record = record;
    const { doubt } = this;
    if (record.holder !== this.options.self) {
      this.heldFromMs = NEVER;
      // of this revision or a later one: what was sent for an earlier one cannot be done any more
      this.doubt = null;
    } else if (doubt !== null && doubt.count === record.count) {
      this.doubt = null;
      if (this.isWanted) this.heldFromMs = doubt.sentMs;
    }
  }
}
