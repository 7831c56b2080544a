/** What the keeper has of one virtual router: whom it asks and what it runs for it, and what it remembers. */
import type { HaPlan, HaRouterPlan } from '../../config/ha-plan.ts';
import { isSamePlan, type VirtualRouterPlan } from '../../vip/plan.ts';
import type { RoleChange } from '../../vip/status.ts';
import type { RouterMemory } from './heritage.ts';
import { History } from './ha-status.ts';
import { Notifier, type NotifierOptions } from './notifier.ts';
import { WitnessWatch, type WitnessWatchOptions } from './witness-watch.ts';

export interface HaRouterOptions {
  readonly witness: Omit<WitnessWatchOptions, 'router' | 'plan'>;
  readonly notifier: Pick<NotifierOptions, 'run' | 'log'>;
  readonly userFor: (names: readonly string[] | null) => NotifierOptions['user'];
}

export class HaRouter {
  readonly history = new History();
  witnesses: WitnessWatch | null = null;
  private readonly options: HaRouterOptions;
  private readonly notifier: Notifier;
  private plan: HaRouterPlan;
  private vip: VirtualRouterPlan;

  constructor(options: HaRouterOptions, ha: HaPlan, index: number) {
    this.options = options;
    this.plan = ha.routers[index];
    this.vip = ha.vip.routers[index];
    this.notifier = new Notifier(this.notifierOptions(ha.node));
    this.askWitnesses();
  }

  /** Goes by the plan of the router with that index from now on. */
  apply(ha: HaPlan, index: number): void {
    const before = this.plan;
    this.plan = ha.routers[index];
    this.vip = ha.vip.routers[index];
    this.notifier.apply(this.notifierOptions(ha.node));
    const { witnesses } = this.plan;
    if (isSamePlan(before.witnesses, witnesses) && (this.witnesses === null) === (witnesses === null)) return;
    this.witnesses?.stop();
    this.askWitnesses();
    this.witnesses?.start();
  }

  /** From a predecessor. */
  restore(memory: RouterMemory, nowMs: number): void {
    this.history.restore(memory, nowMs);
    this.notifier.restore(memory.state);
  }

  /** `priority`: as its owner told it; null: it has told none. */
  handleChange(change: RoleChange, priority: number | null, nowMs: number): void {
    this.history.handleChange(change, nowMs);
    this.notifier.handleChange(change, priority ?? this.vip.priority);
  }

  /** No plan has it any more, its owner has given it up, and what was to be run for that has been run. */
  get isOver(): boolean {
    return this.history.state === 'initialize' && this.notifier.isIdle;
  }

  /** See Notifier. */
  finish(withinMs: number): Promise<void> {
    return this.notifier.finish(withinMs);
  }

  /** No plan has it any more. */
  leave(): void {
    this.witnesses?.stop();
    this.witnesses = null;
  }

  stopAsking(): void {
    this.witnesses?.stop();
  }

  kill(): void {
    this.stopAsking();
    this.notifier.stop();
  }

  private askWitnesses(): void {
    const { witnesses, name } = this.plan;
    const { witness } = this.options;
    this.witnesses = witnesses === null ? null : new WitnessWatch({ ...witness, router: name, plan: witnesses });
  }

  private notifierOptions(node: string): NotifierOptions {
    const { plan, vip } = this;
    const addresses = [...vip.addresses, ...vip.excluded];
    return {
      ...this.options.notifier,
      plan,
      user: this.options.userFor(plan.notify.user),
      environment: {
        EVENKEEL_NODE: node,
        EVENKEEL_INTERFACE: vip.interfaceName,
        EVENKEEL_ADDRESSES: addresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`).join(' '),
      },
    };
  }
}
