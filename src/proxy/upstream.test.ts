import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address } from '../base/address.ts';
import { AddressNumbers } from '../base/address-numbers.ts';
import { emptySlot, SERVER_DOWN, SERVER_DRAINING, SERVER_UP, type ServerSlot } from '../base/board.ts';
import { Prng } from '../base/prng.ts';
import { Timers } from '../base/timers.ts';
import type { ServerPlan, UpstreamPlan } from '../config/plan/upstream.ts';
import type { Context } from './context.ts';
import type { PooledSide } from './http/sides.ts';
import { Upstream } from './upstream.ts';
import type { Waiter } from './waiter.ts';

/** What the transport was asked to keep ready. */
class Prepared {
  readonly now = 0;
  readonly numbers = new AddressNumbers();
  readonly ready = new Map<number, number>();

  prepareAddress(address: Address, sources: readonly Address[]): number {
    const number = this.numbers.take(address, sources);
    this.ready.set(number, (this.ready.get(number) ?? 0) + 1);
    return number;
  }

  forgetAddress(number: number): void {
    this.numbers.give(number);
    const uses = (this.ready.get(number) as number) - 1;
    if (uses === 0) this.ready.delete(number);
    else this.ready.set(number, uses);
  }

  get hosts(): string[] {
    return Array.from(this.ready.keys(), (number) => this.numbers.address(number).host).sort();
  }
}

function contextOf(transport: Prepared): Context {
  return {
    transport,
    prng: new Prng(1),
    timers: new Timers(0),
    pools: new Set(),
    isDraining: false,
  } as unknown as Context;
}

const NAME = { hostname: 'app.example', port: 80 };

function server(target: ServerPlan['target'], firstSlot: number, slotCount: number): ServerPlan {
  return {
    name: 's',
    target,
    weight: 1,
    state: 'enabled',
    maxConnections: 0,
    backup: false,
    firstSlot,
    slotCount,
    epoch: 0,
    passive: null,
    health: null,
    notify: null,
  };
}

function plan(...servers: ServerPlan[]): UpstreamPlan {
  return {
    name: 'u',
    balance: 'round-robin',
    hash: null,
    servers,
    sources: [],
    poolIdle: 0,
    timeouts: { idleMs: 1000 },
  } as unknown as UpstreamPlan;
}

function line(host: string | null, state: ServerSlot['state'] = SERVER_UP): ServerSlot {
  if (host === null) return emptySlot();
  const address = new Uint8Array(16);
  address.set(host.split('.').map(Number));
  return { ...emptySlot(), state, weight: 256, family: 4, port: 80, address };
}

function read(upstream: Upstream, ...lines: ServerSlot[]): void {
  for (const [i, one] of lines.entries()) upstream.readSlot(upstream.servers[i], one);
  upstream.refreshed();
}

test('a name whose addresses change has only those of now', () => {
  const transport = new Prepared();
  const upstream = new Upstream(contextOf(transport), plan(server(NAME, 0, 2)));
  for (let i = 0; i < 250; i++) read(upstream, line(`192.0.2.${i}`), line(`198.51.100.${i}`, SERVER_DOWN));
  assert.deepEqual(transport.hosts, ['192.0.2.249', '198.51.100.249']);
  read(upstream, line('192.0.2.249'), line(null));
  assert.deepEqual(transport.hosts, ['192.0.2.249']);
  read(upstream, line(null), line('192.0.2.249'));
  assert.deepEqual(transport.hosts, ['192.0.2.249']);
  assert.equal(upstream.servers[0].isUsable, false);
});

test('an address goes with its server, and stays as long as another one has it', () => {
  const transport = new Prepared();
  const context = contextOf(transport);
  const one = new Upstream(context, plan(server(NAME, 0, 1), server(NAME, 1, 1)));
  const other = new Upstream(context, plan(server(NAME, 5, 1)));
  read(one, line('192.0.2.1'), line('192.0.2.2'));
  read(other, line('192.0.2.1'));
  one.apply(plan(server(NAME, 1, 1)), 1000);
  read(one, line('192.0.2.2'));
  assert.deepEqual(transport.hosts, ['192.0.2.1', '192.0.2.2']);
  other.retire(1000);
  assert.deepEqual(transport.hosts, ['192.0.2.1', '192.0.2.2'], 'who waits there is served still');
  other.leave();
  assert.deepEqual(transport.hosts, ['192.0.2.2']);
});

test('a connection that was in use while its server moved is not kept', () => {
  const upstream = new Upstream(contextOf(new Prepared()), {
    ...plan(server(NAME, 0, 1)),
    poolIdle: 10,
    proxyProtocol: null,
  });
  read(upstream, line('192.0.2.1'));
  const [{ idle: pool }] = upstream.servers;
  let closed = 0;
  const connection = { older: null, newer: null, close: () => closed++ } as unknown as PooledSide;
  connection.join = () => connection;
  pool.put(connection);
  assert.equal(pool.take(false), connection);
  read(upstream, line('192.0.2.1', SERVER_DOWN));
  read(upstream, line('192.0.2.1'));
  pool.put(connection);
  assert.equal(upstream.servers[0].idle.take(false), connection, 'it is where it was');
  read(upstream, line('192.0.2.2'));
  pool.put(connection);
  assert.equal(closed, 1);
  assert.equal(upstream.servers[0].idle.count, 0);
});

function named(id: string, slot: number, more: Partial<ServerPlan> = {}): ServerPlan {
  return { ...server(NAME, slot, 1), id, ...more };
}

test('who belongs to a server gets it where it takes its clients, among the backups where those are picked', () => {
  const loads = new Map<number, number>();
  const context = {
    ...contextOf(new Prepared()),
    board: { serverConnections: (slot: number) => loads.get(slot) ?? 0 },
  } as unknown as Context;
  const sticky = { by: [], behind: '', cookie: null, key: null };
  const servers = [named('a', 0), named('b', 1, { maxConnections: 2 }), named('c', 2), named('a', 3, { backup: true })];
  const upstream = new Upstream(context, { ...plan(...servers), sticky, queueMax: 0 });
  const states = (...list: ServerSlot['state'][]): void =>
    read(upstream, ...list.map((state, i) => line(`192.0.2.${i}`, state)));
  const pick = (bound: readonly number[] | null, tried: readonly number[] = []): number =>
    upstream.pick({
      key: 0,
      bound: bound === null ? null : bound.map((number) => upstream.servers[number]),
      tried: Int32Array.from(tried),
      triedCount: tried.length,
      hasTried: ({ slot }: { slot: number }) => tried.includes(slot),
    } as unknown as Waiter);
  const { UP, DRAINING, DOWN } = { UP: SERVER_UP, DRAINING: SERVER_DRAINING, DOWN: SERVER_DOWN } as const;

  states(UP, UP, UP, UP);
  assert.deepEqual([pick([1]), pick([1]), pick([0, 3]), pick([2])], [1, 1, 0, 2]);
  assert.notEqual(pick([1], [1]), 1, 'it has failed there');
  loads.set(1, 2);
  assert.notEqual(pick([1]), 1, 'it is full');
  loads.clear();
  states(DRAINING, DOWN, UP, UP);
  assert.equal(pick([0, 3]), 0, 'it is drained');
  assert.equal(pick(null), 2);
  assert.equal(pick([1]), 2, 'it is down');
  assert.equal(pick([3]), 2, 'no backup is picked while there is another server');
  states(DOWN, DOWN, DOWN, UP);
  assert.equal(pick([0, 3]), 3);
  upstream.apply({ ...plan(servers[2], servers[1]), sticky, queueMax: 0 }, 1000);
  read(upstream, line('192.0.2.2'), line('192.0.2.1'));
  assert.equal(pick([0]), 0, 'it stands elsewhere now');
});
