/**
 * A proxy process: takes over what the keeper hands it (process/proxy-descriptors.ts), and runs the data plane on the engine it is told to
 * use, by one plan after the other. It ends when it is drained, or by a bug. When its keeper is gone it serves on, until another one
 * has found it and serves in its place; where none would find it, it finishes what it has.
 */
import { randomInt } from 'node:crypto';
import { hostname, networkInterfaces } from 'node:os';
import { encodeUtf8 } from '../base/text.ts';
import { LAST_WORDS_MS } from '../base/limits.ts';
import { WORKER_DRAINING, WORKER_SERVING, WORKER_STARTING, type WorkerRow } from '../base/board.ts';
import { type ControlHandler, ControlLink } from './control-link.ts';
import { type EngineName, loadTransport } from './engine.ts';
import {
  learnedTable,
  limitCounting,
  openBoard,
  receiveDelivery,
  receiveSessionChannels,
  sessionTable,
} from './proxy-descriptors.ts';
import { Openssl } from '../io/openssl/openssl.ts';
import { NativeCompression } from '../io/zlib/compression.ts';
import { nameThreads } from '../io/linux/thread-names.ts';
import { descriptorsLeft } from '../io/linux/descriptor-limit.ts';
import { dropPrivileges } from '../io/linux/privileges.ts';
import {
  CONTROL_DESCRIPTOR,
  EXIT_OTHER_PROGRAM,
  parseArguments,
  type ProxyArguments,
  type ProxyTitles,
  RENDEZVOUS_DESCRIPTOR,
} from '../keeper/proxies/proxy-arguments.ts';
import type { KeeperMessage } from '../port/control.ts';
import { isProgramOfKeeper } from '../keeper/program-identity.ts';
import { Straying } from './straying.ts';
import type { Transport, TransportDriver } from '../port/transport.ts';
import { Proxy, type ProxyEvent } from '../proxy/proxy.ts';

/** What `ps -ef` and `ps -C` find of nginx. */
const NGINX = 'nginx';
const NGINX_WORKER = 'nginx: worker process';
/** Behind its grace, a proxy that nobody else may end has ended by itself. */
const LAST_TURN_MS = 2 * LAST_WORDS_MS;

function machineAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

/** Resolves to the exit code. */
export async function runProxy(engine: EngineName, text: string): Promise<number> {
  const place = parseArguments(text);
  process.title = place.titles === 'borrowed' ? NGINX_WORKER : `evenkeel: proxy ${place.worker}`;
  ignoreSignals();
  const createTransport = await loadTransport(engine);
  if (!isProgramOfKeeper(process.env)) return EXIT_OTHER_PROGRAM;
  if (place.titles === 'borrowed') nameThreads(NGINX);
  const descriptors = descriptorsLeft();
  // From here on nothing is read that strangers sent. All code is loaded: where it lies may be closed for that user.
  dropPrivileges(place.user);
  await new ProxyProcess(createTransport(descriptors), place, descriptors).run();
  return 0;
}

/**
 * A service manager may signal every process of the service, and a terminal a whole group; what a signal means is for the
 * keeper to say. A handler, not SIG_IGN: on io_uring it never runs, but the default action does not happen either.
 */
function ignoreSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => undefined);
}

class ProxyProcess implements TransportDriver, ControlHandler {
  private readonly transport: Transport;
  private readonly place: ProxyArguments;
  private readonly row: WorkerRow;
  private readonly control: ControlLink;
  private readonly proxy: Proxy;
  private readonly titles: ProxyTitles;
  /** Null: no other keeper would find it. */
  private readonly straying: Straying | null;
  /** When its keeper is gone. */
  private servesOn = false;
  private graceMs = 0;
  private lastTurnAt = Infinity;

  constructor(transport: Transport, place: ProxyArguments, descriptors: number) {
    this.transport = transport;
    this.place = place;
    this.titles = place.titles;
    const board = openBoard(place);
    this.row = board.worker(place.row);
    this.row.pid = process.pid;
    this.row.worker = place.worker;
    this.row.state = WORKER_STARTING;
    transport.loop = this.row.traffic.loop;
    this.control = new ControlLink(transport, CONTROL_DESCRIPTOR, this);
    this.proxy = new Proxy({
      transport,
      board,
      row: place.row,
      seed: randomInt(2 ** 32),
      wallClockMs: Date.now,
      hostname: encodeUtf8(hostname()),
      machineAddresses,
      report: (event) => this.handleEvent(event),
      descriptors,
      openTls: () => Openssl.open(transport.arena.memory, sessionTable),
      limitCounting,
      learnedTable,
      // both are CLOCK_MONOTONIC, and begin at different times
      sharedClockMs: Number(process.hrtime.bigint()) / 1e6 - performance.now(),
      openCompression: () => new NativeCompression(transport.arena.memory),
    });
    this.straying = place.hasRendezvous
      ? new Straying(RENDEZVOUS_DESCRIPTOR, {
          listening: () => this.proxy.listening,
          handleAdopted: () => {
            // Who has found it ends it in time.
            if (!this.servesOn) return;
            this.lastTurnAt = Infinity;
            this.proxy.keepLeft();
          },
          handleMessage: (message) => this.handleMessage(message),
          handleAdopterGone: () => this.handleKeeperGone(),
        })
      : null;
  }

  async run(): Promise<void> {
    await this.transport.run(this);
  }

  handleTurn(now: number): void {
    if (now >= this.lastTurnAt) this.transport.stop();
    this.straying?.handleTurn(now);
    this.proxy.handleTurn(now);
  }

  handleMessage(message: KeeperMessage): void {
    switch (message.type) {
      case 'apply':
        return this.apply(message.generation, message.descriptors);
      case 'hand-sessions':
        return receiveSessionChannels(message.sockets.length).forEach((channel, i) => {
          this.proxy.handSessions(message.way, message.sockets[i], channel);
        });
      case 'abandon':
        return this.proxy.abandon(message.addresses);
      case 'drain':
        return this.drain(message.withinMs ?? this.graceMs, message.keepsIdle);
      case 'serve-on':
        this.servesOn = this.straying !== null;
        return;
      case 'free-port':
        return this.proxy.freePort(message.slot);
      case 'name':
        return this.proxy.handleName(message.upstream, message.hostname, message);
    }
  }

  handleKeeperGone(): void {
    this.straying?.handleKeeperGone();
    if (this.servesOn && this.row.state === WORKER_SERVING) return;
    // Nobody else may end this process now, so it gives itself the time that the keeper would have given it.
    this.lastTurnAt = this.transport.now + this.graceMs + LAST_TURN_MS;
    this.drain(this.graceMs);
  }

  private apply(generation: number, descriptors: number): void {
    const received = receiveDelivery(descriptors, this.place);
    if (received === null) {
      this.control.say({ type: 'refused', generation, reason: 'out of descriptors', fault: 'process' });
      return;
    }
    this.graceMs = received.plan.graceMs;
    this.proxy.apply(
      received.plan,
      received.sockets,
      received.secrets,
      {
        onApplied: () => {
          received.forgetSecrets();
          if (this.row.state === WORKER_STARTING) this.row.state = WORKER_SERVING;
          this.control.say({ type: 'applied', generation });
        },
        onRefused: (reason) => {
          received.drop();
          this.control.say({ type: 'refused', generation, reason, fault: 'plan' });
        },
      },
      received.logs,
    );
  }

  private drain(withinMs: number, keepsIdle = false): void {
    this.row.state = WORKER_DRAINING;
    if (this.titles === 'borrowed') {
      process.title = `${NGINX_WORKER} is shutting down`;
      nameThreads(NGINX);
    }
    this.proxy.drain(withinMs, keepsIdle);
  }

  private handleEvent(event: ProxyEvent): void {
    this.control.say({ type: 'event', event });
    if (event.kind === 'drained') this.transport.stop();
  }
}
