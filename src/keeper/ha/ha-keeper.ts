/**
 * The keeper's part in the virtual addresses: watches what they depend on and tells their owner, runs the operator's
 * programs when a role changes, and remembers what happened for whoever asks. It decides nothing about addresses, and while
 * it is busy or gone their owner goes on.
 */
import { readdirSync, readFileSync } from 'node:fs';
import type { Board } from '../../base/board.ts';
import { watchName } from '../../config/compile-ha.ts';
import type { HaPlan, WatchPlan } from '../../config/ha-plan.ts';
import type { UpstreamPlan } from '../../config/plan.ts';
import type { Evidence } from '../../core/vrrp/observer.ts';
import type { RoleChange } from '../../vip/status.ts';
import type { MakeProbe } from '../health.ts';
import type { Log } from '../log.ts';
import { type AskName, Names } from '../names.ts';
import type { RunCommand } from './command.ts';
import { type CommandUser, chooseUser } from './command-user.ts';
import { type HaStatus, History, haStatus } from './ha-status.ts';
import { type Look, LookWatch, lookAtProxies, lookAtUpstream, lookForProcess } from './look-watch.ts';
import { Notifier, roleOf } from './notifier.ts';
import { ScriptWatch } from './script-watch.ts';
import type { VirtualAddresses } from './virtual-addresses.ts';
import type { Watch } from './watch.ts';
import { WitnessWatch } from './witness-watch.ts';

export interface HaKeeperOptions {
  readonly plan: HaPlan;
  readonly upstreams: readonly UpstreamPlan[];
  readonly board: Board;
  /** Listeners of which no address could be opened. */
  readonly closedListeners: () => readonly string[];
  readonly log: Log;
  readonly createAddresses: (events: AddressEvents) => VirtualAddresses;
  readonly runCommand: RunCommand;
  readonly makeProbe: MakeProbe;
  readonly askName: AskName;
  readonly ownUid: number;
  readonly notifyServiceManager: (state: string) => void;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
}

export interface AddressEvents {
  readonly onChange: (change: RoleChange) => void;
  readonly onEvidence: (router: string, evidence: Evidence) => void;
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
  private readonly users = new Map<string | null, CommandUser | null | string>();
  private waitsFor: number;
  private whenAllHaveVerdicts: () => void = () => undefined;

  constructor(options: HaKeeperOptions) {
    const { plan, log, now, makeProbe, runCommand } = options;
    this.options = options;
    this.addresses = options.createAddresses({
      onChange: (change) => this.handleChange(change),
      onEvidence: (router, evidence) => this.historyOf(router)?.handleEvidence(evidence, now()),
    });
    this.watches = plan.watches.map((watch) => this.createWatch(watch));
    this.waitsFor = this.watches.length;
    this.witnesses = plan.routers.map(({ name, witnesses }) => {
      if (witnesses === null) return null;
      const onVerdict = (passes: boolean): void => this.addresses.setWitnesses(name, passes);
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
    void this.names.start([...new Set(hostnames)]);
    for (const witness of this.witnesses) witness?.start();
    await this.firstVerdicts();
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

  /** Gives the addresses of a router, and of its group, to a peer. False: there is no such router. */
  handOver(router: string): boolean {
    return this.addresses.handOver(router);
  }

  resume(router: string): boolean {
    return this.addresses.resume(router);
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
        if (each === watch) this.addresses.setTracked(router.name, index, isUp);
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
    const { board, closedListeners, upstreams } = this.options;
    if (plan.kind === 'proxy') return lookAtProxies(board, closedListeners);
    if (plan.kind === 'process') return lookForProcess(plan, readText, listProcesses);
    return lookAtUpstream(board, upstreams.find(({ name }) => name === plan.upstream)?.servers ?? []);
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
