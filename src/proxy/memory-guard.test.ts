/** The memory guard against sessions that do what a test says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena, PLENTY, SHORT, TIGHT } from '../base/arena.ts';
import { Board, MEMORY_EXHAUSTED } from '../base/board.ts';
import { LARGE_SLOT_BYTES, TICK_MS } from '../base/limits.ts';
import type { ProxyEvent } from '../port/control.ts';
import { MemoryGuard } from './memory-guard.ts';
import { KEEPS_NOTHING, Session } from './session.ts';
import { Sessions } from './sessions.ts';

const LARGE = 64;
const SMALL = 64;

class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(LARGE, SMALL)), LARGE, SMALL);
  readonly row = Board.createAlone({ servers: 1, listeners: 1, rows: 1 }).worker(0);
  readonly sessions = new Sessions();
  readonly events: ProxyEvent[] = [];
  readonly shed: string[] = [];
  now = 1000;
  private readonly guard = new MemoryGuard(this.arena, this.row, this.sessions, (event) => this.events.push(event));

  /** A session that keeps `slots` large ones and has moved as far as `taken` says. */
  add(name: string, slots: number): TestSession {
    const session = new TestSession(this, name, slots);
    this.sessions.add(session);
    return session;
  }

  pass(ms: number): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += TICK_MS;
      this.arena.judge(0);
      this.guard.handleTick(this.now);
    }
  }
}

class TestSession extends Session {
  taken = 0;
  private readonly stage: Stage;
  private readonly name: string;
  private readonly slots: number[] = [];

  constructor(stage: Stage, name: string, slots: number) {
    super();
    this.stage = stage;
    this.name = name;
    for (let i = 0; i < slots; i++) this.slots.push(stage.arena.allocateLarge());
  }

  override progress(): number {
    return this.slots.length === 0 ? KEEPS_NOTHING : this.taken;
  }

  override quietSince(): number {
    return this.stage.now;
  }

  override shed(): void {
    this.stage.shed.push(this.name);
    this.stage.sessions.delete(this);
    for (const slot of this.slots) this.stage.arena.release(slot);
  }

  override retireAt(): number {
    return Infinity;
  }
  override retire(): void {
    // nothing is retired here
  }

  override localAddress(): number {
    return 0;
  }
  override abandon(): void {
    // nor abandoned
  }

  override handleExpiry(): void {
    // not here
  }
}

test('pressure begins at half and at a sixteenth, and ends above where it began', () => {
  const { arena } = new Stage();
  const slots: number[] = [];
  const use = (count: number): number => {
    while (slots.length < count) slots.push(arena.allocateLarge());
    while (slots.length > count) arena.release(slots.pop()!);
    arena.judge(0);
    return arena.pressure;
  };
  assert.equal(use(32), PLENTY);
  assert.equal(use(33), TIGHT);
  assert.equal(use(30), TIGHT, 'it does not flicker');
  assert.equal(use(24), PLENTY);
  assert.equal(use(60), TIGHT);
  assert.equal(use(61), SHORT);
  assert.equal(arena.missingSlots, 5);
  assert.equal(use(57), SHORT);
  assert.equal(use(56), TIGHT);
  assert.equal(use(63), SHORT);
  assert.ok(arena.allocate(LARGE_SLOT_BYTES) >= 0, 'what waits takes no large slot');
});

test('while memory is only tight nobody is shed, however long it stands still', () => {
  const stage = new Stage();
  for (let i = 0; i < 20; i++) stage.add(`s${i}`, 2);
  stage.pass(60_000);
  assert.deepEqual(stage.shed, []);
  assert.deepEqual(stage.events, []);
});

test('when memory is short, whoever has stood still for longest goes first, and no more than needed', () => {
  const stage = new Stage();
  const early = Array.from({ length: 20 }, (_, i) => stage.add(`early${i}`, 2));
  stage.pass(2_000);
  early[0].taken = 1;
  stage.pass(500);
  stage.add('late', 21);
  assert.equal(stage.arena.large.freeCount, 3);
  stage.pass(200);
  assert.ok(stage.shed.length >= 3 && stage.shed.length <= 5, `${stage.shed.length} were shed`);
  assert.ok(!stage.shed.includes('late') && !stage.shed.includes('early0'));
  assert.equal(stage.row.shed, stage.shed.length);
  const sheds = stage.shed.length;
  stage.pass(60_000);
  assert.equal(stage.shed.length, sheds);
  assert.deepEqual(
    stage.events.map(({ kind }) => kind),
    ['memory-short', 'memory-recovered'],
  );
});

test('of those that nobody has looked at before, the oldest goes first', () => {
  const stage = new Stage();
  for (let i = 0; i < 61; i++) stage.add(`s${i}`, 1);
  stage.pass(1_100);
  assert.deepEqual(stage.shed, ['s0', 's1', 's2', 's3', 's4']);
});

test('a session that moves is never shed, and one that moved after it had stood still is left alone for long', () => {
  const stage = new Stage();
  const moving = stage.add('moving', 40);
  const slow = stage.add('slow', 21);
  const step = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += TICK_MS) {
      moving.taken++;
      stage.pass(TICK_MS);
    }
  };
  // the first time nobody can know; the session is new and counts from when it was seen
  step(900);
  slow.taken++;
  step(900);
  slow.taken++;
  assert.deepEqual(stage.shed, []);
  step(1_100);
  assert.deepEqual(stage.shed, ['slow']);
  assert.ok(stage.arena.large.freeCount >= 8);
});

test('a reader that moves every 16 s keeps its place', () => {
  const stage = new Stage();
  const slow = stage.add('slow', 40);
  for (let i = 0; i < 3; i++) {
    stage.pass(16_000);
    slow.taken++;
  }
  const crowd = Array.from({ length: 21 }, (_, i) => stage.add(`still${i}`, 1));
  stage.pass(2_000);
  assert.ok(stage.shed.length >= 5 && stage.shed.length < crowd.length);
  assert.ok(!stage.shed.includes('slow'));
});

test('the board says how much is in use, and that nothing is left', () => {
  const stage = new Stage();
  stage.add('all', LARGE).taken = 1;
  stage.arena.judge(0);
  stage.pass(TICK_MS);
  assert.equal(stage.row.memoryLevel, MEMORY_EXHAUSTED);
  assert.deepEqual(stage.row.slots(0), { used: LARGE, usedMax: LARGE });
});
