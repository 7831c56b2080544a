/** What the keeper has of one virtual router: whom it asks and what it runs for it, and what it remembers. */
import type { HaPlan, HaRouterPlan, NotifyPlan } from '../../config/plan/ha.ts';
import { isSamePlan, type VirtualRouterPlan } from '../../vip/plan.ts';
import type { RoleChange } from '../../vip/status.ts';
import type { RouterMemory } from './heritage.ts';
import { FifoTeller } from './fifo-teller.ts';
import { History } from './ha-status.ts';
import { Notifier, type NotifierOptions } from './notifier.ts';
import { LeaseWatch, type LeaseWatchOptions } from './lease-watch.ts';
import { WitnessWatch, type WitnessWatchOptions } from './witness-watch.ts';

export interface HaRouterOptions {
  readonly witness: Omit<WitnessWatchOptions, 'router' | 'plan'>;
  readonly lease: Omit<LeaseWatchOptions, 'router' | 'plan' | 'node'>;
  readonly notifier: Pick<NotifierOptions, 'run' | 'log'>;
  readonly writeFifo: (path: string, line: string) => void;
  readonly userFor: (names: readonly string[] | null) => NotifierOptions['user'];
}

export class HaRouter {
  readonly history = new History();
  witnesses: WitnessWatch | null = null;
  lease: LeaseWatch | null = null;
  private readonly options: HaRouterOptions;
  private notifiers: readonly Notifier[] = [];
  private tellers: readonly FifoTeller[] = [];
  /** No plan has them any more, and something of theirs still runs. */
  private ending: readonly Notifier[] = [];
  private node: string;
  private plan: HaRouterPlan;
  private vip: VirtualRouterPlan;

  constructor(options: HaRouterOptions, ha: HaPlan, index: number) {
    this.options = options;
    this.plan = ha.routers[index];
    this.vip = ha.vip.routers[index];
    this.node = ha.node;
    this.applyNotify();
    this.askWitnesses();
    this.askLease();
  }

  /** Goes by the plan of the router with that index from now on. */
  apply(ha: HaPlan, index: number): void {
    const before = this.plan;
    this.plan = ha.routers[index];
    this.vip = ha.vip.routers[index];
    this.node = ha.node;
    this.applyNotify();
    const { lease, witnesses } = this.plan;
    if (!isSamePlan(before.lease, lease)) {
      this.lease?.stop();
      this.askLease();
      this.startLease();
    }
    if (isSamePlan(before.witnesses, witnesses) && (this.witnesses === null) === (witnesses === null)) return;
    this.witnesses?.stop();
    this.askWitnesses();
    this.witnesses?.start();
  }

  /** From a predecessor. */
  restore(memory: RouterMemory, nowMs: number): void {
    this.history.restore(memory, nowMs);
    for (const each of [...this.notifiers, ...this.tellers]) each.restore(memory.state);
  }

  handleChange(change: RoleChange, nowMs: number): void {
    this.history.handleChange(change, nowMs);
    for (const each of [...this.notifiers, ...this.tellers]) each.handleChange(change);
    this.lease?.want(isWanted(change.to));
  }

  /** What its owner does is known. */
  startLease(): void {
    this.lease?.want(isWanted(this.history.state));
    this.lease?.start();
  }

  /** No plan has it any more, its owner has given it up, and what was to be run for that has been run. */
  get isOver(): boolean {
    return this.history.state === 'initialize' && this.allNotifiers.every(({ isIdle }) => isIdle);
  }

  /** See Notifier. */
  async finish(withinMs: number): Promise<void> {
    await Promise.all(this.allNotifiers.map((notifier) => notifier.finish(withinMs)));
  }

  /** No plan has it any more. */
  leave(): void {
    this.stopAsking();
    this.witnesses = null;
    this.lease = null;
  }

  stopAsking(): void {
    this.witnesses?.stop();
    this.lease?.stop();
  }

  kill(): void {
    this.stopAsking();
    for (const notifier of this.allNotifiers) notifier.stop();
  }

  private askWitnesses(): void {
    const { witnesses, name } = this.plan;
    const { witness } = this.options;
    this.witnesses = witnesses === null ? null : new WitnessWatch({ ...witness, router: name, plan: witnesses });
  }

  private askLease(): void {
    const { lease, name } = this.plan;
    const { node } = this;
    this.lease = lease === null ? null : new LeaseWatch({ ...this.options.lease, router: name, plan: lease, node });
  }

  private get allNotifiers(): readonly Notifier[] {
    return [...this.notifiers, ...this.ending];
  }

  private applyNotify(): void {
    const before = this.notifiers;
    const { notify } = this.plan;
    const tellers = notify.filter(({ fifo }) => fifo !== null);
    this.tellers = tellers.map(
      (plan) => this.tellers.find((each) => isSamePlan(each.plan, plan)) ?? this.newTeller(plan),
    );
    const programs = notify.filter(({ fifo }) => fifo === null);
    this.notifiers = programs.map((plan, index) => {
      const options = this.notifierOptions(plan);
      const notifier = before[index] ?? new Notifier(options);
      if (index < before.length) notifier.apply(options);
      else notifier.restore(this.history.state);
      return notifier;
    });
    this.ending = [...this.ending, ...before.slice(this.notifiers.length)].filter(({ isIdle }) => !isIdle);
  }

  private newTeller(plan: NotifyPlan): FifoTeller {
    const teller = new FifoTeller(plan, this.options.writeFifo);
    teller.restore(this.history.state);
    return teller;
  }

  private notifierOptions(plan: NotifyPlan): NotifierOptions {
    const { node, vip } = this;
    const addresses = [...vip.addresses, ...vip.excluded];
    return {
      ...this.options.notifier,
      name: this.plan.name,
      plan,
      user: this.options.userFor(plan.user),
      environment: {
        EVENKEEL_NODE: node,
        EVENKEEL_INTERFACE: vip.interfaceName,
        EVENKEEL_ADDRESSES: addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(' '),
      },
    };
  }
}

function isWanted(state: RoleChange['to'] | 'unknown'): boolean {
  return state === 'claiming' || state === 'active';
}
