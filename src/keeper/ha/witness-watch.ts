/** Asks the witnesses of one virtual router, as often as core/track/witnesses.ts wants, and tells what it says. */
import type { Address } from '../../base/address.ts';
import type { HealthPlan } from '../../config/plan/health.ts';
import type { WitnessesPlan, WitnessPlan } from '../../config/plan/ha.ts';
import { Witnesses } from '../../core/track/witnesses.ts';
import type { MakeProbe } from '../servers/health.ts';
import type { Log } from '../log/log.ts';
import type { NameAnswer } from '../servers/names.ts';
import { singleProbe } from './single-probe.ts';

export interface WitnessWatchOptions {
  readonly router: string;
  readonly plan: WitnessesPlan;
  readonly log: Log;
  readonly makeProbe: MakeProbe;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  readonly onVerdict: (router: string, passes: boolean) => void;
}

export interface WitnessStatus {
  readonly name: string;
  readonly isAnswering: boolean;
  /** When it answered last; null: never. */
  readonly answeredMs: number | null;
  /** How the last question ended, for people. */
  readonly detail: string;
}

interface Witness {
  readonly plan: WitnessPlan;
  readonly probe: HealthPlan;
  address: Address | null;
  answeredMs: number | null;
  detail: string;
}

export class WitnessWatch {
  private readonly options: WitnessWatchOptions;
  private readonly panel: Witnesses;
  private readonly witnesses: readonly Witness[];
  private told: boolean | null = null;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  constructor(options: WitnessWatchOptions) {
    const { plan, now } = options;
    this.options = options;
    this.panel = new Witnesses(plan.of.length, plan.quorum, plan.advertiseMs, now());
    this.witnesses = plan.of.map((witness) => ({
      plan: witness,
      probe: singleProbe(witness.http, this.panel.patienceMs),
      address: 'hostname' in witness.target ? null : witness.target,
      answeredMs: null,
      detail: 'hostname' in witness.target ? 'its name does not resolve' : 'not asked yet',
    }));
  }

  /** The names that witnesses are given by. */
  get hostnames(): readonly string[] {
    return this.witnesses.flatMap(({ plan: { target } }) => ('hostname' in target ? [target.hostname] : []));
  }

  /** One of the addresses of a name: a witness is one machine. */
  handleName(hostname: string, { addresses }: NameAnswer): void {
    for (const witness of this.witnesses) {
      const { target } = witness.plan;
      if (!('hostname' in target) || target.hostname !== hostname) continue;
      const isKept = addresses.some(({ host }) => host === witness.address?.host);
      if (!isKept) witness.address = { ...addresses[0], port: target.port };
    }
  }

  /** What was told last; null: nothing yet. */
  get verdict(): boolean | null {
    return this.told;
  }

  start(): void {
    this.pump();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  status(): readonly WitnessStatus[] {
    const nowMs = this.options.now();
    return this.witnesses.map(({ plan, answeredMs, detail }, index) => ({
      name: plan.name,
      isAnswering: this.panel.isAnswering(index, nowMs),
      answeredMs,
      detail,
    }));
  }

  private pump(): void {
    if (this.isStopped) return;
    clearTimeout(this.timer);
    const nowMs = this.options.now();
    if (this.panel.handleTime(nowMs)) {
      for (let index = 0; index < this.witnesses.length; index++) void this.ask(index);
    }
    this.tell();
    this.timer = setTimeout(() => this.pump(), Math.max(1, Math.ceil(this.panel.deadlineMs - nowMs)));
  }

  /** A new question does not wait for the answer of the last one: a lost packet must not cost the whole patience. */
  private async ask(index: number): Promise<void> {
    const witness = this.witnesses[index];
    if (witness.address === null) return;
    const { isPassed, reason } = await this.options.makeProbe(witness.probe, witness.address, witness.plan.name);
    if (this.isStopped) return;
    witness.detail = reason;
    if (isPassed !== true) return;
    const nowMs = this.options.now();
    witness.answeredMs = nowMs;
    this.panel.handleAnswer(index, nowMs);
    this.tell();
  }

  private tell(): void {
    const { passes } = this.panel;
    const { router, plan, log, now, onVerdict } = this.options;
    if (passes === null || passes === this.told) return;
    this.told = passes;
    const nowMs = now();
    const answering = this.witnesses.filter((_, index) => this.panel.isAnswering(index, nowMs)).length;
    const count = `${answering} of ${plan.of.length} witnesses of ${router} answer, ${plan.quorum} must`;
    if (passes) log.info(count);
    else log.warn(`${count}: this node may be cut off, and is not active without them`);
    onVerdict(router, passes);
  }
}
