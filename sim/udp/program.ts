/**
 * A keeper with its proxies, each a process of its own. Which sockets go where is decided by production (`SessionMoves`, `socketsOf`), and the proxies are
 * the production ones; the rest stands for the keeper and its supervisor: who starts, is told what in which order, drains, and is gone.
 */
import { Board, SERVER_DOWN, SERVER_UP, WEIGHT_UNIT, type WorkerRow } from '../../src/base/board.ts';
import { encodeUtf8 } from '../../src/base/text.ts';
import type { Plan } from '../../src/config/plan/plan.ts';
import { type OpenListener, socketsOf } from '../../src/keeper/proxies/listeners.ts';
import { type SessionEnd, SessionMoves } from '../../src/keeper/proxies/session-moves.ts';
import type { Host } from '../../src/port/host.ts';
import { type PlannedSocket, Proxy } from '../../src/proxy/proxy.ts';
import type { SessionsWay } from '../../src/port/control.ts';
import type { World } from '../world.ts';
import { openChannel, SimSessionChannel } from './channel.ts';
import type { UdpSabotage } from './datagrams.ts';
import { ipOf, type UdpKernel } from './kernel.ts';
import { UdpTransport, type UdpTransportSpec } from './transport.ts';

/** A message to a proxy takes up to so long. */
const MESSAGE_US = 3_000;
/** From its first instruction to its first turn. */
const START_US = 80_000;
const ROWS = 64;
const GRACE_MS = 60_000;

/** What all programs of a node have together. */
export interface Site {
  readonly world: World;
  readonly kernel: UdpKernel;
  readonly transport: UdpTransportSpec;
  readonly sabotage: UdpSabotage;
  /** Some programs have an engine that does not tell which address a client has asked. */
  readonly hasEngines: boolean;
  /** After every turn of a proxy. */
  readonly watchTurn: (connections: number) => void;
  nextProcess: number;
}

export class Program {
  readonly board: Board;
  private readonly site: Site;
  private readonly moves: SessionMoves;
  private readonly process: number;
  private readonly knowsAsked: boolean;
  /** The bound sockets, by the keeper's numbers of them. */
  private readonly sockets: readonly number[];
  private listeners: readonly OpenListener[] = [];
  private plan: Plan;
  private readonly serving = new Map<number, ProxyProcess>();
  private readonly finishing = new Set<ProxyProcess>();
  /** What follows when these workers serve by the plan. */
  private readonly awaited = new Map<number, () => void>();
  private nextRow = 0;

  /** Takes copies of `sockets`, and the ends of channels that a predecessor's proxies have the other ends of. */
  constructor(site: Site, plan: Plan, sockets: readonly number[], ends: readonly SessionEnd[]) {
    this.site = site;
    this.plan = plan;
    this.process = site.nextProcess++;
    this.knowsAsked = !site.hasEngines || site.world.prng.oneIn(2);
    const { kernel } = site;
    this.sockets = sockets.map((descriptor) => kernel.duplicate(descriptor, this.process));
    this.board = Board.createAlone({ servers: plan.serverSlots, listeners: plan.listeners.length, rows: ROWS });
    const host: Pick<Host, 'createDescriptorPair' | 'closeDescriptor'> = {
      createDescriptorPair: () => (site.sabotage === 'hands-nothing' ? null : openChannel(kernel, this.process)),
      closeDescriptor: (descriptor) => kernel.close(descriptor),
    };
    this.moves = new SessionMoves(host as Host);
    for (const { socket, descriptor } of ends) {
      this.moves.expect({ socket, descriptor: kernel.duplicate(descriptor, this.process) });
      kernel.close(descriptor);
    }
  }

  get isOver(): boolean {
    return this.serving.size === 0 && this.finishing.size === 0;
  }

  get descriptors(): readonly number[] {
    return this.sockets;
  }

  /** Sessions of its proxies. */
  get connections(): number {
    return [...this.serving.values(), ...this.finishing].reduce((sum, proxy) => sum + proxy.connections, 0);
  }

  describe(): string {
    const all = [...this.serving.values(), ...this.finishing];
    return all.map((proxy) => `proxy ${proxy.id} has ${proxy.connections} sessions`).join('; ');
  }

  setServer(slot: number, isUp: boolean): void {
    const { target } = this.plan.upstreams[0].servers.find(({ firstSlot }) => firstSlot === slot)!;
    if (!('host' in target)) return;
    const address = new Uint8Array(16);
    new DataView(address.buffer).setInt32(0, ipOf(target));
    this.board.update((set) => {
      const state = isUp ? SERVER_UP : SERVER_DOWN;
      set(slot, { state, weight: WEIGHT_UNIT, family: 4, port: target.port, isBackup: false, address });
    });
  }

  /** Serves by this plan. `then` follows when every proxy does. */
  apply(plan: Plan, then: () => void): void {
    this.plan = plan;
    const { workers } = plan;
    this.board.workers = workers;
    const { kernel } = this.site;
    const sockets = this.sockets.map((descriptor, id) => ({ id, descriptor }));
    const [listener] = plan.listeners;
    const binds = listener.binds.map((bind) => {
      const own = sockets.filter(({ descriptor }) => kernel.socketOf(descriptor).local.port === bind.address.port);
      return { plan: bind, sockets: own, isKept: false };
    });
    this.listeners = [{ plan: listener, binds, failures: [] }];
    this.moves.handlePlan(this.listeners, workers, (worker, end) => this.sendEnd(worker, end));
    let left = workers;
    const applied = (): void => {
      if (--left > 0) return;
      for (const [worker, proxy] of this.serving) if (worker >= workers) this.finish(worker, proxy);
      then();
    };
    for (let worker = 0; worker < workers; worker++) {
      this.awaited.set(worker, applied);
      this.deliver(worker);
    }
  }

  /** Another program's proxies are to have the sessions: ends of channels for it. */
  bequeath(): readonly SessionEnd[] {
    return this.moves.bequeath((worker, end) => this.sendEnd(worker, end));
  }

  /** Every proxy finishes. */
  drain(): void {
    for (const [worker, proxy] of this.serving) this.finish(worker, proxy);
  }

  /** Everything of it is gone at once. */
  kill(): void {
    for (const proxy of [...this.serving.values(), ...this.finishing]) proxy.end();
    this.serving.clear();
    this.finishing.clear();
    this.close();
  }

  /** The keeper's own descriptors: when all of its proxies are gone. */
  close(): void {
    this.site.kernel.closeAllOf(this.process);
  }

  /** One of its proxies is killed: another one follows, or there is one less that finishes. */
  killProxy(index: number): void {
    const finishing = [...this.finishing];
    const worker = index % (this.plan.workers + finishing.length);
    const proxy = this.serving.get(worker) ?? finishing[worker - this.plan.workers];
    if (proxy === undefined) return;
    this.site.world.note('proxy %a is killed', proxy.id);
    proxy.end();
    if (this.finishing.delete(proxy)) return;
    this.serving.delete(worker);
    this.deliver(worker);
  }

  private sendEnd(worker: number, { socket, descriptor }: SessionEnd): boolean {
    const proxy = this.serving.get(worker);
    if (proxy === undefined) return false;
    proxy.handSessions('out', socket, descriptor);
    return true;
  }

  private deliver(worker: number): void {
    let proxy = this.serving.get(worker);
    if (proxy === undefined) {
      const row = this.nextRow++ % ROWS;
      proxy = new ProxyProcess(this.site, this.board, row, this.knowsAsked, (drained) => this.handleDrained(drained));
      this.serving.set(worker, proxy);
    }
    for (const { socket, descriptor } of this.moves.takeFor(worker)) {
      proxy.handSessions('in', socket, descriptor);
      this.site.kernel.close(descriptor);
    }
    proxy.apply(this.plan, socketsOf(this.listeners, worker, this.plan.workers), () => {
      const then = this.awaited.get(worker);
      this.awaited.delete(worker);
      then?.();
    });
  }

  private finish(worker: number, proxy: ProxyProcess): void {
    this.serving.delete(worker);
    this.finishing.add(proxy);
    proxy.drain();
  }

  private handleDrained(proxy: ProxyProcess): void {
    proxy.end();
    this.finishing.delete(proxy);
  }
}

class ProxyProcess {
  readonly id: number;
  private readonly transport: UdpTransport;
  private readonly site: Site;
  private readonly proxy: Proxy;
  private readonly row: WorkerRow;
  private known: ReadonlySet<number> = new Set();
  /** What it is told arrives in order. */
  private toldUs: number;
  private isEnded = false;

  constructor(site: Site, board: Board, row: number, knowsAsked: boolean, onDrained: (proxy: ProxyProcess) => void) {
    this.site = site;
    this.id = site.nextProcess++;
    this.toldUs = site.world.nowUs + site.world.prng.below(START_US);
    this.transport = new UdpTransport(site.kernel, this.id, site.transport, knowsAsked);
    this.transport.datagrams.sabotage = site.sabotage;
    this.row = board.worker(row);
    this.transport.watchTurn = () => site.watchTurn(this.connections);
    this.proxy = new Proxy({
      transport: this.transport,
      board,
      row,
      seed: site.world.prng.nextU32(),
      wallClockMs: () => 0,
      hostname: encodeUtf8('sim'),
      machineAddresses: () => [],
      report: ({ kind }) => {
        if (kind === 'drained') site.world.schedule(1, () => onDrained(this));
      },
      descriptors: 10_000,
      openCompression: () => {
        throw new Error('nothing of UDP is compressed');
      },
      openTls: () => {
        throw new Error('nothing here speaks TLS');
      },
    });
    this.tell(() => void this.transport.run(this.proxy));
  }

  get connections(): number {
    return this.row.listenerConnections(0);
  }

  /** Takes a copy of `descriptor`. */
  handSessions(way: SessionsWay, socket: number, descriptor: number): void {
    const { kernel } = this.site;
    const own = kernel.duplicate(descriptor, this.id);
    this.tell(() => this.proxy.handSessions(way, socket, new SimSessionChannel(kernel, this.id, own)));
  }

  apply(plan: Plan, sockets: readonly PlannedSocket[], applied: () => void): void {
    const { kernel, world } = this.site;
    const own = sockets.map((socket) => {
      const descriptor = this.known.has(socket.id) ? -1 : kernel.duplicate(socket.descriptor, this.id);
      return { ...socket, descriptor };
    });
    this.known = new Set(sockets.map(({ id }) => id));
    this.tell(() => {
      this.proxy.apply(plan, own);
      world.schedule(world.prng.below(MESSAGE_US), () => {
        if (!this.isEnded) applied();
      });
    });
  }

  drain(): void {
    this.tell(() => this.proxy.drain(GRACE_MS));
  }

  /** The process is gone. */
  end(): void {
    this.isEnded = true;
    this.transport.stop();
    this.site.kernel.closeAllOf(this.id);
  }

  private tell(what: () => void): void {
    const { world } = this.site;
    this.toldUs = Math.max(this.toldUs, world.nowUs) + world.prng.below(MESSAGE_US);
    world.schedule(this.toldUs - world.nowUs, () => {
      if (!this.isEnded) what();
    });
  }
}
