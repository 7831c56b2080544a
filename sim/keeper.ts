/**
 * A stand-in for the keeper: writes the status board's server table, moves servers to new addresses, and ejects a server for
 * a while when real traffic fails on it, as the passive health of `core/health` counts.
 */
import {
  SERVER_DOWN,
  SERVER_EJECTED,
  SERVER_EMPTY,
  SERVER_UP,
  WEIGHT_UNIT,
  type Board,
  type ServerState,
} from '../src/base/board.ts';
import { parseIPv4 } from '../src/base/address.ts';
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
  weight: number;
  host: string;
  port: number;
  moves: number;
  ejectedUntilUs: number;
  window: FailureWindow | null;
  ejectMs: number;
  /** Since when the board has said what it says now. */
  changedAtUs: number;
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
  private readonly paused = new Set<string>();

  constructor(world: World, network: Network, board: Board, scenario: Scenario, reachables: readonly Reachable[]) {
    this.world = world;
    this.network = network;
    this.board = board;
    this.isBlameable = [...scenario.faults].some((fault) => !BLAMELESS.has(fault));
    for (const server of scenario.servers) {
      const upstream = scenario.plan.upstreams[server.upstream];
      const configured = upstream.servers.find(
        (candidate) => server.slot >= candidate.firstSlot && server.slot < candidate.firstSlot + candidate.slotCount,
      );
      this.lines.set(server.slot, {
        server: reachables[server.index],
        state: SERVER_UP,
        weight: (configured?.weight ?? 1) * WEIGHT_UNIT,
        host: server.host,
        port: server.port,
        moves: 0,
        ejectedUntilUs: 0,
        window:
          upstream.passive === null ? null : new FailureWindow(upstream.passive.failures, upstream.passive.withinMs),
        ejectMs: upstream.passive?.ejectMs ?? 0,
        changedAtUs: 0,
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
      return (isHere && line.state === SERVER_UP) || line.changedAtUs >= sinceUs;
    });
  }

  private noteAccepting(event: ProxyEvent & { readonly listener: string }): void {
    const isPaused = event.kind === 'accept-paused';
    if (this.paused.has(event.listener) === isPaused)
      this.world.fail('events', `${event.kind} of ${event.listener}, again`);
    if (isPaused) this.paused.add(event.listener);
    else this.paused.delete(event.listener);
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
          state: line.state,
          weight: line.weight,
          family: isEmpty ? 0 : 4,
          port: isEmpty ? 0 : line.port,
          address,
        });
      });
    });
  }
}
