/**
 * The keeper's part in the virtual addresses: watches what they depend on and tells their owner, runs the operator's
 * programs when a role changes, and remembers what happened for whoever asks. It decides nothing about addresses, and while
 * it is busy or gone their owner goes on.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Board } from '../../base/board.ts';
import { watchName } from '../../config/compile-ha.ts';
import type { HaPlan, WatchPlan } from '../../config/ha-plan.ts';
import type { Evidence } from '../../core/vrrp/observer.ts';
import type { ListenerPlan, ServerPlan } from '../../config/plan.ts';
import type { RestraintChange, RoleChange } from '../../vip/status.ts';
import type { MakeProbe } from '../health.ts';
import type { Log } from '../log.ts';
import { type AskName, Names } from '../names.ts';
import type { RunCommand } from './command.ts';
import { type CommandUser, chooseUser } from './command-user.ts';
import { type HaStatus, History, haStatus } from './ha-status.ts';
import { type Look, LookWatch, lookAtProxies, lookAtUpstream, lookForProcess } from './look-watch.ts';
import { Notifier, roleOf } from './notifier.ts';
import type { RestraintFile } from './restraint-file.ts';
import { Restraints } from './restraints.ts';
import { ScriptWatch } from './script-watch.ts';
import { checkServing } from './serving-check.ts';
import type { VirtualAddresses } from './virtual-addresses.ts';
import type { Watch } from './watch.ts';
import { WitnessWatch } from './witness-watch.ts';

export interface HaKeeperOptions {
  readonly plan: HaPlan;
  /** The servers of an upstream, by the plan that is in force. */
  readonly serversOf: (upstream: string) => readonly ServerPlan[];
  /** By the plan that is in force. */
  readonly listeners: () => readonly ListenerPlan[];
  readonly board: Board;
  /** Listeners of which no address could be opened. */
  readonly closedListeners: () => readonly string[];
  readonly log: Log;
  readonly createAddresses: (events: AddressEvents) => VirtualAddresses;
  readonly runCommand: RunCommand;
  readonly makeProbe: MakeProbe;
  readonly askName: AskName;
  readonly ownUid: number;
  readonly restraintFile: Pick<RestraintFile, 'read' | 'write'>;
  /** Every router is held back at the start. */
  readonly isRestrained: boolean;
  readonly notifyServiceManager: (state: string) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly unixMs: () => number;
}

/** How an operator's order was taken. */
export type MoveResult = { readonly kind: 'ordered' } | { readonly kind: 'unknown' | 'refused'; readonly why: string };

export interface AddressEvents {
  readonly onChange: (change: RoleChange) => void;
  readonly onEvidence: (router: string, evidence: Evidence) => void;
  readonly onRestraint: (change: RestraintChange) => void;
  readonly onAskServing: (router: string) => void;
}

/** How long the start waits for first verdicts: a node that begins in fault would tell so and run programs for it. */
const FIRST_VERDICTS_MS_MAX = 2_000;

export class HaKeeper {
  private readonly options: HaKeeperOptions;
  private readonly addresses: VirtualAddresses;
  private readonly watches: readonly Watch[];
  private readonly witnesses: readonly (WitnessWatch | null)[];
  private readonly notifiers: readonly Notifier[];
  private readonly histories: readonly History[];
  private readonly names: Names;
  private readonly restraints: Restraints;
  private readonly users = new Map<string | null, CommandUser | null | string>();
  private waitsFor: number;
  private whenAllHaveVerdicts: () => void = () => undefined;

  constructor(options: HaKeeperOptions) {
    const { plan, log, now, makeProbe, runCommand } = options;
    this.options = options;
    this.addresses = options.createAddresses({
      onChange: (change) => this.handleChange(change),
      onEvidence: (router, evidence) => this.historyOf(router)?.handleEvidence(evidence, now()),
      onRestraint: (change) => this.restraints.handleChange(change),
      onAskServing: (router) => void this.checkServing(router),
    });
    this.restraints = new Restraints({
      routers: plan.routers.map(({ name }) => name),
      file: options.restraintFile,
      log,
      unixMs: options.unixMs,
    });
    this.watches = plan.watches.map((watch) => this.createWatch(watch));
    this.waitsFor = this.watches.length;
    this.witnesses = plan.routers.map(({ name, witnesses }) => {
      if (witnesses === null) return null;
      const onVerdict = (passes: boolean): void =>
        this.addresses.setVerdict({ type: 'witnesses', router: name, passes });
      return new WitnessWatch({ router: name, plan: witnesses, log, makeProbe, now, onVerdict });
    });
    this.names = new Names(options.askName, log, (hostname, answer) => {
      for (const witness of this.witnesses) witness?.handleName(hostname, answer);
    });
    this.notifiers = plan.routers.map(
      (router, i) =>
        new Notifier({
          plan: router,
          user: this.userFor(router.notify.user),
          run: runCommand,
          log,
          environment: {
            EVENKEEL_NODE: plan.node,
            EVENKEEL_INTERFACE: plan.vip.routers[i].interfaceName,
            EVENKEEL_ADDRESSES: [...plan.vip.routers[i].addresses, ...plan.vip.routers[i].excluded]
              .map(({ address, prefixLength }) => `${address}/${prefixLength}`)
              .join(' '),
          },
        }),
    );
    this.histories = plan.routers.map(() => new History());
  }

  /** Resolves when the routers take part, with their names. Rejects, with the reason, if they cannot. */
  async start(): Promise<string> {
    const { plan } = this.options;
    const hostnames = this.witnesses.flatMap((witness) => witness?.hostnames ?? []);
    void this.names.apply([...new Set(hostnames)]);
    for (const witness of this.witnesses) witness?.start();
    await this.firstVerdicts();
    this.addresses.inherit(this.restraints.inherit(this.options.isRestrained));
    await this.addresses.start();
    return plan.vip.routers.map(({ name, interfaceName }) => `${name} on ${interfaceName}`).join(', ');
  }

  /** Hands the addresses over. Resolves when nobody expects this node to serve any more. */
  async release(): Promise<void> {
    await this.addresses.stop();
    this.stopWatches();
  }

  /** Resolves when the programs that were to be run have ended, at the latest after so many milliseconds. */
  async finish(withinMs: number): Promise<void> {
    await Promise.all(this.notifiers.map((notifier) => notifier.finish(withinMs)));
  }

  /** Ends everything now. */
  kill(): void {
    this.addresses.kill();
    this.stopWatches();
    for (const notifier of this.notifiers) notifier.stop();
  }

  /** Gives the addresses of a router, and of its group, to a peer, for so long (null: until `resume`). */
  handOver(router: string, forMs: number | null, by: string | null): MoveResult {
    const history = this.historyOf(router);
    if (history === undefined) return unknownRouter(router);
    if (history.state !== 'active') {
      return { kind: 'refused', why: `${router} is ${history.state} here: there is nothing to hand over` };
    }
    this.options.log.info(`virtual router ${router}: hand-over ordered${by === null ? '' : ` by ${by}`}`);
    this.restraints.handleOrder(this.groupOf(router), by);
    this.addresses.handOver(router, forMs);
    return { kind: 'ordered' };
  }

  resume(router: string, by: string | null): MoveResult {
    if (this.historyOf(router) === undefined) return unknownRouter(router);
    const isHeldBack = this.groupOf(router).some((name) => this.restraints.isHeldBack(name));
    const what = isHeldBack ? 'resume ordered' : 'resume ordered, and nothing holds it back';
    this.options.log.info(`virtual router ${router}: ${what}${by === null ? '' : ` by ${by}`}`);
    this.restraints.handleOrder(this.groupOf(router), by);
    this.addresses.resume(router);
    return { kind: 'ordered' };
  }

  status(): HaStatus {
    return haStatus({
      plan: this.options.plan,
      nowMs: this.options.now(),
      owner: this.addresses.process,
      accounts: this.addresses.status(),
      watches: this.watches.map((watch) => watch.status()),
      witnesses: this.witnesses.map((witness) => witness?.status() ?? []),
      histories: this.histories,
      restraints: this.options.plan.routers.map(({ name }) => this.restraints.view(name)),
    });
  }

  // --- inside ---

  private async firstVerdicts(): Promise<void> {
    const all = new Promise<void>((resolve) => {
      this.whenAllHaveVerdicts = resolve;
    });
    this.watches.forEach((watch, index) => {
      let isFirst = true;
      watch.start((isUp) => {
        this.handleVerdict(index, isUp);
        if (isFirst && --this.waitsFor === 0) this.whenAllHaveVerdicts();
        isFirst = false;
      });
    });
    if (this.waitsFor === 0) return;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, FIRST_VERDICTS_MS_MAX);
    });
    await Promise.race([all, timeout]);
    clearTimeout(timer);
  }

  private handleVerdict(watch: number, isUp: boolean): void {
    for (const router of this.options.plan.routers) {
      router.watches.forEach((each, index) => {
        if (each === watch) this.addresses.setVerdict({ type: 'tracked', router: router.name, index, isUp });
      });
    }
  }

  private handleChange(change: RoleChange): void {
    const { plan, now, notifyServiceManager } = this.options;
    const index = plan.routers.findIndex(({ name }) => name === change.router);
    if (index < 0) return;
    this.histories[index].handleChange(change, now());
    const told = this.addresses.status().find(({ status }) => status.name === change.router);
    this.notifiers[index].handleChange(change, told?.status.priority ?? plan.vip.routers[index].priority);
    const roles = plan.routers.map(({ name }, i) => `${name} ${roleOf(this.histories[i].state)}`);
    notifyServiceManager(`STATUS=${roles.join(', ')}`);
  }

  /** The names of all that move together with it. */
  private groupOf(router: string): readonly string[] {
    const { routers } = this.options.plan.vip;
    const group = routers.find(({ name }) => name === router)?.group ?? null;
    return group === null ? [router] : routers.filter((each) => each.group === group).map(({ name }) => name);
  }

  private async checkServing(router: string): Promise<void> {
    const { plan, listeners, makeProbe } = this.options;
    const index = plan.routers.findIndex(({ name }) => name === router);
    if (index < 0) return;
    const { serves } = plan.routers[index];
    const { addresses, interfaceName } = plan.vip.routers[index];
    const hosts = addresses.map(({ address }) => address);
    this.addresses.setServing(
      router,
      await checkServing({ addresses: hosts, interfaceName, serves, listeners: listeners(), makeProbe }),
    );
  }

  private historyOf(router: string): History | undefined {
    return this.histories[this.options.plan.routers.findIndex(({ name }) => name === router)];
  }

  private stopWatches(): void {
    for (const watch of this.watches) watch.stop();
    for (const witness of this.witnesses) witness?.stop();
    this.names.stop();
  }

  private createWatch(plan: WatchPlan): Watch {
    const { log, now, runCommand } = this.options;
    const name = watchName(plan);
    if (plan.kind !== 'script') return new LookWatch(name, this.createLook(plan), log, now);
    const user = this.userFor(plan.user);
    return new ScriptWatch({ plan, name, user, run: runCommand, log, now });
  }

  private createLook(plan: Exclude<WatchPlan, { kind: 'script' }>): Look {
    const { board, closedListeners, serversOf } = this.options;
    if (plan.kind === 'proxy') return lookAtProxies(board, closedListeners);
    if (plan.kind === 'process') return lookForProcess(plan, readText, listProcesses);
    return lookAtUpstream(board, () => serversOf(plan.upstream));
  }

  /** Asked once for each name: it may take a directory service. */
  private userFor(name: string | null): CommandUser | null | string {
    const known = this.users.get(name);
    if (known !== undefined) return known;
    const user = chooseUser(name, this.options.ownUid);
    this.users.set(name, user);
    return user;
  }
}

function unknownRouter(router: string): MoveResult {
  return { kind: 'unknown', why: `there is no virtual router ${router}` };
}

/** None if there is no descriptor left to look with. */
function listProcesses(): readonly string[] {
  try {
    return readdirSync('/proc');
  } catch {
    return [];
  }
}

/** A file of the kernel's: it is read without waiting for a disk. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return null;
  }
}
