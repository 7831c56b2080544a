/**
 * The links of this node to its peers: listens for those whose names come before its own, and connects to the others. What becomes of each is decided by a
 * machine (core/peers/link.ts). Nothing that serves depends on any of it.
 */
import type { PeersStatus } from '../../api/status.ts';
import { BlockList, isIPv6, type Socket } from 'node:net';
import type { Server, TLSSocket } from 'node:tls';
import { systemReason } from '../../base/system-error.ts';
import type { PeerPlan, PeersPlan } from '../../config/plan/peers.ts';
import { type LinkAction, PeerLink } from '../../core/peers/link.ts';
import { Lobby } from '../../core/peers/lobby.ts';
import type { PeerMessage } from '../../core/peers/messages.ts';
import type { PeerPresence } from '../../core/peers/obtainer.ts';
import type { Log } from '../log/log.ts';
import type { Identity } from './identity.ts';
import { fingerprintAt, PeerConnection, type PeerConnectionHandler } from './peer-connection.ts';

export interface PeersKeeperOptions {
  /** Throws if there is none, and none can be made. */
  readonly identity: () => Identity;
  readonly version: string;
  readonly log: Log;
  /** From 0 to 1. */
  readonly random: () => number;
  /** A peer has come, or gone. */
  readonly onChange: (peer: string, isUp: boolean) => void;
  readonly onMessage: (peer: string, message: PeerMessage) => void;
}

const HANDSHAKE_MS_MAX = 3_000;
/** Whoever is not known yet. There is a place for each peer besides. */
const STRANGERS_MAX = 32;
const LISTEN_AGAIN_MS = 1_000;
/** A predecessor has the port until it has given way. */
const SILENT_TRIES = 5;
/** Who is let in says hello first. */
const TURNED_AWAY = 'does its file have the fingerprint of this node?';
/** Of strangers, a line at most in so long. */
const SAY_AGAIN_MS = 60_000;

interface Peer {
  readonly plan: PeerPlan;
  readonly link: PeerLink;
  readonly handler: PeerConnectionHandler;
  connection: PeerConnection | null;
  /** While it is dialled. */
  dialling: TLSSocket | null;
  timer: NodeJS.Timeout | undefined;
  said: string;
}

export class PeersKeeper {
  private readonly options: PeersKeeperOptions;
  private plan: PeersPlan | null = null;
  private identity: Identity | null = null;
  private peers: readonly Peer[] = [];
  private server: Server | null = null;
  private listening: NodeJS.Timeout | undefined;
  /** Why it does not listen. */
  private deaf: string | null = null;
  private listenTries = 0;
  private strangerSaidMs = Number.NEGATIVE_INFINITY;

  constructor(options: PeersKeeperOptions) {
    this.options = options;
  }

  /** From now on by this plan; null: there are no peers. What both say the same of goes on. */
  apply(plan: PeersPlan | null): void {
    if (JSON.stringify(plan) === JSON.stringify(this.plan)) return;
    const former = this.presences().filter(({ isUp }) => isUp);
    this.stop();
    for (const { name } of former) this.options.onChange(name, false);
    this.plan = plan;
    if (plan === null) return;
    const { log } = this.options;
    try {
      this.identity = this.options.identity();
    } catch (error) {
      this.deaf = `this node has no key: ${systemReason(error)}`;
      log.error(`no link to peers: ${this.deaf}`);
      return;
    }
    log.info(`this node is ${this.identity.fingerprint} for its peers`);
    this.peers = plan.peers.map((peer) => this.createPeer(plan.node, peer));
    if (plan.peers.some(({ name }) => name < plan.node)) this.listen();
    for (const peer of this.peers) this.advance(peer);
  }

  stop(): void {
    clearTimeout(this.listening);
    this.server?.close();
    this.server = null;
    for (const peer of this.peers) {
      clearTimeout(peer.timer);
      peer.dialling?.destroy();
      peer.connection?.close();
    }
    this.peers = [];
    this.plan = null;
    this.deaf = null;
  }

  /** To one that is there; to another one it is lost. */
  send(name: string, message: PeerMessage): void {
    const peer = this.peers.find(({ plan }) => plan.name === name);
    if (peer !== undefined && peer.link.state === 'up') this.perform(peer, [{ kind: 'send', message }]);
  }

  /** Resolves when what it was sent has left; at once if it is not there. */
  async drained(name: string): Promise<void> {
    await this.peers.find(({ plan }) => plan.name === name)?.connection?.drained();
  }

  /** Of this node. Null: it has no peers. */
  get node(): string | null {
    return this.plan?.node ?? null;
  }

  /** On the clock of `performance.now()`. */
  presences(): readonly PeerPresence[] {
    return this.peers.map(({ link, plan: { name } }) => ({ name, isUp: link.state === 'up', sinceMs: link.sinceMs }));
  }

  /** Those that are there and answer `may-leave`. */
  get agreeing(): readonly string[] {
    return this.peers.flatMap(({ link, plan }) => (link.state === 'up' && link.agrees ? [plan.name] : []));
  }

  status(): PeersStatus | null {
    if (this.plan === null) return null;
    const nowMs = performance.now();
    return {
      node: this.plan.node,
      fingerprint: this.identity?.fingerprint ?? null,
      problem: this.deaf,
      peers: this.peers.map(({ link, plan: { name, host, port } }) => ({
        name,
        address: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
        isUp: link.state === 'up',
        since: new Date(Date.now() - (nowMs - link.sinceMs)).toISOString(),
        reason: link.reason,
        version: link.version,
      })),
    };
  }

  // --- one peer ---

  private createPeer(node: string, plan: PeerPlan): Peer {
    const { version, random } = this.options;
    const link = new PeerLink({ node, peer: plan.name, version, fraction: random() }, performance.now());
    const peer: Peer = {
      plan,
      link,
      connection: null,
      dialling: null,
      timer: undefined,
      said: '',
      handler: {
        handleMessage: (connection, message) => {
          if (connection === peer.connection) this.perform(peer, link.handleMessage(message, performance.now()));
        },
        handleClosed: (connection, reason) => {
          if (connection !== peer.connection) return;
          peer.connection = null;
          this.part(peer, link.state === 'greeting' ? `${reason}: ${TURNED_AWAY}` : reason);
        },
      },
    };
    return peer;
  }

  private advance(peer: Peer): void {
    this.perform(peer, peer.link.handleTime(performance.now()));
  }

  private perform(peer: Peer, actions: readonly LinkAction[]): void {
    const { onChange, onMessage, log } = this.options;
    const { name } = peer.plan;
    for (const action of actions) {
      switch (action.kind) {
        case 'dial':
          this.dial(peer);
          break;
        case 'send':
          if (peer.connection?.send(action.message) === false) {
            peer.connection.close();
            peer.connection = null;
            this.part(peer, 'it does not take what it is told');
          }
          break;
        case 'close':
          this.drop(peer);
          this.sayGone(peer);
          break;
        case 'up':
          peer.said = '';
          log.info(`peer ${name} is there, evenkeel ${peer.link.version}`);
          onChange(name, true);
          break;
        case 'message':
          onMessage(name, action.message);
      }
    }
    this.wait(peer);
  }

  private wait(peer: Peer): void {
    clearTimeout(peer.timer);
    const { nextMs } = peer.link;
    if (!this.peers.includes(peer) || nextMs === Number.POSITIVE_INFINITY) return;
    peer.timer = setTimeout(() => this.advance(peer), Math.max(1, nextMs - performance.now())).unref();
  }

  /** The connection is gone. */
  private part(peer: Peer, reason: string): void {
    peer.link.handleClosed(reason, performance.now());
    this.sayGone(peer);
    this.wait(peer);
  }

  private drop(peer: Peer): void {
    peer.dialling?.destroy();
    peer.dialling = null;
    peer.connection?.close();
    peer.connection = null;
  }

  /** Once for each reason. */
  private sayGone(peer: Peer): void {
    const { link, plan } = peer;
    if (link.reason === peer.said) return;
    const wasUp = peer.said === '' && link.version !== null;
    peer.said = link.reason;
    this.options.log.warn(`peer ${plan.name} is not there: ${link.reason}`);
    if (wasUp) this.options.onChange(plan.name, false);
  }

  private greet(peer: Peer, socket: TLSSocket): void {
    if (peer.connection !== null) {
      peer.connection.close();
      peer.connection = null;
      peer.link.handleClosed('it has come anew', performance.now());
    }
    peer.connection = new PeerConnection(socket, peer.handler);
    this.perform(peer, peer.link.handleConnected(performance.now()));
  }

  // --- connections ---

  private dial(peer: Peer): void {
    const { host, port, fingerprint } = peer.plan;
    const { key, certificate: cert } = this.identity as Identity;
    const tls = process.getBuiltinModule('node:tls');
    // Whose key it is says more than any name.
    const socket = tls.connect({ host, port, key, cert, rejectUnauthorized: false, minVersion: 'TLSv1.3' });
    peer.dialling = socket;
    const fail = (reason: string): void => {
      socket.destroy();
      if (peer.dialling !== socket) return;
      peer.dialling = null;
      this.part(peer, reason);
    };
    const refuse = (error: Error): void => fail(systemReason(error));
    const end = (): void => fail('it has closed the connection');
    socket.on('error', refuse).on('close', end);
    socket.on('secureConnect', () => {
      if (peer.dialling !== socket) return;
      const found = fingerprintAt(socket);
      if (found !== fingerprint) return fail(`whoever is there is ${found ?? 'nobody'}, and not the peer`);
      socket.off('error', refuse).off('close', end);
      peer.dialling = null;
      this.greet(peer, socket);
    });
  }

  private listen(): void {
    const { host, port } = this.plan as PeersPlan;
    const { key, certificate: cert } = this.identity as Identity;
    const tls = process.getBuiltinModule('node:tls');
    const server = tls.createServer({
      key,
      cert,
      requestCert: true,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      handshakeTimeout: HANDSHAKE_MS_MAX,
    });
    const lobby = new Lobby<Socket>(STRANGERS_MAX + this.peers.length);
    const addresses = new BlockList();
    for (const { plan } of this.peers) addresses.addAddress(plan.host, isIPv6(plan.host) ? 'ipv6' : 'ipv4');
    server.on('connection', (socket) => this.seat(lobby, addresses, socket));
    server.on('secureConnection', (socket) => {
      lobby.leave(keyOf(socket));
      this.receive(socket);
    });
    // One that does not end its handshake in time is only told of.
    server.on('tlsClientError', (error, socket) => {
      if ((error as NodeJS.ErrnoException).code === 'ERR_TLS_HANDSHAKE_TIMEOUT') {
        this.sayStranger(
          `somebody at ${addressOf(socket)} does not say who it is within ${HANDSHAKE_MS_MAX / 1_000} s: turned away`,
        );
      }
      socket.destroy();
    });
    server.on('error', (error) => {
      if (this.server !== server) return;
      // One that cannot accept for want of descriptors still has the port.
      server.close();
      const reason = systemReason(error);
      if (++this.listenTries === SILENT_TRIES) {
        this.options.log.error(`peers cannot connect to ${host}:${port}: ${reason}; it is tried again`);
      }
      this.deaf = reason;
      this.listening = setTimeout(() => this.listen(), LISTEN_AGAIN_MS).unref();
    });
    server.on('listening', () => {
      this.listenTries = 0;
      this.deaf = null;
    });
    server.listen({ host, port });
    server.unref();
    this.server = server;
  }

  /** Until it has shown its key. */
  private seat(lobby: Lobby<Socket>, addresses: BlockList, socket: Socket): void {
    const { remoteAddress } = socket;
    // It is gone already.
    if (remoteAddress === undefined) return;
    const key = keyOf(socket);
    socket.on('close', () => lobby.leave(key));
    const isExpected = addresses.check(remoteAddress, isIPv6(remoteAddress) ? 'ipv6' : 'ipv4');
    const leaving = lobby.enter(key, socket, remoteAddress, isExpected);
    if (leaving === null) return;
    this.sayStranger(
      `somebody at ${addressOf(leaving)} and others connect and do not say who they are: turned away for the next ones`,
    );
    leaving.destroy();
  }

  private receive(socket: TLSSocket): void {
    const found = fingerprintAt(socket);
    const peer = this.peers.find(({ plan }) => plan.fingerprint === found && plan.name < (this.plan?.node ?? ''));
    if (peer !== undefined) return this.greet(peer, socket);
    // It has none any more when it is destroyed.
    const address = addressOf(socket);
    socket.on('error', () => undefined);
    socket.destroy();
    for (const { plan, link } of this.peers) {
      if (plan.host === address)
        link.handleStranger(`at its address is ${found ?? 'nobody'}, and not the peer: turned away`);
    }
    this.sayStranger(`somebody at ${address} is no peer, but ${found ?? 'nobody'}: turned away`);
  }

  private sayStranger(text: string): void {
    const nowMs = performance.now();
    if (nowMs - this.strangerSaidMs < SAY_AGAIN_MS) return;
    this.strangerSaidMs = nowMs;
    this.options.log.warn(text);
  }
}

function keyOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function addressOf({ remoteAddress }: Socket): string {
  return remoteAddress?.replace(/^::ffff:/, '') ?? 'an address that is gone';
}
