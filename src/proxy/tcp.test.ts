/** TCP sessions of which a layer has had too much already, on sockets of the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../base/arena.ts';
import { MEDIUM_SLOT_BYTES } from '../base/limits.ts';
import { Timers } from '../base/timers.ts';
import type { ListenerPlan } from '../config/plan/listener.ts';
import { PICK_FULL } from '../core/balance/balancer.ts';
import type { Socket, SocketHandler } from '../port/transport.ts';
import type { Listener } from './listener.ts';
import { TcpService } from './tcp.ts';
import type { Upstream } from './upstream.ts';

const PLAN = {
  name: 'tcp',
  access: null,
  passthrough: null,
  tcp: null,
  tries: { attempts: 3, withinMs: 0 },
  upstream: 0,
} as unknown as ListenerPlan;
/** Everybody waits. */
const FULL = {
  hashKey: null,
  plan: { name: 'full', balance: 'round-robin', timeouts: { queueMs: 1000 } },
  pick: () => PICK_FULL,
  enqueue: () => true,
  dequeue: () => undefined,
} as unknown as Upstream;

const nothing = (): void => undefined;

class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(2, 16)), 2, 16);
  readonly timers = new Timers(0);
  readonly noted: number[] = [];
  released = 0;
  readonly service: TcpService;

  constructor() {
    const { arena, timers } = this;
    const answers = { note: (_owner: string, kind: number) => this.noted.push(kind) };
    const context = {
      arena,
      memory: arena.memory,
      timers,
      transport: { now: 0 },
      answers,
      accessLogs: { find: () => [] },
      sessionCounter: { ended: nothing, queued: nothing },
    };
    const listener = { plan: PLAN, context, release: () => this.released++ };
    this.service = new TcpService(listener as unknown as Listener);
    this.service.configure([FULL]);
  }

  client(): { handler: SocketHandler } & Socket {
    return { handler: null, pause: nothing, resetIfKilled: nothing, reset: nothing } as never;
  }

  /** A received slot with so many bytes. */
  received(length: number): { slot: number; at: number } {
    const slot = this.arena.allocateLarge();
    const at = this.arena.start(slot);
    this.arena.memory.fill(length & 255, at, at + length);
    return { slot, at };
  }
}

test('who waits for a server keeps no slot to receive into for the little that it has sent already', () => {
  for (const length of [1, 1800, MEDIUM_SLOT_BYTES]) {
    const stage = new Stage();
    const clients = [1, 2, 3, 4].map(() => {
      const client = stage.client();
      stage.service.serve(client, null);
      const { slot, at } = stage.received(length);
      assert.ok(slot >= 0, 'one after the other has the same two slots');
      client.handler.handleData(client, slot, at, length);
      return client;
    });
    for (const client of clients) client.handler.handleClose(client, 'reset');
    assert.equal(stage.arena.usedSlots, 0);
    assert.equal(stage.released, clients.length);
  }
});

test('what is larger stays where it is, and goes with its session', () => {
  const stage = new Stage();
  const client = stage.client();
  stage.service.serve(client, null);
  const { slot, at } = stage.received(MEDIUM_SLOT_BYTES + 1);
  client.handler.handleData(client, slot, at, MEDIUM_SLOT_BYTES + 1);
  assert.equal(stage.arena.usedSlots, 1);
  client.handler.handleClose(client, 'reset');
  assert.equal(stage.arena.usedSlots, 0);
});
