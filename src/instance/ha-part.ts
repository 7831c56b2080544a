/** The virtual addresses of one running evenkeel, which it has if its file has an `ha` part: they come and go with that. */
import { bootTimeUs } from '../io/linux/segment/system.ts';
import type { HaPlan } from '../config/plan/ha.ts';
import { openFifo } from '../io/linux/fifo.ts';
import { findUser } from '../io/linux/users.ts';
import { runCommand } from '../keeper/ha/command.ts';
import { HaKeeper, type HaKeeperOptions, type MoveResult } from '../keeper/ha/ha-keeper.ts';
import { restraintFile } from '../keeper/ha/restraint-file.ts';
import type { StartRestraint } from '../keeper/ha/restraints.ts';
import { VipLink } from '../keeper/ha/vip-link.ts';
import type { Keeper } from '../keeper/keeper.ts';
import type { Log } from '../keeper/log/log.ts';
import type { Overrides } from '../keeper/overrides.ts';
import { askSystem } from '../keeper/servers/names.ts';
import { probe } from '../keeper/servers/probe.ts';
import { unusedOf } from '../load/tls/faults.ts';
import { createVipMachine } from '../process/vip-host.ts';
import type { InForce } from './in-force.ts';
import type { InheritedHa } from './upgrade/succession.ts';

export interface HaPartOptions {
  readonly keeper: Keeper;
  readonly inForce: InForce;
  readonly overrides: Overrides;
  readonly log: Log;
  /** Runs this program's main file: the interpreter, the file. */
  readonly command: readonly [string, string];
  readonly runDirectory: string;
  readonly stateDirectory: string;
  /** Virtual routers do not preempt. */
  readonly isRestrained: boolean;
  readonly staysInForeground: boolean;
  readonly notifyServiceManager: (state: string) => void;
  /** How long what an end runs may take. */
  readonly graceMs: () => number;
  readonly onOtherProgram: () => void;
  readonly agreeToGo: HaKeeperOptions['agreeToGo'];
}

const NOT_STARTED: MoveResult = { kind: 'unknown', why: 'the virtual routers have not started yet' };
const NO_ROUTERS: MoveResult = { kind: 'unknown', why: 'this evenkeel has no virtual routers: its file has no `ha`' };
const NO_ROUTERS_LEFT =
  'the file has no `ha` part any more, and the running evenkeel has virtual addresses: reload before the upgrade';

export class HaPart {
  private readonly options: HaPartOptions;
  private current: HaKeeper | null = null;

  constructor(options: HaPartOptions) {
    this.options = options;
  }

  /** Null: there are no virtual addresses, or not yet. */
  get keeper(): HaKeeper | null {
    return this.current;
  }

  /** With the virtual addresses of the predecessor. Rejects with the reason. */
  async prepare(inherited: InheritedHa): Promise<void> {
    const { ha } = this.options.inForce.loaded.ready;
    if (ha === null) throw new Error(NO_ROUTERS_LEFT);
    this.current = this.create(ha, null, inherited);
    await this.current.start();
  }

  /** To be called when everything serves. Resolves with the routers' names, empty if there are none. Rejects with the reason. */
  async start(): Promise<string> {
    const { ha } = this.options.inForce.loaded.ready;
    if (ha === null) return '';
    if (this.current !== null) return this.current.description;
    this.current = this.create(ha, this.startRestraint());
    return this.current.start();
  }

  /** To be called when everything serves. Rejects with nothing changed. */
  async apply(plan: HaPlan | null): Promise<void> {
    const { current } = this;
    if (plan === null) {
      this.current = null;
      await current?.release();
      // What is run for that may take its time, and holds up nothing.
      void current?.finish(this.options.graceMs());
    } else if (current === null) {
      const created = this.create(plan, null);
      this.current = created;
      try {
        await created.start();
      } catch (error) {
        created.kill();
        this.current = null;
        throw error;
      }
    } else {
      await current.apply(plan);
    }
  }

  async move(order: (ha: HaKeeper) => MoveResult | Promise<MoveResult>): Promise<MoveResult> {
    if (this.current !== null) return order(this.current);
    return this.options.inForce.loaded.ready.ha === null ? NO_ROUTERS : NOT_STARTED;
  }

  // --- inside ---

  /** A peer that has all certificates serves more than this node. */
  private startRestraint(): StartRestraint | null {
    if (this.options.isRestrained) return 'start';
    return unusedOf(this.options.inForce.certificates).faults.length > 0 ? 'certificates' : null;
  }

  private create(ha: HaPlan, restraint: StartRestraint | null, inherited: InheritedHa | null = null): HaKeeper {
    const { keeper, inForce, overrides, log, command, runDirectory, stateDirectory, staysInForeground } = this.options;
    const { agreeToGo, onOtherProgram, notifyServiceManager } = this.options;
    return new HaKeeper({
      plan: ha,
      serversOf: (upstream) => keeper.serversOf(upstream),
      listeners: () => inForce.loaded.ready.plan.listeners,
      board: keeper.board,
      closedListeners: () => keeper.closedListeners,
      log,
      createAddresses: (events) =>
        new VipLink({
          plan: ha.vip,
          log,
          ...events,
          ...createVipMachine(command, runDirectory, inherited?.board ?? null, staysInForeground),
          heritage: inherited === null ? null : { vip: inherited.heritage.vip, lifeline: inherited.lifeline },
          onOtherProgram,
        }),
      runCommand,
      openFifo,
      makeProbe: (health, address, serverName) => probe(health, address, serverName),
      askName: askSystem,
      ownUid: process.getuid?.() ?? -1,
      findUser,
      notifyServiceManager,
      restraintFile: restraintFile(stateDirectory, ha.node, log),
      isDrained: () => overrides.isNodeDrained,
      agreeToGo,
      endConnections: (addresses) => keeper.abandon(addresses),
      restraint,
      heritage: inherited?.heritage ?? null,
      now: () => performance.now(),
      bootMs: () => bootTimeUs() / 1_000,
      unixMs: Date.now,
    });
  }
}
