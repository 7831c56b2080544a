/**
 * What limits promise, on the table that proxies share, in a time of the test's: as many as the limit says, whoever else comes, whichever proxy is asked,
 * over reloads and killed proxies, and with clocks that are not read at the same instant.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LimitTable } from '../../base/limit-table.ts';
import { Prng } from '../../base/prng.ts';
import type { LimitPlan, LimitsPlan } from '../../config/plan/limits.ts';
import { copyIp, IpWords, parseIpText } from '../../wire/ip-text.ts';
import { request } from '../value/fixtures.test.ts';
import { giveBack, type LimitCounting, RouteLimits, Verdict } from './route-limits.ts';

const PROXIES = 4;
const LIMIT: LimitPlan = { zone: 'a', key: null, ipv6Bits: 64, status: 429, isDry: false };
const DAY_MS = 86_400_000;
const memory = new ArrayBuffer(LimitTable.bytesFor(PROXIES));

interface Proxy {
  limits: RouteLimits;
  readonly counting: LimitCounting;
  /** What its requests under way hold. */
  open: { readonly address: number; readonly cells: readonly number[] }[];
}

/** A node with its proxies. Every address is a client's. */
class Node {
  readonly prng: Prng;
  readonly proxies: readonly Proxy[];
  private readonly plan: LimitsPlan;
  private readonly table: LimitTable;
  private readonly view = request('/');
  private readonly client = new IpWords();
  private readonly verdict = new Verdict();

  constructor(plan: LimitsPlan, seed: number) {
    this.prng = new Prng(seed);
    this.plan = plan;
    new Int32Array(memory).fill(0);
    this.table = new LimitTable(memory, PROXIES);
    this.table.setKeys(this.prng.nextU32() | 0, this.prng.nextU32() | 0);
    this.proxies = Array.from({ length: PROXIES }, (_, row) => this.start(row));
    const text = Buffer.from('10.0.0.0');
    assert.ok(parseIpText(text, 0, text.length, this.client));
  }

  private start(row: number): Proxy {
    // each process opens the same memory
    const table = new LimitTable(memory, PROXIES);
    table.join(row);
    return { limits: new RouteLimits(this.plan), counting: { table, row }, open: [] };
  }

  any(): Proxy {
    return this.proxies[this.prng.below(PROXIES)];
  }

  /** Whether this proxy lets in a request of this client. */
  asks(proxy: Proxy, address: number, nowMs: number): boolean {
    const { client, verdict, view } = this;
    client.ip3 = address | 0;
    copyIp(client, view.client);
    proxy.limits.judge(view, proxy.counting, nowMs, verdict);
    if (verdict.refusal !== null) return false;
    if (verdict.cells.length > 0) proxy.open.push({ address, cells: [...verdict.cells] });
    return true;
  }

  reload(): void {
    for (const proxy of this.proxies) proxy.limits = new RouteLimits(this.plan);
  }

  /** The keeper learns that the process is gone, and another one takes its row. */
  kill(proxy: Proxy): void {
    this.table.clearRow(proxy.counting.row);
    proxy.open = [];
    proxy.limits = new RouteLimits(this.plan);
  }

  /** Of all proxies. */
  openOf(address: number): number {
    return this.proxies.reduce((sum, { open }) => sum + open.filter((one) => one.address === address).length, 0);
  }
}

function perSecond(rate: number, burst: number): LimitsPlan {
  return { requests: [{ ...LIMIT, rate: rate * 1000, burst, delayAfter: null }], connections: [] };
}

test('N per second lets N per second through within 2 %, beside a million others, over all proxies, reloads and killed proxies', () => {
  const [seconds, n] = [10, 100];
  const node = new Node(perSecond(n, 5), 11);
  const { prng } = node;
  let passed = 0;
  let others = 0;
  for (let ms = 0; ms < seconds * 1000; ms++) {
    const now = DAY_MS + ms;
    if (prng.below(500) === 0) node.reload();
    if (prng.below(500) === 0) node.kill(node.any());
    // three times as much as it may
    const asked = ms % 10 < 5 ? prng.below(7) : 0;
    for (let i = 0; i < asked; i++) if (node.asks(node.any(), 1, now)) passed++;
    for (let i = 0; i < 100; i++) node.asks(node.any(), 1000 + others++, now);
  }
  assert.equal(others, 1_000_000);
  assert.ok(Math.abs(passed - n * seconds) <= n * seconds * 0.02, `${passed} in ${seconds} s`);
});

test('a million clients that all come again are each let in as often as they may', () => {
  const node = new Node(perSecond(1, 0), 12);
  let passed = 0;
  const clients = 1_000_000;
  // each twice in half a second: the second time is one too many
  for (const at of [0, 500]) for (let i = 0; i < clients; i++) if (node.asks(node.any(), i, DAY_MS + at)) passed++;
  assert.ok(passed <= clients * 1.02, `${passed} of ${clients} clients, each of whom may come once`);
  assert.ok(passed >= clients, `${passed} of ${clients}`);
});

test('an attacker with many addresses is not forgotten with the one that he uses all the time', () => {
  const node = new Node({ requests: [{ ...LIMIT, rate: 166, burst: 0, delayAfter: null }], connections: [] }, 13);
  let passed = 0;
  let addresses = 1000;
  for (let ms = 0; ms < 60_000; ms += 2) {
    // ten thousand others between two of his
    if (ms % 100 === 0) for (let i = 0; i < 2000; i++) node.asks(node.any(), addresses++, DAY_MS + ms);
    if (ms % 500 === 0 && node.asks(node.any(), 1, DAY_MS + ms)) passed++;
  }
  assert.equal(addresses - 1000, 1_200_000);
  assert.ok(passed <= 10, `${passed} in a minute, of ten that he may`);
  assert.ok(passed >= 9, `${passed} in a minute`);
});

test('clocks that are read late or early, stand still or run back let nobody in who may not come', () => {
  const [seconds, n] = [20, 50];
  const node = new Node(perSecond(n, 2), 14);
  const { prng } = node;
  let passed = 0;
  for (let ms = 0; ms < seconds * 1000; ms += 5) {
    // of each turn it was read at its beginning, and some turns are long; one proxy stands for ten seconds
    const isStalled = prng.below(100) === 0;
    const now = DAY_MS + Math.max(0, ms - prng.below(isStalled ? 10_000 : 50));
    if (node.asks(node.any(), 1, now)) passed++;
  }
  assert.ok(passed <= n * seconds * 1.02 + 3, `${passed} in ${seconds} s`);
});

test('counts of requests under way are exact over all proxies, and what a killed one held is free', () => {
  const [max, addresses] = [3, 200];
  const node = new Node({ requests: [], connections: [{ ...LIMIT, max }] }, 15);
  const { prng } = node;
  for (let i = 0; i < 50_000; i++) {
    const proxy = node.any();
    const address = prng.below(addresses);
    if (prng.below(2000) === 0) node.kill(proxy);
    if (prng.below(500) === 0) node.reload();
    const before = node.openOf(address);
    assert.equal(node.asks(proxy, address, DAY_MS + i), before < max, `${before} are under way`);
    if (prng.below(3) > 0 && proxy.open.length > 0) {
      const [ended] = proxy.open.splice(prng.below(proxy.open.length), 1);
      giveBack(proxy.counting, ended.cells);
    }
  }
});
