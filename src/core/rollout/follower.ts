/**
 * What a node of a fleet does about the record: it takes what is wanted, looks for a while whether errors rise, and keeps it or goes back. Pure:
 * records, answers, counts and the time come in, what is to be done comes out, one thing at a time.
 *
 * Whatever it takes is taken back by the balancer itself unless it is kept in time: a follower that is gone leaves nothing half done.
 */
import { type Counts, ErrorWatch } from './error-watch.ts';
import { type NodeReport, type RolloutRecord, type Version, wantedBy } from './record.ts';

export type Order =
  /** The balancer takes it back by itself after this time. */
  | { readonly kind: 'take'; readonly version: Version; readonly forMs: number }
  | { readonly kind: 'keep' }
  | { readonly kind: 'go-back' }
  /** To be written to the record, if it is still this version's. */
  | { readonly kind: 'stop'; readonly version: number; readonly why: string };

/** What became of it. */
export type Outcome =
  | { readonly kind: 'done'; /** Of `take`: it was in force already, for good. */ readonly isSame?: boolean }
  /** It is wrong, and will be. */
  | { readonly kind: 'refused'; readonly why: string }
  /** Nobody answers, or not now. */
  | { readonly kind: 'failed'; readonly why: string };

/** Beyond the time in which errors are looked for: for all that lies between two looks. */
const SPARE_MS = 30_000;

interface Trial {
  readonly version: number;
  readonly sinceMs: number;
  readonly forMs: number;
}

export class Follower {
  private readonly node: string;
  private readonly errors = new ErrorWatch();
  private record: RolloutRecord | null = null;
  /** What is in force; null: not known. */
  private version: number | null = null;
  private trial: Trial | null = null;
  /** The last that did not go well, and why. */
  private refused: { readonly version: number; readonly why: string } | null = null;
  /** Why nothing can be done now; empty: it can. */
  private trouble = '';
  /** To be told to the others. */
  private alarm: Extract<Order, { kind: 'stop' }> | null = null;

  constructor(node: string) {
    this.node = node;
  }

  /** What is in the store now; null: nothing is. */
  handleRecord(record: RolloutRecord | null): void {
    this.record = record;
  }

  handleCounts(counts: Counts, nowMs: number): void {
    this.errors.handleCounts(counts, nowMs);
  }

  /** Null: there is nothing to do. What comes of it is told by `handleOutcome`. */
  next(nowMs: number): Order | null {
    if (this.alarm !== null) return this.alarm;
    const wanted = this.record === null ? null : wantedBy(this.record, this.node);
    const { trial } = this;
    if (trial !== null) {
      const { rise } = this.errors;
      if (rise !== null) {
        this.refused = { version: trial.version, why: rise };
        return { kind: 'go-back' };
      }
      if (wanted?.version !== trial.version) return { kind: 'go-back' };
      return nowMs - trial.sinceMs >= trial.forMs ? { kind: 'keep' } : null;
    }
    if (wanted === null || wanted.version === this.version || wanted.version === this.refused?.version) return null;
    return { kind: 'take', version: wanted, forMs: this.record!.watchMs + SPARE_MS };
  }

  handleOutcome(order: Order, outcome: Outcome, nowMs: number): void {
    this.trouble = outcome.kind === 'failed' ? outcome.why : '';
    switch (order.kind) {
      case 'take':
        return this.handleTaken(order, outcome, nowMs);
      case 'keep':
        if (outcome.kind === 'failed') return undefined;
        // taken back meanwhile, by hand or because the time was over
        if (outcome.kind === 'refused') this.refused = { version: this.trial!.version, why: outcome.why };
        else this.version = this.trial!.version;
        return this.endTrial();
      case 'go-back':
        if (outcome.kind === 'failed') return undefined;
        if (this.refused?.version === this.trial!.version) {
          this.alarm = { kind: 'stop', version: this.refused.version, why: `${this.node}: ${this.refused.why}` };
        }
        return this.endTrial();
      case 'stop':
        // who has written something else meanwhile goes before
        if (outcome.kind !== 'failed') this.alarm = null;
        return undefined;
    }
  }

  get report(): NodeReport {
    const { node, record, refused, trial, trouble, version } = this;
    const wanted = (record === null ? null : wantedBy(record, node))?.version ?? null;
    if (trial !== null) return { node, version: trial.version, wanted, state: 'watches', why: trouble };
    if (wanted === null || wanted === version) return { node, version, wanted, state: 'keeps', why: '' };
    const why = refused?.version === wanted ? refused.why : trouble;
    return { node, version, wanted, state: why === '' ? 'keeps' : 'refuses', why };
  }

  private handleTaken(
    { version: { version } }: Extract<Order, { kind: 'take' }>,
    outcome: Outcome,
    nowMs: number,
  ): void {
    if (outcome.kind === 'failed') return;
    if (outcome.kind === 'refused') {
      this.refused = { version, why: outcome.why };
      return;
    }
    this.refused = null;
    this.trial = { version, sinceMs: nowMs, forMs: outcome.isSame === true ? 0 : this.record!.watchMs };
    this.errors.begin();
  }

  private endTrial(): void {
    this.trial = null;
    this.errors.end();
  }
}
