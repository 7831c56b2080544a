/** A layer below a listener and below an upstream, on sockets of the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../base/arena.ts';
import { Timers } from '../base/timers.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import type { UpstreamPlan } from '../config/plan/upstream.ts';
import { type ConnectFailure, FAILED_CONNECT, FAILED_CONNECT_TIMEOUT } from '../core/retry.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import { RequestHead } from '../wire/http1/head.ts';
import type { Context } from './context.ts';
import { Dial } from './dial.ts';
import type { Expiring } from './expiring.ts';
import type { ClientProtocol, ServerProtocols } from './http/protocol.ts';
import { RouteSet } from './http/route-set.ts';
import { HttpService } from './http/service.ts';
import { type ConnectionInfo, type Layer, type LayerUser, NOTHING_KNOWN, type Opening } from './layer.ts';
import { Listener } from './listener.ts';
import { Sessions } from './sessions.ts';
import type { Server } from './server.ts';
import type { Upstream } from './upstream.ts';

const HEAD_MS = 1000;
const CONNECT_MS = 500;
const LF = 10;

/** A client or a server, as the port shows it. */
class FakeSocket {
  handler!: SocketHandler;
  isClosed = false;
  pendingSegments = 0;
  keepsScarce = false;
  acknowledgedBytes = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  get socket(): Socket {
    return this as unknown as Socket;
  }

  /** The peer sends this. */
  say(text: string): void {
    const slot = this.arena.allocateLarge();
    const start = this.arena.start(slot);
    this.arena.memory.set(Buffer.from(text), start);
    this.handler.handleData(this.socket, slot, start, text.length);
  }

  breakOff(): void {
    this.isClosed = true;
    this.handler.handleClose(this.socket, 'reset');
  }

  close(): void {
    this.isClosed = true;
  }

  remoteAddress(into: Uint8Array): number {
    into.fill(7);
    return 0;
  }
}

/** The peer says in its first line what it speaks and where it comes from, as a number. What follows is the protocol's. */
class FirstLine implements Layer {
  readonly arena: Arena;
  cancelled = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  open(socket: Socket, above: LayerUser): Opening {
    const { arena } = this;
    socket.handler = {
      handleConnect: () => undefined,
      handleData: (from, slot, offset, length) => {
        const end = arena.memory.indexOf(LF, offset) + 1;
        const [protocol, host] = Buffer.from(arena.memory.subarray(offset, end - 1))
          .toString()
          .split(' ');
        const remoteAddress = (into: Uint8Array): number => into.fill(Number(host)).length;
        const peer = { remoteAddress, localAddress: remoteAddress };
        above.handleOpen(socket, { ...NOTHING_KNOWN, peer, protocol });
        const rest = offset + length - end;
        if (rest > 0) from.handler.handleData(from, slot, end, rest);
        else arena.release(slot);
      },
      handleEnd: () => undefined,
      handleDrain: () => undefined,
      handleClose: (_, reason) => above.handleOpenFailed(reason),
    };
    return {
      keepsScarce: false,
      cancel: () => {
        this.cancelled++;
        socket.close();
      },
    };
  }
}

class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(4, 16)), 4, 16);
  readonly timers = new Timers(0);
  readonly layer = new FirstLine(this.arena);
  readonly sessions = new Sessions();
  /** What the transport connects to next; null: there is no descriptor. */
  server: FakeSocket | null = null;
  connections = 0;
  readonly context: Context;
  private readonly transport = {
    now: 0,
    socketCount: 0,
    connect: (_: number, handler: SocketHandler) => this.dialled(handler),
  };

  constructor() {
    this.context = {
      transport: this.transport,
      arena: this.arena,
      memory: this.arena.memory,
      timers: this.timers,
      sessions: this.sessions,
      accessLogs: { find: () => [] },
      requestHead: new RequestHead(1),
      socketsMax: Infinity,
      clientsMax: Infinity,
      liveSessions: 0,
      waitingClients: 0,
      report: () => undefined,
      row: {
        countListenerAccepted: () => undefined,
        addListenerConnections: (_: number, delta: number) => (this.connections += delta),
      },
    } as unknown as Context;
  }

  private dialled(handler: SocketHandler): Socket | null {
    if (this.server === null) return null;
    this.server.handler = handler;
    return this.server.socket;
  }

  client(): FakeSocket {
    return new FakeSocket(this.arena);
  }

  pass(ms: number): void {
    this.transport.now += ms;
    this.timers.advance(this.transport.now, { handleExpiry: (timed, now) => (timed as Expiring).handleExpiry(now) });
  }
}

const PLAN = {
  name: 'web',
  slot: 0,
  intake: 'open',
  timeouts: { headMs: HEAD_MS },
  tls: null,
  limits: { connections: 1 },
  forwarded: { kind: 'none' },
  isReady: true,
  routes: '',
  counted: [],
  escapedSlash: 'refuse',
} as unknown as ListenerPlan;

const ROUTES = noRoutes();

/** A service that notes what it is given, and what its clients say. */
class Noted {
  readonly said: string[] = [];
  readonly served: { readonly socket: Socket; readonly info: ConnectionInfo | null }[] = [];
  readonly listener: Listener;

  constructor(stage: Stage, layer: Layer | null) {
    this.listener = new Listener(
      stage.context,
      PLAN,
      [],
      null,
      () => ({
        configure: () => undefined,
        serve: (socket, info) => {
          this.served.push({ socket, info });
          socket.handler = handlerOf(stage.arena, this.said);
        },
      }),
      layer,
    );
  }
}

function noRoutes(): RouteSet {
  const work = RouteSet.prepare({ routes: '', escapedSlash: 'refuse', counted: [] }, null);
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

function handlerOf(arena: Arena, said: string[]): SocketHandler {
  return {
    handleConnect: () => undefined,
    handleData: (_, slot, offset, length) => {
      said.push(Buffer.from(arena.memory.subarray(offset, offset + length)).toString());
      arena.release(slot);
    },
    handleEnd: () => undefined,
    handleDrain: () => undefined,
    handleClose: () => undefined,
  };
}

test('without a layer the protocol gets the socket that was accepted, and nothing is in between', () => {
  const stage = new Stage();
  const noted = new Noted(stage, null);
  const client = stage.client();
  noted.listener.handleAccept(client.socket);
  assert.deepEqual(noted.served, [{ socket: client.socket, info: null }]);
  assert.equal(stage.sessions.size, 0);
});

test('a layer does its work first; then the protocol gets what the layer knows and every byte behind its own', () => {
  const stage = new Stage();
  const noted = new Noted(stage, stage.layer);
  const client = stage.client();
  noted.listener.handleAccept(client.socket);
  assert.equal(noted.served.length, 0);
  assert.equal(stage.connections, 1, 'it counts from the start');
  client.say('h9 5\nGET ');
  client.say('/');
  const [{ socket, info }] = noted.served;
  assert.equal(socket, client.socket);
  assert.equal(info?.protocol, 'h9');
  assert.deepEqual(noted.said, ['GET ', '/']);
  assert.equal(stage.sessions.size, 0);
  stage.pass(HEAD_MS * 2);
  assert.equal(stage.layer.cancelled, 0);
  assert.equal(stage.arena.usedSlots, 0);
});

test('a client that a layer waits for in vain is let go, and is counted no more', () => {
  const stage = new Stage();
  const noted = new Noted(stage, stage.layer);
  const silent = stage.client();
  noted.listener.handleAccept(silent.socket);
  stage.pass(HEAD_MS * 2);
  assert.ok(silent.isClosed);
  const broken = stage.client();
  noted.listener.handleAccept(broken.socket);
  broken.breakOff();
  assert.equal(stage.layer.cancelled, 1);
  assert.equal(stage.connections, 0);
  assert.equal(stage.sessions.size, 0);
  assert.equal(noted.listener.hasConnections, false);
});

test('at the limit a client that a layer waits for makes room', () => {
  const stage = new Stage();
  const noted = new Noted(stage, stage.layer);
  const silent = stage.client();
  noted.listener.handleAccept(silent.socket);
  stage.pass(HEAD_MS);
  noted.listener.handleAccept(stage.client().socket);
  assert.ok(silent.isClosed);
  assert.equal(stage.connections, 1);
});

test('what both sides have agreed on below HTTP is the version of HTTP that is spoken', () => {
  const stage = new Stage();
  const accepted: string[] = [];
  const protocol = (name: string) => (): ClientProtocol =>
    ({
      name,
      configure: () => undefined,
      accept: (socket: Socket) => {
        socket.handler = handlerOf(stage.arena, []);
        accepted.push(name);
        return {};
      },
    }) as unknown as ClientProtocol;
  const plan = { ...PLAN, limits: { connections: 9 } } as unknown as ListenerPlan;
  const listen = (layer: Layer | null): Listener =>
    new Listener(
      stage.context,
      plan,
      [],
      ROUTES,
      (each) => new HttpService(each, protocol('h1'), protocol('h9'), {} as ServerProtocols),
      layer,
    );
  const over = listen(stage.layer);
  for (const agreed of ['h9', 'h1']) {
    const client = stage.client();
    over.handleAccept(client.socket);
    client.say(`${agreed} 5\n`);
  }
  listen(null).handleAccept(stage.client().socket);
  assert.deepEqual(accepted, ['h9', 'h1', 'h1']);
});

/** Somebody who wants a connection to a server. */
class Caller {
  readonly told: (Socket | ConnectFailure)[] = [];
  readonly said: string[] = [];
  readonly dial: Dial | null;
  /** Of the layer. */
  uses = 0;

  constructor(stage: Stage, layer: Layer | null) {
    const plan = {
      timeouts: { connectMs: CONNECT_MS },
      keepAlive: null,
      proxyProtocol: null,
    } as unknown as UpstreamPlan;
    const counted =
      layer === null ? null : Object.assign(layer, { retain: () => this.uses++, release: () => this.uses-- });
    const server = { preparedAddress: 0, isUsable: true, layer: counted } as unknown as Server;
    this.dial = Dial.begin(stage.context, { plan } as unknown as Upstream, server, {
      client: { remoteAddress: () => 0, localAddress: () => 0 },
      clientInfo: null,
      emitId: (_, at) => at,
      handleDialed: (socket) => {
        socket.handler = handlerOf(stage.arena, this.said);
        this.told.push(socket);
      },
      handleDialFailed: (how) => this.told.push(how),
    });
  }
}

test('towards a server the same: the connection stands when the layer is through, in the time that it has to stand in', () => {
  for (const layered of [false, true]) {
    const stage = new Stage();
    const server = stage.client();
    stage.server = server;
    const caller = new Caller(stage, layered ? stage.layer : null);
    server.handler.handleConnect(server.socket);
    if (layered) {
      assert.deepEqual(caller.told, []);
      server.say('h1 5\nHTTP/1.1');
      assert.deepEqual(caller.said, ['HTTP/1.1']);
    }
    assert.deepEqual(caller.told, [server.socket]);
    stage.pass(CONNECT_MS * 2);
    assert.equal(caller.told.length, 1);
  }
});

test('a layer that does not get through to a server is a connection that failed', () => {
  const failures: (readonly [(server: FakeSocket, stage: Stage) => void, ConnectFailure])[] = [
    [(server) => server.breakOff(), FAILED_CONNECT],
    [(_, stage) => stage.pass(CONNECT_MS * 2), FAILED_CONNECT_TIMEOUT],
  ];
  for (const [happens, how] of failures) {
    const stage = new Stage();
    const server = stage.client();
    stage.server = server;
    const caller = new Caller(stage, stage.layer);
    server.handler.handleConnect(server.socket);
    happens(server, stage);
    assert.deepEqual(caller.told, [how]);
    assert.ok(server.isClosed);
  }
});

test('a dial that is not wanted any more ends with its socket, wherever it is, and tells nobody', () => {
  for (const stands of [false, true]) {
    const stage = new Stage();
    const server = stage.client();
    stage.server = server;
    const caller = new Caller(stage, stage.layer);
    if (stands) server.handler.handleConnect(server.socket);
    caller.dial?.cancel();
    stage.pass(CONNECT_MS * 2);
    assert.ok(server.isClosed);
    assert.deepEqual(caller.told, []);
  }
  assert.equal(new Caller(new Stage(), null).dial, null, 'there is no descriptor');
});
