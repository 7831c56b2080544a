/** A bound socket's sessions on their way from one process to another, and either of them gone at every point of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DatagramSocket } from '../../port/datagram.ts';
import type { SessionAccount, SessionChannel, SessionMessage, SessionPacket } from '../../port/session-channel.ts';
import { type GivingListener, SessionGiving } from './session-giving.ts';
import { SessionTaking, type TakingListener } from './session-taking.ts';

const ROOM = 3;

/** One end of a channel that takes ROOM packets until the other one receives. */
class End implements SessionChannel {
  other!: End;
  readonly dropped: number[] = [];
  private readonly packets: SessionPacket[] = [];
  private isOpen = true;

  static pair(): [End, End] {
    const [a, b] = [new End(), new End()];
    a.other = b;
    b.other = a;
    return [a, b];
  }

  send(message: SessionMessage, descriptors: readonly number[] = []): boolean {
    if (!this.isOpen || !this.other.isOpen || this.other.packets.length >= ROOM) return false;
    this.other.packets.push({ message, descriptors });
    return true;
  }

  receive(): SessionPacket | 'gone' | null {
    return this.packets.shift() ?? (this.other.isOpen ? null : 'gone');
  }

  drop(descriptor: number): void {
    this.dropped.push(descriptor);
  }

  close(): void {
    this.isOpen = false;
  }
}

class Socket {
  isStopped = false;
  isTold = false;

  /** It takes until the next turn. */
  stop(): void {
    this.isTold = true;
  }

  get asSocket(): DatagramSocket {
    return this as unknown as DatagramSocket;
  }
}

/** Sessions by number; null: none. */
class Giver implements GivingListener {
  readonly sessions: (string | null)[];
  readonly given = new Set<number>();
  isStopped = false;
  isEnded = false;

  constructor(count: number) {
    this.sessions = Array.from({ length: count }, (_, i) => `client ${i}`);
  }

  get sessionsEnd(): number {
    return this.sessions.length;
  }

  accountOf(number: number): SessionAccount | null {
    const client = this.sessions[number];
    if (client === null || this.given.has(number)) return null;
    return { client, port: 1, asked: '::', standing: 'new', server: '' };
  }

  descriptorOf(number: number): number {
    return number;
  }

  handleGiven(number: number): void {
    this.given.add(number);
  }

  stopGiven(): void {
    this.isStopped = true;
  }

  endGiven(): void {
    this.isEnded = true;
  }
}

class Taker implements TakingListener {
  readonly clients: string[] = [];
  isOver = false;

  private readonly most: number;

  /** `most`: it can have no more. */
  constructor(most = Infinity) {
    this.most = most;
  }

  resume({ client }: SessionAccount): boolean {
    if (this.clients.length >= this.most) return false;
    this.clients.push(client);
    return true;
  }

  handleResumed(): void {
    this.isOver = true;
  }
}

function stage(count: number, most?: number) {
  const [from, to] = End.pair();
  const socket = new Socket();
  const giver = new Giver(count);
  const giving = new SessionGiving(from, socket.asSocket);
  const taker = new Taker(most);
  let taking: SessionTaking | null = null;
  let now = 0;
  const turn = (): void => {
    now += 1;
    socket.isStopped = socket.isTold;
    giving.handleTick(now, giver);
    if (taking?.handleTick(taker) === true) taking = null;
  };
  return {
    socket,
    giver,
    giving,
    taker,
    to,
    from,
    turn,
    /** So many at most, until it is so. */
    turns: (turnsMax: number, isOver: () => boolean): void => {
      for (let i = 0; i < turnsMax && !isOver(); i++) turn();
      assert.ok(isOver());
    },
    take: () => (taking = new SessionTaking(to, socket.asSocket)),
    leave: () => {
      to.close();
      taking = null;
    },
    pass: (ms: number) => (now += ms),
  };
}

test('all sessions get there, in the order of their numbers, those that begin meanwhile too', () => {
  const { socket, giver, giving, taker, take, turn, turns, pass } = stage(100);
  take();
  giving.begin();
  turn();
  assert.ok(!socket.isTold, 'it receives while it copies');
  giver.sessions.push('late');
  turns(100, () => socket.isTold);
  giver.sessions[3] = 'later';
  giver.given.delete(3);
  turns(100, () => taker.isOver);
  assert.equal(new Set(taker.clients).size, 102);
  assert.ok(taker.clients.includes('late') && taker.clients.includes('later'));
  turns(3, () => giver.isStopped);
  assert.ok(!giver.isEnded, 'what had been received is passed on');
  pass(1000);
  turn();
  assert.ok(giver.isEnded && giving.isDone);
});

test('nothing is sent before this process is to have the socket no longer, and before the other one is there', () => {
  const { socket, giver, giving, take, turn } = stage(10);
  for (let i = 0; i < 10; i++) turn();
  giving.begin();
  for (let i = 0; i < 10; i++) turn();
  assert.ok(giver.given.size === 0 && !socket.isTold && giving.isUnderWay);
  take();
  turn();
  assert.ok(giver.given.size > 0);
});

test('what the other one cannot have ends there, and its socket is not kept', () => {
  const { giving, taker, to, take, turns } = stage(10, 4);
  take();
  giving.begin();
  turns(20, () => taker.isOver);
  assert.equal(taker.clients.length, 4);
  assert.deepEqual(to.dropped, [4, 5, 6, 7, 8, 9]);
});

test('the other one is gone after any number of turns: the sessions stay, and whoever else has the socket receives', () => {
  for (let after = 0; after < 12; after++) {
    const { socket, giver, giving, take, turn, turns, leave } = stage(300);
    take();
    giving.begin();
    for (let i = 0; i < after; i++) turn();
    assert.ok(!giver.isStopped, 'it is not over yet');
    leave();
    turns(3, () => giving.isDone);
    assert.ok(socket.isTold);
    assert.ok(!giver.isStopped && !giver.isEnded, 'what servers answer is still passed on');
  }
});

test('the other one is gone after it was told that all is over, and before it has said so: the sessions stay', () => {
  const { giver, giving, take, turns, leave } = stage(8);
  const taking = take();
  giving.begin();
  taking.handleTick = () => false;
  turns(20, () => giving.isUnderWay && giver.given.size === 8 && !giving.isSending);
  leave();
  turns(3, () => giving.isDone);
  assert.ok(!giver.isStopped && !giver.isEnded);
});

test('the old one is gone after any number of turns: the new one has what it was sent', () => {
  for (let after = 0; after < 12; after++) {
    const { giver, giving, taker, from, take, turn } = stage(300);
    const taking = take();
    giving.begin();
    for (let i = 0; i < after; i++) turn();
    from.close();
    while (!taking.handleTick(taker));
    assert.ok(taker.isOver);
    assert.equal(taker.clients.length, giver.given.size);
  }
});

test('one that does not take anything is waited for no longer than it has to be', () => {
  const { socket, giving, take, turn, turns, pass } = stage(100);
  const taking = take();
  giving.begin();
  taking.handleTick = () => false;
  turns(20, () => giving.isSending);
  for (let i = 0; i < 20; i++) turn();
  assert.ok(!socket.isTold);
  pass(5000);
  turn();
  assert.ok(socket.isTold);
});
