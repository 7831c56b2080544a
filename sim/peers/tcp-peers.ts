/**
 * TCP clients and servers. Each stream begins with a preamble of 8 bytes that says whose it is: the client's number, or the
 * serial number of the server's connection. A server that speaks first gives its serial number before it knows the client.
 */
import { Prng } from '../../src/base/prng.ts';
import { mix } from '../content.ts';
import { ANYTHING } from '../judge.ts';
import type { Ledger, TcpRelay } from '../ledger.ts';
import type { Acceptor, BreakReason, Endpoint, LinkSpec, Network } from '../network.ts';
import { drawLink, type LinkProfile } from '../scenario.ts';
import type { ServerSpec } from '../scenario-plan.ts';
import type { TcpClientSpec } from '../scenario-tcp.ts';
import type { World } from '../world.ts';
import { FULL_PACE, PeerPort, type PortOwner } from './port.ts';
import { approach } from './proxy-header.ts';
import { StreamSide } from './stream.ts';

const PREAMBLE_BYTES = 8;

/** To the proxy a relay that moves very slowly, or not, looks idle. */
function isSlowRelay(spec: TcpClientSpec): boolean {
  return spec.readPace.gapUs > 0 || spec.writePace.gapUs > 0;
}

function hasSilence(spec: TcpClientSpec): boolean {
  return spec.client.silentAtBytes > 0 || spec.server.silentAtBytes > 0;
}

function preamble(number: number): Uint8Array {
  const bytes = Buffer.alloc(PREAMBLE_BYTES);
  bytes.writeUInt32BE(number, 0);
  bytes.writeUInt32BE(mix(number, 0x7c9), 4);
  return bytes;
}

/** Reads the preamble, then gives everything to the stream. */
class PreambleReader {
  private readonly bytes = Buffer.alloc(PREAMBLE_BYTES);
  private count = 0;

  /** The number, or -1 while the preamble is not whole; `taken` says how many bytes were of it. */
  taken = 0;

  read(world: World, name: string, bytes: Uint8Array, at: number, length: number): number {
    this.taken = Math.min(PREAMBLE_BYTES - this.count, length);
    this.bytes.set(bytes.subarray(at, at + this.taken), this.count);
    this.count += this.taken;
    if (this.count < PREAMBLE_BYTES) return -1;
    const number = this.bytes.readUInt32BE(0);
    if (this.bytes.readUInt32BE(4) !== mix(number, 0x7c9))
      world.fail('stream content', `${name}: the first bytes are wrong`);
    return number;
  }
}

export class TcpClient implements PortOwner {
  isDone = false;
  readonly spec: TcpClientSpec;
  private readonly world: World;
  private readonly ledger: Ledger;
  private readonly relay: TcpRelay;
  private readonly stream: StreamSide;
  private readonly port: PeerPort;
  private readonly name: string;
  private readonly preamble = new PreambleReader();
  private isStreaming = false;

  /** To be made when the client's time has come. */
  constructor(network: Network, ledger: Ledger, spec: TcpClientSpec) {
    this.world = network.world;
    this.ledger = ledger;
    this.spec = spec;
    this.name = `tcp client ${spec.id}`;
    this.relay = ledger.relays.get(spec.id) as TcpRelay;
    const prng = new Prng(spec.seed);
    const { from, opening } = approach(ledger.scenario.plan, prng, spec.address, spec.listener);
    const endpoint = network.dial(from, spec.listener);
    this.port = new PeerPort(this.world, endpoint, prng, spec.writePace, spec.readPace, this, { opening });
    const { toServer, toClient } = this.relay;
    this.stream = new StreamSide(this.world, this.port, prng, this.name, spec.client, toServer, toClient, () => {
      this.isDone = true;
    });
  }

  describe(): string {
    const { toServer, toClient } = this.relay;
    return `${this.name}: wrote ${toServer.writtenBytes}, received ${toClient.receivedBytes} of ${toClient.writtenBytes}`;
  }

  handleConnected(): void {
    this.port.write(preamble(this.spec.id));
    this.stream.start();
  }

  handleFlushed(): void {
    this.stream.fill();
  }

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    let taken = 0;
    if (!this.isStreaming) {
      const serial = this.preamble.read(this.world, this.name, bytes, at, length);
      taken = this.preamble.taken;
      if (serial < 0) return;
      this.isStreaming = true;
      if (this.relay.serialAtServer >= 0 && this.relay.serialAtServer !== serial) {
        this.world.fail(
          'crossed stream',
          `${this.name} is connected to ${serial}, but ${this.relay.serialAtServer} serves it`,
        );
      }
      this.relay.serialAtClient = serial;
    }
    if (length > taken) this.stream.handleBytes(bytes, at + taken, length - taken);
  }

  handleEnd(): void {
    this.stream.handleEnd();
  }

  handleBroken(reason: BreakReason): void {
    const { spec } = this;
    // progress inside a segment is not seen: to the proxy a very slow reader looks silent
    const isSlow = isSlowRelay(spec);
    const isOwn = isSlow || [spec.client, spec.server].some((side) => side.resetAtBytes >= 0 || side.silentAtBytes > 0);
    const isServed = this.relay.serialAtServer >= 0;
    const isExcused =
      this.ledger.hasFault(...ANYTHING) ||
      // nobody took it
      (!isServed &&
        this.ledger.hasFault(
          'connectFails',
          'acceptFails',
          'refusing',
          'blackholes',
          'unreachable',
          'flaps',
          'moves',
          'tightLimits',
          'drain',
        ));
    if (!isOwn && !isExcused) this.world.fail('cut without cause', `${this.name}: ${reason}`);
    this.stream.handleBroken(this.ledger.hasFault(...ANYTHING) || isSlow || hasSilence(spec));
  }
}

export class TcpServer implements Acceptor {
  mode: Acceptor['mode'] = 'accept';
  connectDelayUs = 100;
  readonly world: World;
  readonly ledger: Ledger;
  readonly spec: ServerSpec;
  private readonly prng: Prng;
  private readonly profile: LinkProfile;
  private readonly open = new Set<TcpServerConnection>();
  private serial: number;

  constructor(world: World, ledger: Ledger, spec: ServerSpec, seed: number, profile: LinkProfile) {
    this.world = world;
    this.ledger = ledger;
    this.spec = spec;
    this.prng = new Prng(mix(seed, spec.index));
    this.profile = profile;
    this.serial = spec.index * 10_000;
  }

  get openConnections(): number {
    let count = 0;
    // what the proxy has given up may still be on its way
    for (const connection of this.open) if (!connection.isAbandoned) count++;
    return count;
  }

  link(): LinkSpec {
    return drawLink(this.prng, this.profile);
  }

  hasRoom(): boolean {
    return true;
  }

  accept(endpoint: Endpoint): void {
    this.open.add(new TcpServerConnection(this, endpoint, this.serial++, new Prng(this.prng.nextU32())));
  }

  forget(connection: TcpServerConnection): void {
    this.open.delete(connection);
  }
}

class TcpServerConnection implements PortOwner {
  private readonly server: TcpServer;
  private readonly world: World;
  private readonly serial: number;
  private readonly prng: Prng;
  private readonly port: PeerPort;
  private readonly name: string;
  private readonly preamble = new PreambleReader();
  private stream: StreamSide | null = null;
  private clientId = -1;

  constructor(server: TcpServer, endpoint: Endpoint, serial: number, prng: Prng) {
    this.server = server;
    this.world = server.world;
    this.serial = serial;
    this.prng = prng;
    this.name = `tcp server ${server.spec.index}, connection ${serial}`;
    const announcement = server.ledger.announcementFor(server.spec);
    this.port = new PeerPort(this.world, endpoint, prng, FULL_PACE, FULL_PACE, this, { announcement });
    const isFirst = [...server.ledger.relays.values()].some((relay) => relay.spec.isServerFirst);
    if (isFirst) this.port.write(preamble(serial));
    this.port.step();
  }

  get isAbandoned(): boolean {
    return this.port.endpoint.isAbandoned;
  }

  handleConnected(): void {}

  handleFlushed(): void {
    this.stream?.fill();
  }

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    let taken = 0;
    if (this.stream === null) {
      const id = this.preamble.read(this.world, this.name, bytes, at, length);
      taken = this.preamble.taken;
      if (id < 0) return;
      this.begin(id);
    }
    if (length > taken) this.stream?.handleBytes(bytes, at + taken, length - taken);
  }

  private begin(id: number): void {
    const relay = this.server.ledger.relays.get(id);
    if (relay === undefined)
      return this.world.fail('stream content', `${this.name} got the number ${id}, which is no client's`);
    if (relay.serialAtServer >= 0)
      this.world.fail('crossed stream', `${this.name}: client ${id} is served already by ${relay.serialAtServer}`);
    if (relay.serialAtClient >= 0 && relay.serialAtClient !== this.serial) {
      this.world.fail(
        'crossed stream',
        `client ${id} is connected to ${relay.serialAtClient}, but its bytes came to ${this.serial}`,
      );
    }
    if (this.port.announcement?.isOf(relay.spec.address) === false)
      this.world.fail('header', `${this.name} was told that another client than ${id} has connected`);
    relay.serialAtServer = this.serial;
    this.clientId = id;
    this.world.note('tcp client %a is served by %b', id, this.serial);
    if (!relay.spec.isServerFirst) this.port.write(preamble(this.serial));
    this.stream = new StreamSide(
      this.world,
      this.port,
      this.prng,
      this.name,
      relay.spec.server,
      relay.toClient,
      relay.toServer,
      () => this.server.forget(this),
    );
    this.stream.start();
  }

  handleEnd(): void {
    if (this.stream !== null) return this.stream.handleEnd();
    // a client that ended, or was cut, before it said who it is
    this.port.close();
    this.server.forget(this);
  }

  handleBroken(_reason: BreakReason): void {
    const { ledger } = this.server;
    const spec = ledger.relays.get(this.clientId)?.spec;
    this.stream?.handleBroken(
      spec === undefined || ledger.hasFault(...ANYTHING) || isSlowRelay(spec) || hasSilence(spec),
    );
    this.server.forget(this);
  }
}
