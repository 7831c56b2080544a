/**
 * The vip process: owns the virtual addresses of this node, and nothing else runs on its loop. It is told what to do by the
 * keeper, and does it also while the keeper is busy; when the keeper is gone, or stands still, it hands over and ends.
 *
 * It is started ahead of time and gets everything ready. It takes part when the keeper says so, or when the process that it
 * stands by for is gone: it hears that before the keeper does, and also while the keeper is busy, or gone too.
 */
import { closeSync } from 'node:fs';
import { HeartbeatWatch } from '../core/heartbeat.ts';
import { holdLifeline } from '../io/linux/lifeline.ts';
import { forbidDumps, forbidGain } from '../io/linux/privileges.ts';
import { openSharedMemory } from '../io/linux/shared-memory.ts';
import { EventLoop } from '../io/linux/segment/event-loop.ts';
import { LinuxSegmentHost } from '../io/linux/segment/linux-segment-host.ts';
import { becomePunctual, collectYoung } from '../io/linux/segment/punctuality.ts';
import { startRefreshThread } from '../io/linux/segment/refresh-thread.ts';
import { StreamSocket } from '../io/linux/segment/stream-socket.ts';
import { bootTimeUs } from '../io/linux/segment/system.ts';
import { EXIT_OTHER_PROGRAM } from '../keeper/proxies/proxy-arguments.ts';
import type { VipSpawnRole } from '../keeper/ha/vip-child.ts';
import { ControlLines, encodeLine } from '../port/control.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { VipBoard } from '../vip/board.ts';
import { warnForKeeper } from './last-word.ts';
import { type KeeperToVip, parseKeeperToVip, VIP_LINE_BYTES_MAX, type VipToKeeper } from '../vip/messages.ts';
import type { Predecessor } from '../vip/legacy.ts';
import { VipOwner } from '../vip/owner.ts';
import type { VipPlan } from '../vip/plan.ts';
import { mayYield, yieldsByUs } from '../vip/yielding.ts';

/** What it inherits from the keeper. */
const CONTROL_DESCRIPTOR = 3;
const BOARD_DESCRIPTOR = 4;
/** Its own, and that of the process that it stands by for. */
const LIFELINE_DESCRIPTOR = 5;
/** The keeper's stderr, for what the keeper cannot say any more. */
const LOG_DESCRIPTOR = 6;
const WATCHED_DESCRIPTOR = 7;

/** A loop that has nothing to do turns this often, so that the keeper sees that it can. */
const IDLE_US = 200_000;
/** A keeper that stood still for so long is as good as gone: nobody looks whether anything here serves. */
const KEEPER_SILENCE_MS_MAX = 10_000;
/** How often the keeper is told the status of each router. */
const STATUS_US = 1_000_000;
/** How often memory is collected, and the time that must be left until something is due. */
const COLLECT_US = 500_000;
const COLLECT_SLACK_US = 5_000;

/** Returns the exit code. */
export function runVip(runDirectory: string, role: VipSpawnRole): number {
  process.title = 'evenkeel: vip (standby)';
  if (!isProgramOfKeeper(process.env)) return EXIT_OTHER_PROGRAM;
  const lifeline = holdLifeline(LIFELINE_DESCRIPTOR);
  forbidDumps();
  forbidGain();
  ignoreSignals();
  new VipProcess(runDirectory, role, lifeline).run();
  return 0;
}

/** What a signal to the whole service means is for the keeper to say; a handler that never runs is enough to survive it. */
function ignoreSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
}

class VipProcess {
  private readonly runDirectory: string;
  private readonly role: VipSpawnRole;
  private readonly lifeline: number;
  private readonly loop = new EventLoop();
  private readonly board = new VipBoard(openSharedMemory(BOARD_DESCRIPTOR, 'write'));
  private readonly control: StreamSocket;
  private readonly refreshes = startRefreshThread();
  private readonly keeperWatch = new HeartbeatWatch(IDLE_US / 1_000);
  private scheduling = '';
  private host: LinuxSegmentHost | null = null;
  private owner: VipOwner | null = null;
  private hasBegun = false;
  /** Stands by, and the keeper is gone. */
  private isOrphan = false;
  private isStopping = false;
  private isOver = false;
  /** Until when it waits for a good moment to yield; null: it is not to. */
  private yieldUs: number | null = null;
  private plan: VipPlan = { routers: [] };
  private predecessor: number | null = null;
  /** Routers whose status is told without waiting for its turn. */
  private readonly changed = new Set<string>();
  private nextStatus = 0;
  private statusUs = Number.POSITIVE_INFINITY;
  private collectUs = 0;

  constructor(runDirectory: string, role: VipSpawnRole, lifeline: number) {
    this.runDirectory = runDirectory;
    this.role = role;
    this.lifeline = lifeline;
    const lines = new ControlLines(VIP_LINE_BYTES_MAX);
    this.control = new StreamSocket(
      CONTROL_DESCRIPTOR,
      this.loop,
      (bytes, length) => lines.push(bytes, 0, length, (line) => this.handleLine(line)),
      () => {
        this.sayKeeperGone();
        this.handleKeeperGone();
      },
    );
    // Nobody writes to it: readable is at its end.
    if (role === 'standby') this.loop.add(WATCHED_DESCRIPTOR, () => this.handleWatchedGone());
  }

  run(): void {
    while (!this.isOver) {
      this.loop.turn(this.nextTurnUs());
      this.host?.update();
      this.owner?.tick();
      this.leaveTraces();
      this.watchKeeper();
      if (this.yieldUs !== null && this.isGoodMoment(this.yieldUs)) this.vanish();
      else if (this.isStopping && this.owner?.hasStopped !== false) this.end();
      else this.sayStatus();
      this.collect();
    }
  }

  // --- inside ---

  private nextTurnUs(): number {
    const idleUs = bootTimeUs() + IDLE_US;
    if (this.owner === null || this.host === null) return idleUs;
    return this.host.isUpdateDue ? 0 : Math.min(idleUs, this.owner.deadlineUs, this.statusUs);
  }

  private leaveTraces(): void {
    // The board is that of the process that takes part.
    if (this.hasBegun) this.owner?.leaveTraces(this.board);
  }

  private handleLine(line: string | null): void {
    const message = line === null ? null : parseKeeperToVip(line);
    if (message !== null) this.handleMessage(message);
  }

  private handleMessage(message: KeeperToVip): void {
    switch (message.type) {
      case 'prepare':
        this.prepare(message);
        break;
      case 'apply':
        this.apply(message);
        break;
      case 'begin':
        this.begin();
        break;
      case 'tracked':
        this.owner?.handleTracked(message.router, message.index, message.isUp, message.amount);
        break;
      case 'witnesses':
        this.owner?.handleWitnesses(message.router, message.passes);
        break;
      case 'lease':
        this.owner?.handleLease(message.router, message.untilUs);
        if (this.hasBegun) this.say({ type: 'lease-known', router: message.router, number: message.number });
        break;
      case 'hand-over':
        this.owner?.handOver(message.router, message.untilUs ?? Number.POSITIVE_INFINITY);
        break;
      case 'serving':
        this.owner?.handleServing(message.router, message.verdict);
        break;
      case 'resume':
        this.owner?.resume(message.router);
        break;
      case 'watch':
        this.watch();
        break;
      case 'yield':
        this.yield();
        break;
      case 'stop':
        this.stop(message.isGraceful);
        break;
    }
  }

  private prepare({ generation, plan, verdicts, predecessor }: Extract<KeeperToVip, { type: 'prepare' }>): void {
    const note = (message: string): void => {
      // Two that see the same need not both tell it.
      if (this.role === 'first' || this.hasBegun) this.say({ type: 'note', message });
    };
    const { loop, runDirectory, refreshes } = this;
    const host = new LinuxSegmentHost({ readable: loop, note, runDirectory, refreshes });
    this.host = host;
    this.owner = new VipOwner(plan, host, {
      handleChange: (change) => {
        this.changed.add(change.router);
        this.say({ type: 'change', change });
      },
      handleEvidence: (router, evidence) => this.say({ type: 'evidence', router, evidence }),
      handleRestraint: (change) => {
        this.changed.add(change.router);
        this.say({ type: 'restraint', change });
      },
      handleAskServing: (router) => this.say({ type: 'ask-serving', router }),
      handleEndConnections: (router, addresses) => this.say({ type: 'end-connections', router, addresses }),
    });
    this.plan = plan;
    this.predecessor = predecessor;
    host.update();
    for (const verdict of verdicts) this.handleMessage(verdict);
    // Not before: what a start costs must not be taken from the process that takes part.
    this.scheduling = becomePunctual();
    this.say({ type: 'ready', generation });
  }

  /** Also while it stands by: whoever dies, its successor goes by the same plan. */
  private apply({ generation, plan, verdicts }: Extract<KeeperToVip, { type: 'apply' }>): void {
    this.owner?.apply(plan);
    this.plan = plan;
    for (const verdict of verdicts) this.handleMessage(verdict);
    for (const { name } of plan.routers) this.changed.add(name);
    this.say({ type: 'applied', generation });
  }

  private begin(): void {
    const { host, owner } = this;
    if (this.hasBegun || host === null || owner === null) return;
    this.hasBegun = true;
    this.loop.remove(WATCHED_DESCRIPTOR);
    owner.start(this.findPredecessor());
    this.leaveTraces();
    // What is urgent is done.
    host.settle(this.predecessor === null ? [] : [this.predecessor]);
    this.say({ type: 'started', scheduling: this.scheduling });
    process.title = 'evenkeel: vip';
    this.statusUs = bootTimeUs();
  }

  private watch(): void {
    this.loop.add(WATCHED_DESCRIPTOR, () => this.handleWatchedGone());
    this.say({ type: 'watching' });
  }

  private yield(): void {
    this.yieldUs = yieldsByUs(this.plan, bootTimeUs());
  }

  private isGoodMoment(byUs: number): boolean {
    return this.owner === null || mayYield(this.owner, this.plan, bootTimeUs(), byUs);
  }

  /** What it has said on the board and has done to the machine stays: whoever watches its lifeline goes on with it. */
  private vanish(): void {
    this.leaveTraces();
    this.isOver = true;
    closeSync(this.lifeline);
  }

  /** Nobody else on this machine would. */
  private sayKeeperGone(): void {
    if (!this.hasBegun || this.isStopping || this.yieldUs !== null) return;
    const isService = process.env['NOTIFY_SOCKET'] !== undefined;
    const proxies = isService ? 'its proxies finish what they have' : 'its proxies serve on until the next start';
    warnForKeeper(LOG_DESCRIPTOR, `the keeper is gone: the addresses are handed over, and ${proxies}`);
  }

  private handleKeeperGone(): void {
    // Its keeper has none left but this one, and another keeper's goes on with everything.
    if (this.yieldUs !== null) return;
    if (this.role === 'heir' && !this.hasBegun) {
      // The one that it stands by for has a keeper, which looks after it.
      this.isOver = true;
      return;
    }
    // The process that takes part hands over and ends. Should it have been killed too, that is left to this one.
    if (this.role === 'standby' && !this.hasBegun) this.isOrphan = true;
    else this.stop(true);
  }

  private watchKeeper(): void {
    if (this.isStopping || this.isOrphan) return;
    const silenceMs = this.keeperWatch.handleLook(bootTimeUs() / 1_000, this.board.keeperHeartbeat);
    if (silenceMs < KEEPER_SILENCE_MS_MAX) return;
    const message = `the keeper did not run for ${KEEPER_SILENCE_MS_MAX / 1_000} s: the addresses are handed over`;
    if (this.hasBegun) this.say({ type: 'note', message });
    this.handleKeeperGone();
  }

  private handleWatchedGone(): void {
    if (this.isOver) return;
    const isHeld = this.plan.routers.some(({ slot }) => this.board.lastAdvertUs(slot) !== null);
    if (!this.isOrphan || isHeld) this.begin();
    if (this.isOrphan) this.stop(true);
  }

  private findPredecessor(): Predecessor {
    return new Map(
      this.plan.routers.map(({ name, slot }) => {
        const lastAdvertUs = this.board.wasGivenUp(slot) ? 0 : this.board.lastAdvertUs(slot);
        return [name, { lastAdvertUs, restraint: this.board.restraint(slot), followedUs: this.board.followedUs(slot) }];
      }),
    );
  }

  private stop(isGraceful: boolean): void {
    this.isStopping = true;
    this.owner?.stop(isGraceful);
  }

  private end(): void {
    this.owner?.close();
    this.host?.close();
    this.leaveTraces();
    this.say({ type: 'stopped' });
    this.isOver = true;
  }

  private sayStatus(): void {
    const { plan } = this;
    if (!this.hasBegun) return;
    for (const router of this.changed) this.sayStatusOf(router);
    this.changed.clear();
    if (bootTimeUs() < this.statusUs) return;
    const count = Math.max(1, plan.routers.length);
    // One at a time: with many of them, none has to wait for the status of all.
    this.nextStatus = (this.nextStatus + 1) % count;
    if (plan.routers.length > 0) this.sayStatusOf(plan.routers[this.nextStatus].name);
    this.statusUs = bootTimeUs() + STATUS_US / count;
  }

  private sayStatusOf(router: string): void {
    const status = this.owner?.statusOf(router) ?? null;
    if (status !== null) this.say({ type: 'status', status });
  }

  /** In the moment after an advert: the next one is a whole interval away. */
  private collect(): void {
    const nowUs = bootTimeUs();
    if (nowUs < this.collectUs || this.nextTurnUs() - nowUs < COLLECT_SLACK_US) return;
    this.collectUs = nowUs + COLLECT_US;
    collectYoung();
  }

  private say(message: VipToKeeper): void {
    this.control.write(encodeLine(message));
  }
}
