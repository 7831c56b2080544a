/** The world of the contract suite on real sockets of this host's loopback; Linux. The peers live in another thread. */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import type { Address } from '../../base/address.ts';
import type { PeerCommand, PeerEvent, SecurePeers } from './peer-messages.ts';
import {
  acceptOne,
  close,
  duplicate,
  enterNetwork,
  leaveNetwork,
  openBound,
  openListening,
  setDescriptorLimit,
  setNonBlocking,
} from './sockets.ts';
import type { AddressKind, Peer, PeerListener, World } from './world.ts';

type Post = (command: PeerCommand) => void;

/** More than any test gives back with `release`. */
const FILLED_DESCRIPTORS = 64;

class LoopbackPeer implements Peer {
  isConnected = false;
  receivedBytes = 0;
  isEnded = false;
  isClosed = false;
  error: string | null = null;
  writtenBytes = 0;
  localPort = 0;
  remoteHost = '';
  private readonly id: number;
  private readonly post: Post;
  private readonly blocks: Uint8Array[] = [];

  constructor(id: number, post: Post) {
    this.id = id;
    this.post = post;
  }

  received(): Uint8Array {
    return Buffer.concat(this.blocks);
  }
  write(bytes: Uint8Array): void {
    this.writeSplit(bytes, []);
  }
  writeSplit(bytes: Uint8Array, sizes: readonly number[]): void {
    this.post({ command: 'write', id: this.id, bytes, sizes });
  }
  end(): void {
    this.post({ command: 'end', id: this.id });
  }
  reset(): void {
    this.post({ command: 'reset', id: this.id });
  }
  pause(): void {
    this.post({ command: 'pause', id: this.id });
  }
  resume(): void {
    this.post({ command: 'resume', id: this.id });
  }

  handle(event: PeerEvent): void {
    if (event.event === 'data') {
      this.blocks.push(event.bytes);
      this.receivedBytes += event.bytes.length;
    } else if (event.event === 'written') this.writtenBytes += event.count;
    else if (event.event === 'end') this.isEnded = true;
    else if (event.event === 'close') this.isClosed = true;
    else if (event.event === 'error') this.error = event.code;
    else if (event.event === 'connect') {
      this.isConnected = true;
      this.localPort = event.localPort;
    }
  }
}

class LoopbackListener implements PeerListener {
  address: Address | null = null;
  readonly peers: LoopbackPeer[] = [];
}

export class LoopbackWorld implements World {
  /** TCP to a broadcast address has no route: ENETUNREACH at once, and nothing leaves the host. */
  readonly unreachable: Address = { family: 4, host: '127.255.255.255', port: 9 };
  private readonly worker: Worker;
  private readonly port: MessagePort;
  private readonly directory = mkdtempSync(join(tmpdir(), 'evenkeel-contract-'));
  private readonly peers = new Map<number, LoopbackPeer>();
  private readonly listeners = new Map<number, LoopbackListener>();
  private readonly wanted = new Map<number, Address>();
  private nextId = 1;
  private readonly post: Post = (command) => this.port.postMessage(command, []);

  /** `secure`: of peers that speak TLS, both as clients and as servers. */
  constructor(secure: SecurePeers | null = null) {
    const channel = new MessageChannel();
    this.port = channel.port1;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    this.worker = new Worker(new URL(`./peer-worker.${extension}`, import.meta.url), {
      workerData: { port: channel.port2, secure },
      transferList: [channel.port2],
    });
    this.port.unref();
  }

  supports(kind: AddressKind): boolean {
    if (kind !== 'ipv6') return true;
    return (networkInterfaces()['lo'] ?? []).some((entry) => entry.address === '::1');
  }

  poll(): void {
    for (;;) {
      const message = receiveMessageOnPort(this.port);
      if (message === undefined) return;
      this.take(message.message as PeerEvent);
    }
  }

  private take(event: PeerEvent): void {
    if (event.event === 'listening') {
      const address = this.wanted.get(event.id)!;
      this.listeners.get(event.id)!.address = { ...address, port: event.port };
    } else if (event.event === 'connection') {
      const peer = new LoopbackPeer(event.id, this.post);
      peer.isConnected = true;
      peer.localPort = event.localPort;
      peer.remoteHost = event.remoteHost;
      this.peers.set(event.id, peer);
      this.listeners.get(event.listener)?.peers.push(peer);
    } else {
      this.peers.get(event.id)?.handle(event);
    }
  }

  listen(kind: AddressKind, paused: boolean): PeerListener {
    const id = this.nextId++;
    const address = this.freshAddress(kind);
    const listener = new LoopbackListener();
    this.listeners.set(id, listener);
    this.wanted.set(id, address);
    this.post({ command: 'listen', id, host: address.host, path: pathOf(address), paused });
    return listener;
  }

  connect(address: Address, paused: boolean): Peer {
    const id = this.nextId++;
    const peer = new LoopbackPeer(id, this.post);
    this.peers.set(id, peer);
    this.post({ command: 'connect', id, host: address.host, port: address.port, path: pathOf(address), paused });
    return peer;
  }

  openListener(kind: AddressKind, backlog: number): { descriptor: number; address: Address } {
    return openListening(this.freshAddress(kind), backlog);
  }

  openDatagrams(): { descriptor: number; address: Address } {
    return openBound({ family: 4, host: '127.0.0.1', port: 0 });
  }

  duplicate(descriptor: number): number {
    return duplicate(descriptor);
  }

  closeDescriptor(descriptor: number): void {
    close(descriptor);
  }

  openWake(): number {
    const { descriptor: listening, address } = this.openListener('unix', 1);
    this.post({ command: 'wake', path: address.host });
    const descriptor = acceptOne(listening);
    close(listening);
    return descriptor;
  }

  openPair(): { descriptor: number; peer: Peer } {
    const { descriptor: listening, address } = this.openListener('unix', 1);
    const peer = this.connect(address, false);
    const descriptor = acceptOne(listening);
    close(listening);
    return { descriptor, peer };
  }

  refusing(kind: AddressKind): Address {
    const { descriptor, address } = this.openListener(kind, 1);
    close(descriptor);
    return address;
  }

  setNonBlocking(descriptor: number): void {
    setNonBlocking(descriptor);
  }

  enterSilence(): { address: Address; leave(): void } | null {
    const outside = openSync('/proc/thread-self/ns/net', 'r');
    if (!leaveNetwork()) {
      closeSync(outside);
      return null;
    }
    const leave = (): void => {
      enterNetwork(outside);
      closeSync(outside);
    };
    try {
      // frames to a neighbour whose hardware address is known and whom nobody is
      const commands = [
        'link add silence type veth peer name nobody',
        'link set nobody up',
        'link set silence up',
        'address add 192.0.2.1/24 dev silence',
        'neighbour add 192.0.2.2 lladdr 02:00:00:00:00:02 dev silence',
      ];
      for (const command of commands) execFileSync('ip', command.split(' '), { stdio: 'ignore' });
      writeFileSync('/proc/sys/net/ipv4/tcp_syn_retries', '1');
    } catch {
      leave();
      return null;
    }
    return { address: { family: 4, host: '192.0.2.2', port: 80 }, leave };
  }

  openDescriptors(): number {
    return readdirSync('/proc/self/fd').length;
  }

  exhaustDescriptors(spare: number): { release(count: number): void; undo(): void } | null {
    const used = readdirSync('/proc/self/fd').map(Number);
    // Room for many more, all of them filled, so that `release` has them to give back.
    const limit = Math.max(...used) + spare + FILLED_DESCRIPTORS;
    const before = setDescriptorLimit(BigInt(limit));
    const filled: number[] = [];
    for (;;) {
      try {
        filled.push(openSync('/dev/null', 'r'));
      } catch {
        break;
      }
    }
    const release = (count: number): void => {
      for (let i = 0; i < count; i++) {
        const descriptor = filled.pop();
        if (descriptor !== undefined) closeSync(descriptor);
      }
    };
    release(spare);
    return {
      release,
      undo: () => {
        release(filled.length);
        setDescriptorLimit(before);
      },
    };
  }

  reset(): void {
    this.post({ command: 'reset-all' });
    this.peers.clear();
  }

  async close(): Promise<void> {
    this.post({ command: 'exit' });
    this.port.close();
    await this.worker.terminate();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** An address to bind, of its own. */
  private freshAddress(kind: AddressKind): Address {
    if (kind === 'unix') return { family: 0, host: join(this.directory, `s${this.nextId++}`), port: 0 };
    return kind === 'ipv4' ? { family: 4, host: '127.0.0.1', port: 0 } : { family: 6, host: '::1', port: 0 };
  }
}

function pathOf(address: Address): string | null {
  return address.family === 0 ? address.host : null;
}
