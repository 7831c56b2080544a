/**
 * The least that a proxy on io_uring can do: whatever a client sends, one fixed request goes to a server, and whatever the
 * server answers, one fixed response goes back. No parsing, no timeouts, no error handling. What it costs is this machine's
 * limit for a proxy in JavaScript, so the benchmark shows how much of a request's cost is evenkeel's own.
 *
 * A process of its own: `bare-loop.js PORT SERVER_PORT...`, all on 127.0.0.1.
 */
import { Arena } from '../src/base/arena.ts';
import { assert } from '../src/base/assert.ts';
import { POSTED_SLOTS } from '../src/base/limits.ts';
import { openListeningSockets } from '../src/io/linux/listen.ts';
import * as abi from '../src/io/uring/abi.ts';
import * as ffi from '../src/io/uring/ffi.ts';
import { ReceiveBuffers } from '../src/io/uring/receive-buffers.ts';
import { Ring } from '../src/io/uring/ring.ts';
import { AddressTable } from '../src/io/uring/sockaddr.ts';
import { ACCEPT, CONNECT, INDEX_MASK, OPERATION_MASK, RECEIVE, SEND } from '../src/io/uring/user-data.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench.example\r\n\r\n';
const RESPONSE = `HTTP/1.1 200 OK\r\nContent-Length: 62\r\n\r\n${'x'.repeat(62)}`;
const SLOTS = 256;
const SEND_FLAGS = ffi.MSG_WAITALL | ffi.MSG_NOSIGNAL;

const [port, ...serverPorts] = process.argv.slice(2).map(Number);

/** A client, or a connection to a server. Its index is never used again: a run has a few hundred. */
class Connection {
  readonly index: number;
  readonly descriptor: number;
  /** The position of its server, or -1 for a client. */
  readonly server: number;
  /** Who gets what it receives, while a request is under way. */
  peer: Connection | null = null;

  constructor(index: number, descriptor: number, server: number) {
    this.index = index;
    this.descriptor = descriptor;
    this.server = server;
  }
}

class BareLoop {
  private readonly ring = new Ring(1000);
  private readonly arena: Arena;
  private readonly buffers: ReceiveBuffers;
  private readonly addresses = new AddressTable();
  private readonly servers: readonly number[];
  private readonly idle: readonly Connection[][];
  private readonly connections: Connection[] = [];
  /** REQUEST, and behind it RESPONSE. */
  private readonly text = ffi.mapMemory(4096);
  private nextServer = 0;

  constructor(ports: readonly number[]) {
    const memory = ffi.mapMemory(Arena.bytesFor(SLOTS, 1));
    this.arena = new Arena(new Uint8Array(memory.buffer), SLOTS, 1);
    this.buffers = new ReceiveBuffers(this.ring, this.arena, memory, POSTED_SLOTS);
    this.servers = ports.map((each) => this.addresses.prepare({ family: 4, host: '127.0.0.1', port: each }));
    this.idle = ports.map(() => []);
    new TextEncoder().encodeInto(REQUEST + RESPONSE, new Uint8Array(this.text.buffer));
  }

  run(listening: number): never {
    const { ring, buffers } = this;
    setNoDelay(listening); // accepted sockets inherit it
    ring.push(abi.OP_ACCEPT | abi.ACCEPT_MULTISHOT, listening, 0, 0, 0, ffi.SOCK_CLOEXEC, ACCEPT, 0, 0);
    for (;;) {
      buffers.topUp();
      ring.turn(true);
      const { words, completionMask } = ring;
      const tail = words[ring.completionTailAt];
      let head = words[ring.completionHeadAt];
      while (head !== tail) {
        const at = ring.completionsAt + ((head & completionMask) << 2);
        head = (head + 1) | 0;
        this.handleCompletion(words[at], words[at + 2], words[at + 3]);
      }
      words[ring.completionHeadAt] = head;
    }
  }

  private handleCompletion(data: number, result: number, flags: number): void {
    const operation = data & OPERATION_MASK;
    if (operation === SEND) return;
    if (operation === ACCEPT) {
      assert(result >= 0 && (flags & abi.CQE_F_MORE) !== 0, `accept: ${result}`);
      this.receive(this.enter(result, -1));
      return;
    }
    const connection = this.connections[data & INDEX_MASK];
    if (operation === RECEIVE) {
      this.handleReceived(connection, result, flags);
      return;
    }
    assert(operation === CONNECT && result === 0, `connect: ${result}`);
    this.receive(connection);
    this.send(connection, 0, REQUEST.length);
  }

  private handleReceived(connection: Connection, result: number, flags: number): void {
    if ((flags & abi.CQE_F_BUFFER) !== 0) {
      this.buffers.posted--;
      this.arena.release(flags >>> abi.CQE_BUFFER_SHIFT);
    }
    if (result <= 0 && result !== -ffi.ENOBUFS) {
      ffi.close(connection.descriptor);
      return;
    }
    if ((flags & abi.CQE_F_MORE) === 0) this.receive(connection);
    if (result <= 0) return;
    if (connection.server < 0) {
      this.request(connection);
    } else if (connection.peer !== null) {
      this.send(connection.peer, REQUEST.length, RESPONSE.length);
      connection.peer = null;
      this.idle[connection.server].push(connection);
    }
  }

  private request(client: Connection): void {
    const server = this.nextServer;
    this.nextServer = (server + 1) % this.servers.length;
    const known = this.idle[server].pop();
    if (known !== undefined) {
      known.peer = client;
      this.send(known, 0, REQUEST.length);
      return;
    }
    const descriptor = ffi.socket(ffi.AF_INET, ffi.SOCK_STREAM | ffi.SOCK_NONBLOCK | ffi.SOCK_CLOEXEC, 0);
    assert(descriptor >= 0, 'no descriptor');
    setNoDelay(descriptor);
    const connection = this.enter(descriptor, server);
    connection.peer = client;
    const { addresses, ring } = this;
    const address = this.servers[server];
    const data = CONNECT | connection.index;
    const at = ring.push(abi.OP_CONNECT, descriptor, addresses.low(address), addresses.high(address), 0, 0, data, 0, 0);
    ring.submissions[at + 2] = addresses.length(address);
  }

  private enter(descriptor: number, server: number): Connection {
    const connection = new Connection(this.connections.length, descriptor, server);
    this.connections.push(connection);
    return connection;
  }

  private receive({ descriptor, index }: Connection): void {
    const head = abi.OP_RECV | abi.SQE_BUFFER_SELECT | abi.RECV_MULTISHOT;
    this.ring.push(head, descriptor, 0, 0, 0, 0, RECEIVE | index, 0, 0);
  }

  private send({ descriptor, index }: Connection, offset: number, length: number): void {
    const { low, high } = this.text;
    this.ring.push(abi.OP_SEND, descriptor, low + offset, high, length, SEND_FLAGS, SEND | index, 0, 0);
  }
}

const one = ffi.mapMemory(4096);
new Int32Array(one.buffer)[0] = 1;

function setNoDelay(descriptor: number): void {
  ffi.setsockopt(descriptor, ffi.IPPROTO_TCP, ffi.TCP_NODELAY, one.address, 4);
}

const opened = openListeningSockets(
  { address: { family: 4, host: '127.0.0.1', port }, isDual: false, isUdp: false },
  1,
);
assert(opened.kind === 'listening', `port ${port} cannot be listened on`);
new BareLoop(serverPorts).run(opened.descriptors[0]);
