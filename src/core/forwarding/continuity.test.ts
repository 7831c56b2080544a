/**
 * A pair whose address moves, servers that come and go as each node sees them in its own time, connections that speak or are silent for long, and a link
 * that breaks: no connection to a living server goes to another one, as long as what has happened was told before the next thing happens.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Prng } from '../../base/prng.ts';
import { encodeUtf8 } from '../../base/text.ts';
import { hashBytes } from '../../base/hash.ts';
import { ALL_KNOWN_MS, Continuity, EXCEPTIONS_MAX, type KnownFlow, Table } from './continuity.ts';

const SIZE = 1_013;
const SERVERS = ['a:1', 'b:1', 'c:1', 'd:1'];

interface Flow {
  readonly client: string;
  readonly bucket: number;
  readonly server: string;
}

class Node {
  continuity: Continuity;
  /** Of its kernel. */
  readonly tracked = new Map<string, string>();
  readonly up = new Set(SERVERS);
  isAlive = true;
  private readonly sim: Sim;

  constructor(sim: Sim) {
    this.sim = sim;
    this.continuity = new Continuity(this.table(), false);
  }

  table(): Table {
    return new Table(
      [...this.up].map((identity) => ({ identity, weight: 1 })),
      SIZE,
    );
  }

  /** As the keeper does it: looks while there may be something, and at the end, and tells. */
  look(isLast = false): void {
    if (!this.continuity.isUnsettled && !isLast) return;
    this.continuity.handleFlows(this.known(), this.sim.nowMs);
    this.tell();
  }

  known(): KnownFlow[] {
    return [...this.tracked].map(([client, server]) => ({ client, bucket: bucketOf(client), server, isOver: false }));
  }

  tell(): void {
    const { continuity, sim } = this;
    if (!sim.isLinked || !continuity.hasPast) return;
    const other = sim.other(this);
    if (!other.isAlive) return;
    const { epoch, isInCharge, kept } = continuity;
    if (!other.continuity.handleKept({ epoch, isInCharge, table: new Table(kept.takers, kept.size) }, sim.nowMs))
      return;
    for (const [client, server] of continuity.exceptions) other.continuity.handleException(client, server);
    assert.equal(other.continuity.kept.digest, kept.digest);
  }

  /** A packet that is no first one; where it goes. */
  place(client: string): string | null {
    const { exceptions, kept } = this.continuity;
    const server = this.tracked.get(client) ?? exceptions.get(client) ?? kept.serverOf(bucketOf(client));
    if (server !== null) this.tracked.set(client, server);
    return server;
  }

  die(): void {
    this.isAlive = false;
    this.tracked.clear();
  }

  start(): void {
    this.isAlive = true;
    this.continuity = new Continuity(this.table(), false);
  }
}

class Sim {
  nowMs = 0;
  isLinked = true;
  readonly prng: Prng;
  readonly nodes: readonly Node[];
  active = 0;
  readonly living = new Set(SERVERS);
  readonly flows: Flow[] = [];
  /** What happened, for a report. */
  readonly story: string[] = [];
  private clients = 0;

  constructor(seed: number) {
    this.prng = new Prng(seed);
    this.nodes = [new Node(this), new Node(this)];
    this.take(0);
  }

  other(node: Node): Node {
    return this.nodes[node === this.nodes[0] ? 1 : 0];
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i++) {
      const isLong = this.prng.below(20) === 0;
      // In two hours of silence keep-alives have been heard.
      if (isLong) this.speak(1);
      this.nowMs += isLong ? ALL_KNOWN_MS : 1_000;
      this.step();
      while (this.prng.below(2) === 0) this.step(true);
      // What takes part of a second here: looks, and words over the link.
      for (const node of this.nodes) if (node.isAlive) node.look();
    }
    this.isLinked = true;
    this.speak(1);
  }

  /** `isQuick`: only what may happen before anybody has looked. */
  private step(isQuick = false): void {
    const { prng } = this;
    const active = this.nodes[this.active];
    const standby = this.nodes[1 - this.active];
    switch (prng.below(isQuick ? 4 : 7)) {
      case 0:
      case 1:
        for (let i = prng.below(30); i > 0; i--) this.open();
        break;
      case 2:
        this.change();
        break;
      case 3: {
        // One node alone sees it, for some time.
        const server = SERVERS[prng.below(SERVERS.length)];
        const node = this.nodes[prng.below(2)];
        if (node.up.size > 1 && node.up.delete(server)) this.story.push(`a node loses sight of ${server}`);
        else if (this.living.has(server)) node.up.add(server);
        node.continuity.handleCurrent(node.table());
        break;
      }
      case 4:
        if (!standby.isAlive) {
          standby.start();
          this.story.push('the dead node starts');
          // It takes the address back before it is told anything, or after.
          if (prng.below(2) === 0) this.move(active);
          active.tell();
          break;
        }
        // Killed: it knows nothing any more.
        if (!this.isLinked) break;
        this.story.push('the node in charge dies');
        active.die();
        this.take(1 - this.active);
        break;
      case 5:
        // A planned move: it looks once more, tells, and forgets what its kernel knows.
        if (!standby.isAlive || !this.isLinked) break;
        this.move(active);
        break;
      case 6:
        this.speak();
    }
  }

  private move(from: Node): void {
    this.story.push('the address moves');
    from.look(true);
    from.continuity.handleCharge(false, this.nowMs);
    from.tracked.clear();
    this.take(1 - this.active);
  }

  private take(index: number): void {
    this.active = index;
    this.nodes[index].continuity.handleCharge(true, this.nowMs);
  }

  private change(): void {
    const server = SERVERS[this.prng.below(SERVERS.length)];
    if (this.living.size > 2 && this.living.delete(server)) {
      this.story.push(`${server} dies`);
      for (let i = this.flows.length - 1; i >= 0; i--) if (this.flows[i].server === server) this.end(i);
    } else this.living.add(server);
    for (const node of this.nodes) {
      if (this.living.has(server)) node.up.add(server);
      else node.up.delete(server);
      node.continuity.handleCurrent(node.table());
    }
  }

  private open(): void {
    const client = `192.0.2.1 ${this.clients++}`;
    const node = this.nodes[this.active];
    const server = node.continuity.current.serverOf(bucketOf(client));
    if (server === null || !this.living.has(server)) return;
    node.tracked.set(client, server);
    this.flows.push({ client, bucket: bucketOf(client), server });
  }

  private end(index: number): void {
    const [{ client }] = this.flows.splice(index, 1);
    for (const node of this.nodes) node.tracked.delete(client);
  }

  /** Some, or all: the client first, or the server, whose packets say themselves where they belong. */
  private speak(oneOf = 3): void {
    const node = this.nodes[this.active];
    for (const { client, server } of this.flows) {
      if (this.prng.below(oneOf) !== 0) continue;
      if (this.prng.below(4) === 0) node.tracked.set(client, server);
      assert.equal(node.place(client), server, `${client} of ${server}\n${this.story.join('\n')}`);
    }
  }
}

function bucketOf(client: string): number {
  const bytes = encodeUtf8(client);
  return (hashBytes(bytes, 0, bytes.length, 1) >>> 0) % SIZE;
}

test('no connection to a server that lives goes to another one, whoever is in charge and whatever changes', () => {
  for (let seed = 1; seed <= 300; seed++) new Sim(seed).run(60);
});

function table(...names: string[]): Table {
  return new Table(
    names.map((identity) => ({ identity, weight: 1 })),
    SIZE,
  );
}

/** More than there is room for, all of one server. */
function flowsOf(server: string): KnownFlow[] {
  return Array.from({ length: EXCEPTIONS_MAX + 5 }, (_, i) => {
    return { client: `c ${i}`, bucket: i % SIZE, server, isOver: false };
  });
}

test('what there is no room for is left out and counted; a table that nobody goes by any more is given up for it', () => {
  const continuity = new Continuity(table('a'), false);
  continuity.handleCharge(true, 0);
  continuity.handleCurrent(table('b'));
  assert.equal(continuity.handleFlows(flowsOf('b'), 1), true);
  assert.equal(continuity.exceptions.size, 0);
  assert.equal(continuity.kept.text, table('b').text);
  assert.equal(continuity.epoch, 1);
  continuity.handleCurrent(table('c'));
  continuity.handleFlows(flowsOf('a'), 2);
  assert.equal(continuity.exceptions.size, EXCEPTIONS_MAX);
  assert.equal(continuity.leftOut, 5);
});

test('what began between two changes is looked for, though the tables are alike again', () => {
  const continuity = new Continuity(table('a', 'b'), false);
  continuity.handleCharge(true, 0);
  continuity.handleFlows([], 1);
  assert.equal(continuity.isUnsettled, false);
  continuity.handleCurrent(table('a'));
  continuity.handleCurrent(table('a', 'b'));
  assert.equal(continuity.isUnsettled, true);
  const bucket = continuity.kept.buckets.findIndex((_, i) => continuity.kept.serverOf(i) === 'b');
  continuity.handleFlows([{ client: 'c 1', bucket, server: 'a', isOver: false }], 2);
  assert.deepEqual([...continuity.exceptions], [['c 1', 'a']]);
});

test('a node in charge believes nobody, but for what it had not been told when it took the address', () => {
  const before = new Table([{ identity: 'a', weight: 1 }], SIZE);
  const word = (isInCharge: boolean): Parameters<Continuity['handleKept']>[0] => ({
    epoch: 7,
    isInCharge,
    table: before,
  });
  const current = new Table([{ identity: 'b', weight: 1 }], SIZE);
  const settled = new Continuity(current, true);
  assert.equal(settled.handleKept(word(true), 1), false);
  const standby = new Continuity(current, false);
  assert.equal(standby.handleKept(word(false), 1), false);
  assert.equal(standby.handleKept(word(true), 1), true);
  assert.equal(standby.epoch, 7);
  standby.handleCharge(true, 2);
  assert.equal(standby.handleKept(word(false), 3), false);
  const newcomer = new Continuity(current, false);
  newcomer.handleCharge(true, 2);
  assert.equal(newcomer.handleKept(word(false), 3), true);
  newcomer.handleException('c 1', 'x');
  assert.equal(newcomer.exceptions.get('c 1'), 'x');
  assert.equal(newcomer.handleKept(word(false), 4), false);
  const late = new Continuity(current, false);
  late.handleCharge(true, 2);
  assert.equal(late.handleKept(word(false), 100_000), false);
});

test('what a peer has told and there is no room for is forgotten whole', () => {
  const table = new Table([{ identity: 'a:1', weight: 1 }], SIZE);
  const continuity = new Continuity(table, false);
  assert.ok(continuity.handleKept({ epoch: 1, isInCharge: true, table }, 0));
  for (let i = 0; i < EXCEPTIONS_MAX; i++) continuity.handleException(`192.0.2.1 ${i}`, 'b:1');
  continuity.handleCharge(true, 0);
  continuity.handleFlows([{ client: '192.0.2.2 1', bucket: 0, server: 'c:1', isOver: false }], 1);
  assert.equal(continuity.leftOut, 1);
  // now there would be room
  continuity.handleFlows([], 2);
  assert.equal(continuity.exceptions.size, EXCEPTIONS_MAX - 1);
  assert.ok([...continuity.exceptions.values()].every((server) => server === 'b:1'));
});
