/** Asks for the lease of one virtual router while that is to be active, renews it and gives it back, as core/lease/lease.ts wants, and tells what it says. */
import type { LeasePlan } from '../../config/plan/ha.ts';
import { Lease, type LeaseQuestion, type LeaseWord } from '../../core/lease/lease.ts';
import type { Log } from '../log/log.ts';
import { EtcdRecord } from './etcd-record.ts';

export interface LeaseWatchOptions {
  readonly router: string;
  readonly plan: LeasePlan;
  /** Who this is: no other node is called so. */
  readonly node: string;
  readonly log: Log;
  /** Milliseconds of a clock that counts the time for which the machine is suspended. */
  readonly bootMs: () => number;
  readonly onWord: (router: string, word: LeaseWord) => void;
}

export interface LeaseStatus {
  /** Who has it, as far as is known; empty: nobody. */
  readonly holder: string;
  /** How long this node still has it; 0: it has not. */
  readonly forMs: number;
  /** The member that is asked. */
  readonly member: string;
  /** Why it does not answer; null: it does. */
  readonly problem: string | null;
}

/** Of its time: within so much an answer has to be here. */
const PATIENCE = 0.1;
const PATIENCE_MS_MAX = 2_000;

export class LeaseWatch {
  private readonly options: LeaseWatchOptions;
  private readonly lease: Lease;
  private readonly record: EtcdRecord;
  private timer: NodeJS.Timeout | undefined;
  private hasStarted = false;
  private isStopped = false;
  private hasToldProblem = false;
  private toldHolder: string | null = null;
  /** What was told last. */
  private word: LeaseWord | null = null;

  constructor(options: LeaseWatchOptions) {
    const { node, plan } = options;
    this.options = options;
    this.lease = new Lease({ self: node, ttlMs: plan.ttlMs }, Date.now());
    this.record = new EtcdRecord(plan, Math.min(PATIENCE_MS_MAX, plan.ttlMs * PATIENCE));
  }

  /** What was told last, for a plan that begins anew; null: nothing. */
  get lastWord(): LeaseWord | null {
    return this.word;
  }

  /** The router is to be active, or is; or neither. */
  want(isWanted: boolean): void {
    this.lease.want(isWanted, this.options.bootMs());
    this.pump();
  }

  /** It is known by now whether the router is active. */
  start(): void {
    this.hasStarted = true;
    this.pump();
  }

  /** What is held is over when its time is. */
  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
    this.record.close();
  }

  handleKnown(number: number): void {
    this.lease.handleKnown(number, this.options.bootMs());
    this.pump();
  }

  status(): LeaseStatus {
    const { lease, record } = this;
    const forMs = Math.max(0, lease.untilMs - this.options.bootMs());
    return { holder: lease.holder, forMs, member: record.memberUrl, problem: record.problem };
  }

  private pump(): void {
    if (this.isStopped || !this.hasStarted) return;
    clearTimeout(this.timer);
    const { bootMs, onWord, router } = this.options;
    const word = this.lease.tell(bootMs());
    if (word !== null) {
      this.word = word;
      onWord(router, word);
    }
    const question = this.lease.ask(bootMs());
    if (question !== null) {
      void this.ask(question);
      return;
    }
    const { deadlineMs } = this.lease;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    this.timer = setTimeout(() => this.pump(), Math.max(1, Math.ceil(deadlineMs - bootMs()))).unref();
  }

  private async ask(question: LeaseQuestion): Promise<void> {
    const answer = await this.record.ask(question);
    if (this.isStopped) return;
    this.lease.handleAnswer(answer, this.options.bootMs());
    this.tell();
    this.pump();
  }

  private tell(): void {
    const { log, router } = this.options;
    const { holder } = this.lease;
    const { problem } = this.record;
    if ((problem !== null) !== this.hasToldProblem) {
      if (problem !== null) log.warn(`no word on the lease of ${router} from ${problem}; other members are asked`);
      else log.info(`the lease of ${router}: etcd answers again`);
      this.hasToldProblem = problem !== null;
    }
    if (problem !== null || holder === this.toldHolder) return;
    this.toldHolder = holder;
    log.info(`the lease of ${router}: ${holder === '' ? 'nobody has it' : `${holder} has it`}`);
  }
}
