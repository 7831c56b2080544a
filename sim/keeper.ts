/**
 * A stand-in for the keeper: writes the status board's server table, moves servers to new addresses, and ejects a server for
 * a while when real traffic fails on it, as the passive health of `core/health` counts.
 */
import {
  SERVER_DOWN,
  SERVER_DRAINING,
  SERVER_EJECTED,
  SERVER_EMPTY,
  SERVER_UP,
  WEIGHT_UNIT,
  type Board,
  type ServerState,
} from '../src/base/board.ts';
import { parseIPv4 } from '../src/base/address.ts';
import type { AdminState, UpstreamPlan } from '../src/config/plan/upstream.ts';
import { stateOnBoard } from '../src/core/health/upstream-health.ts';
import { FailureWindow } from '../src/core/health/passive.ts';
import type { ProxyEvent } from '../src/proxy/proxy.ts';
import type { Acceptor, Network } from './network.ts';
import type { KeeperStep } from './scenario-keeper.ts';
import { HARMLESS_FAULTS } from './faults.ts';
import { type Scenario } from './scenario.ts';
import type { World } from './world.ts';

interface Line {
  readonly server: Reachable;
  state: ServerState;
  admin: AdminState;
  readonly upstream: UpstreamPlan;
  readonly isBackup: boolean;
  /** How often the place has been given to another server. */
  epoch: number;
  /** Connections that were tried since. */
  connects: number;
  weight: number;
  host: string;
  port: number;
  moves: number;
  ejectedUntilUs: number;
  window: FailureWindow | null;
  ejectMs: number;
  /** Since when the board has said what it says now. */
  changedAtUs: number;
  /** Since when an operator has said what he says now. */
  overriddenAtUs: number;
}

/** What clients, the keeper, the configuration and this machine's own shortages do is no server's fault. */
const BLAMELESS: ReadonlySet<string> = new Set([
  ...HARMLESS_FAULTS,
  'slowClients',
  'silentClients',
  'hostileClients',
  'overLimits',
  'flaps',
  'tightLimits',
  'drain',
  'connectFails',
  'acceptFails',
  'fewSlots',
  'shortages',
]);

function isHashed({ balance }: UpstreamPlan): boolean {
  return balance === 'hash' || balance === 'source-hash';
}

function takesConnections({ admin, weight, state, upstream }: Line): boolean {
  const onBoard = stateOnBoard({ state: admin, weight }, state);
  return onBoard === SERVER_UP || (onBoard === SERVER_DRAINING && isHashed(upstream));
}

const STATES = { up: SERVER_UP, down: SERVER_DOWN, ejected: SERVER_EJECTED, empty: SERVER_EMPTY } as const;

/** What answers at a server's address; `mode` can be changed. */
export interface Reachable extends Acceptor {
  mode: Acceptor['mode'];
}

export class Keeper {
  isDrained = false;
  private readonly world: World;
  private readonly network: Network;
  private readonly board: Board;
  /** By slot; a slot without server has none. */
  private readonly lines = new Map<number, Line>();
  /** Something in the run can make a server look bad. */
  private readonly isBlameable: boolean;
  private readonly reachables: readonly Reachable[];
  /** So long after a change the proxy has had a turn. */
  private readonly knowsAfterUs: number;
  private readonly paused = new Set<string>();

  constructor(world: World, network: Network, board: Board, scenario: Scenario, reachables: readonly Reachable[]) {
    this.world = world;
    this.network = network;
    this.board = board;
    this.reachables = reachables;
    this.knowsAfterUs = scenario.transport.lateOneIn > 0 ? 10_000_000 : 100_000;
    this.isBlameable = [...scenario.faults].some((fault) => !BLAMELESS.has(fault));
    for (const server of scenario.servers) {
      const upstream = scenario.plan.upstreams[server.upstream];
      const configured = upstream.servers.find(
        (candidate) => server.slot >= candidate.firstSlot && server.slot < candidate.firstSlot + candidate.slotCount,
      );
      this.lines.set(server.slot, {
        server: reachables[server.index],
        state: SERVER_UP,
        admin: 'enabled',
        upstream,
        isBackup: configured?.backup ?? false,
        epoch: 0,
        connects: 0,
        weight: (configured?.weight ?? 1) * WEIGHT_UNIT,
        host: server.host,
        port: server.port,
        moves: 0,
        ejectedUntilUs: 0,
        window:
          upstream.passive === null ? null : new FailureWindow(upstream.passive.failures, upstream.passive.withinMs),
        ejectMs: upstream.passive?.ejectMs ?? 0,
        changedAtUs: 0,
        overriddenAtUs: 0,
      });
      network.acceptors.set(`${server.host}:${server.port}`, reachables[server.index]);
    }
    this.publish();
    for (const step of scenario.keeper.steps) world.schedule(step.atUs, () => this.take(step));
  }

  handleEvent(event: ProxyEvent): void {
    this.world.note('event %a', event.kind);
    if (event.kind === 'drained') this.isDrained = true;
    if (event.kind === 'accept-paused' || event.kind === 'accept-resumed') this.noteAccepting(event);
    if (event.kind !== 'server-failed') return;
    if (!this.isBlameable && !event.reason.startsWith('status ')) {
      this.world.fail('wrong blame', `server ${event.slot} has failed, it is said: ${event.reason}`);
    }
    const line = this.line(event.slot);
    if (event.epoch !== line.epoch) {
      if (event.epoch > line.epoch)
        this.world.fail('wrong blame', `server ${event.slot} never had epoch ${event.epoch}`);
      this.world.note('an outdated report, of server %a', event.slot);
      return;
    }
    if (line.connects === 0) {
      this.world.fail('wrong blame', `server ${event.slot} has failed, it is said, and has had no connection yet`);
    }
    if (line.window === null || line.state !== SERVER_UP) return;
    if (!line.window.handleFailures(this.world.nowUs / 1000, event.count)) return;
    this.world.note('keeper ejects server %a', event.slot);
    this.change(event.slot, SERVER_EJECTED);
    this.world.schedule(line.ejectMs * 1000, () => {
      if (line.state === SERVER_EJECTED) this.change(event.slot, SERVER_UP);
    });
  }

  /** A connection attempt is right only to an address that the board has, or had a moment ago, for a server that is up. */
  isUsable(address: string, sinceUs: number): boolean {
    return [...this.lines.values()].some((line) => {
      const isHere = address === `${line.host}:${line.port}`;
      return (isHere && takesConnections(line)) || line.changedAtUs >= sinceUs;
    });
  }

  /** A connection is tried to this address; to one that nobody has any more: whoever had it. */
  noteConnect(address: string): void {
    const here = [...this.lines.values()].filter((line) => address === `${line.host}:${line.port}`);
    for (const line of here.length > 0 ? here : this.lines.values()) line.connects++;
  }

  /** The request began so late that the proxy knew how the server stands. */
  checkArrival(server: number, begunAtUs: number): void {
    const found = [...this.lines].find(([, { server: reachable }]) => reachable === this.reachables[server]);
    if (found === undefined) return;
    const [slot, line] = found;
    if (line.admin === 'enabled' || begunAtUs <= line.overriddenAtUs + this.knowsAfterUs) return;
    if (line.admin === 'drain' && isHashed(line.upstream)) return;
    this.world.fail('drained server', `server ${slot} is ${line.admin}, and got a request that began after that`);
  }

  /** Another server has these places now: nothing is known of it. */
  handleReplaced(firstSlot: number, slotCount: number, epoch: number): void {
    for (let slot = firstSlot; slot < firstSlot + slotCount; slot++) {
      const line = this.lines.get(slot);
      if (line === undefined) continue;
      line.epoch = epoch;
      line.connects = 0;
      const { passive } = line.upstream;
      if (passive !== null) line.window = new FailureWindow(passive.failures, passive.withinMs);
      if (line.state === SERVER_EJECTED) this.change(slot, SERVER_UP);
    }
  }

  private noteAccepting(event: ProxyEvent & { readonly listener: string }): void {
    const isPaused = event.kind === 'accept-paused';
    if (this.paused.has(event.listener) === isPaused)
      this.world.fail('events', `${event.kind} of ${event.listener}, again`);
    if (isPaused) this.paused.add(event.listener);
    else this.paused.delete(event.listener);
  }

  /** Never the last one of its upstream: without one there would be reason for errors. */
  private override(slot: number, state: AdminState): void {
    const line = this.line(slot);
    const others = [...this.lines.values()].filter((each) => each.upstream === line.upstream && each !== line);
    if (state !== 'enabled' && !others.some(({ admin, isBackup }) => admin === 'enabled' && !isBackup)) return;
    line.admin = state;
    line.changedAtUs = this.world.nowUs;
    line.overriddenAtUs = this.world.nowUs;
    this.publish();
  }

  private change(slot: number, state: ServerState): void {
    const line = this.line(slot);
    line.state = state;
    line.changedAtUs = this.world.nowUs;
    this.publish();
  }

  private line(slot: number): Line {
    return this.lines.get(slot) ?? this.world.fail('server that is down', `slot ${slot} has no server`);
  }

  private take(step: KeeperStep): void {
    const line = this.line(step.slot);
    this.world.note('keeper: %a of server %b', step.kind, step.slot);
    switch (step.kind) {
      case 'state':
        this.change(step.slot, STATES[step.state]);
        return;
      case 'override':
        return this.override(step.slot, step.state);
      case 'weight':
        line.weight = step.share;
        this.publish();
        return;
      case 'reach':
        line.server.mode = step.mode;
        return;
      case 'move': {
        const old = `${line.host}:${line.port}`;
        line.moves++;
        const host = `10.1${line.moves}.${step.slot}.1`;
        this.network.acceptors.set(`${host}:${line.port}`, line.server);
        this.network.acceptors.delete(old);
        this.world.schedule(step.lagUs, () => {
          line.host = host;
          line.changedAtUs = this.world.nowUs;
          this.publish();
        });
      }
    }
  }

  private publish(): void {
    this.board.update((set) => {
      this.lines.forEach((line, slot) => {
        const address = new Uint8Array(16);
        address.set(parseIPv4(line.host) as Uint8Array);
        const isEmpty = line.state === SERVER_EMPTY;
        set(slot, {
          state: stateOnBoard({ state: line.admin, weight: line.weight }, line.state),
          weight: line.weight,
          family: isEmpty ? 0 : 4,
          port: isEmpty ? 0 : line.port,
          isBackup: false,
          address,
        });
      });
    });
  }
}
