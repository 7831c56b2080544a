import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { type Correspondents, DIRECT } from '../../base/correspondents.ts';
import { NO_SESSION, type SessionRules, SessionTable } from './session-table.ts';

const RULES: SessionRules = { sessionsMax: 1000, idleMs: 100, requests: 0, responses: -1 };

/** A client on this port, which has asked the local address `local`. */
function from(port: number, local = 1, localPort = 53): Correspondents {
  const to = { local0: 0, local1: 0, local2: 0xffff, local3: local, localPort };
  return { ip0: 0, ip1: 0, ip2: 0xffff, ip3: 0x0a000001, port, ...to, ...DIRECT };
}

function tableOf(rules: Partial<SessionRules> = {}): SessionTable {
  return new SessionTable({ ...RULES, ...rules }, 7);
}

/** A client's datagram. */
function ask(table: SessionTable, of: Correspondents, now: number): { session: number; isOver: boolean } {
  const found = table.find(of);
  const session = found === NO_SESSION ? table.begin(of, now) : found;
  const isOver = table.noteRequest(session, now);
  if (isOver) table.end(session);
  return { session, isOver };
}

test('a client that comes through two proxies, or past them, has a session with each', () => {
  const table = tableOf();
  const through = (proxyPort: number, proxy3: number): Correspondents => ({ ...from(1), proxyPort, proxy3 });
  const ways = [from(1), through(5, 7), through(6, 7), through(5, 8)];
  const sessions = ways.map((way) => ask(table, way, 0).session);
  assert.equal(new Set(sessions).size, 4);
  assert.deepEqual(
    ways.map((way) => ask(table, way, 1).session),
    sessions,
  );
  assert.deepEqual(
    sessions.map((session) => table.proxyPort(session)),
    [0, 5, 6, 5],
  );
});

test('datagrams of one client to one address and port are one session', () => {
  const table = tableOf();
  const { session } = ask(table, from(1), 0);
  assert.equal(ask(table, from(1), 1).session, session);
  assert.notEqual(ask(table, from(2), 1).session, session);
  assert.notEqual(ask(table, from(1, 2), 1).session, session);
  assert.notEqual(ask(table, from(1, 1, 5353), 1).session, session);
  assert.equal(table.size, 4);
});

test('a session ends by silence in both directions, the one that has been silent for longest first', () => {
  const table = tableOf();
  const first = ask(table, from(1), 0).session;
  const second = ask(table, from(2), 10).session;
  table.noteResponse(first, 50);
  assert.equal(table.expired(109), NO_SESSION);
  assert.equal(table.expired(110), second);
  table.end(second);
  assert.equal(table.expired(149), NO_SESSION);
  assert.equal(table.expired(150), first);
});

test('with `responses` it ends with the last answer that its client waits for', () => {
  const table = tableOf({ responses: 2 });
  const { session } = ask(table, from(1), 0);
  assert.equal(table.noteResponse(session, 1), false);
  ask(table, from(1), 2);
  assert.equal(table.noteResponse(session, 3), false);
  assert.equal(table.noteResponse(session, 4), false);
  assert.ok(table.lacksResponses(session));
  assert.equal(table.noteResponse(session, 5), true);
  assert.ok(!table.lacksResponses(session));
});

test('a server that owes an answer is to blame, unless it has answered somebody since it was asked', () => {
  const table = tableOf({ responses: 1 });
  const { session } = ask(table, from(1), 10);
  assert.ok(table.blamesServer(session, -Infinity));
  assert.ok(table.blamesServer(session, 9));
  assert.ok(!table.blamesServer(session, 11));
  ask(table, from(1), 12);
  assert.ok(table.blamesServer(session, 11), 'asked again, it has said nothing');
  table.noteResponse(session, 13);
  table.noteResponse(session, 14);
  assert.ok(!table.blamesServer(session, 9), 'it owes nothing');
});

test('with `requests` the next datagram begins another session, and the one before waits for its answers', () => {
  const table = tableOf({ requests: 2, responses: 1 });
  const { session } = ask(table, from(1), 0);
  assert.equal(table.noteResponse(session, 1), false, 'another datagram may come');
  assert.equal(ask(table, from(1), 2).session, session);
  const other = ask(table, from(1), 3).session;
  assert.notEqual(other, session);
  assert.equal(table.noteResponse(session, 4), true);
  table.end(session);
  assert.equal(table.find(from(1)), other);
});

test('a session of one datagram without an answer is over at once', () => {
  const table = tableOf({ requests: 1, responses: 0 });
  assert.ok(ask(table, from(1), 0).isOver);
  assert.equal(table.size, 0);
});

/** A client that has talked with its server. */
function prove(table: SessionTable, of: Correspondents, now: number): number {
  const { session } = ask(table, of, now);
  table.noteResponse(session, now);
  ask(table, of, now);
  return session;
}

/** A client of another address. */
function at(ip3: number, port = 1): Correspondents {
  return { ...from(port), ip3 };
}

test('room is made by who has not shown that it hears the answers, and who has keeps its place', () => {
  const table = tableOf({ sessionsMax: 3 });
  const proven = prove(table, at(1), 0);
  const answered = ask(table, at(2), 3).session;
  const silent = ask(table, at(3), 4).session;
  table.noteResponse(answered, 5);
  assert.ok(table.isFull);
  assert.equal(table.victim(at(9)), silent);
  table.end(silent);
  prove(table, at(4), 6);
  assert.equal(table.victim(at(9)), answered);
  table.end(answered);
  prove(table, at(5), 9);
  assert.equal(table.victim(at(9)), NO_SESSION, 'all have talked with their servers');
  assert.equal(table.crowdSize(3), 0);
  assert.equal(table.find(at(1)), proven);
});

test('an address that has most of the table, all proven, makes room for new clients; as a crowd until it has its share', () => {
  const table = tableOf({ sessionsMax: 80 });
  const greedy = Array.from({ length: 80 }, (_, port) => prove(table, from(port), port));
  for (let i = 0; i < 70; i++) {
    const victim = table.victim(at(i));
    assert.equal(victim, greedy.shift(), 'its oldest');
    table.end(victim);
    prove(table, at(i), 100 + i);
  }
  assert.equal(table.crowdSize(80), 0, 'it has an eighth');
  assert.equal(table.victim(at(100)), greedy[0], 'and the most still');
});

test('hosts that fill the table together, each below its share, make room for who has less, until all have as many', () => {
  const table = tableOf({ sessionsMax: 80 });
  // 20 hosts with four sessions each: an eighth is ten.
  for (let port = 0; port < 80; port++) prove(table, at(port % 20, port), port);
  assert.equal(table.crowdSize(80), 0);
  assert.equal(table.victim(at(3, 200)), NO_SESSION, 'none has more than it would');
  let begun = 0;
  for (; table.victim(at(100 + begun)) !== NO_SESSION; begun++) {
    table.end(table.victim(at(100 + begun)));
    prove(table, at(100 + begun), 100 + begun);
  }
  assert.equal(begun, 60, 'one session for each of 80 hosts');
});

test('an address that has its share gives up one of its own for the next, those first that are not proven', () => {
  const table = tableOf({ sessionsMax: 16 });
  const proven = [1, 2, 3].map((port) => prove(table, from(port), 0));
  for (let i = 0; i < 12; i++) ask(table, at(i), 1);
  const asking = ask(table, from(4), 2).session;
  assert.equal(table.victim(from(5)), asking);
  table.end(asking);
  assert.equal(table.victim(from(5)), proven[0]);
});

test('a flood with the addresses of others ends none of an address that has many, and fewer than the flood', () => {
  const table = tableOf({ sessionsMax: 80 });
  const many = Array.from({ length: 30 }, (_, port) => prove(table, from(port), 0));
  for (let i = 0; i < 500; i++) {
    if (table.isFull) table.end(table.victim(at(i)));
    ask(table, at(i), 1 + i);
  }
  assert.deepEqual(
    many.filter((_, port) => table.find(from(port)) === NO_SESSION),
    [],
  );
});

function v6(ip1: number, ip3: number): Correspondents {
  return { ...from(1), ip0: 0x20010db8, ip1, ip2: 7, ip3 };
}

test('the addresses of a /64 are one, those of IPv4 are not', () => {
  const table = tableOf({ sessionsMax: 8 });
  for (let i = 0; i < 3; i++) prove(table, v6(1, i), 0);
  for (let i = 0; i < 3; i++) prove(table, at(i), 0);
  assert.ok(table.hasShare(v6(1, 9), 16));
  assert.ok(!table.hasShare(v6(2, 0), 16));
  assert.ok(!table.hasShare(at(0), 16));
});

test('what a plan changes holds for sessions that there are', () => {
  const table = tableOf();
  const { session } = ask(table, from(1), 0);
  table.configure({ ...RULES, idleMs: 10, sessionsMax: 1, responses: 1 });
  assert.ok(table.isFull);
  assert.equal(table.expired(10), session);
  assert.equal(table.noteResponse(session, 10), true);
});

test('a session that has more requests than a plan leaves it takes one more', () => {
  const table = tableOf();
  const { session } = ask(table, from(1), 0);
  for (let now = 1; now < 5; now++) ask(table, from(1), now);
  table.configure({ ...RULES, requests: 2 });
  assert.equal(table.find(from(1)), session);
  ask(table, from(1), 5);
  assert.equal(table.find(from(1)), NO_SESSION);
});

test('it does what a map of lists does, with thousands of sessions that come and go', () => {
  const event = fc.record({ port: fc.nat(400), kind: fc.constantFrom('ask', 'ask', 'answer', 'end', 'expire') });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 3000, minLength: 1000, size: 'max' }), (events) => {
      const table = tableOf({ requests: 3, responses: 1, sessionsMax: 300 });
      const bound = new Map<number, number>();
      const lastAt = new Map<number, number>();
      const asked = new Map<number, number>();
      const drop = (session: number): void => {
        table.end(session);
        lastAt.delete(session);
        for (const [port, other] of bound) if (other === session) bound.delete(port);
      };
      events.forEach(({ port, kind }, now) => {
        const of = at(port % 7, port);
        assert.equal(table.find(of), bound.get(port) ?? NO_SESSION);
        const session = bound.get(port);
        if (kind === 'ask') {
          if (session === undefined && table.isFull) drop(table.victim(of));
          const next = session ?? table.begin(of, now);
          if (session === undefined) asked.set(next, 0);
          asked.set(next, asked.get(next)! + 1);
          table.noteRequest(next, now);
          lastAt.set(next, now);
          if (asked.get(next) === 3) bound.delete(port);
          else bound.set(port, next);
        } else if (kind === 'answer' && session !== undefined) {
          lastAt.set(session, now);
          if (table.noteResponse(session, now)) drop(session);
        } else if (kind === 'end' && session !== undefined) {
          drop(session);
        } else if (kind === 'expire') {
          for (;;) {
            const expired = table.expired(now);
            if (expired === NO_SESSION) break;
            assert.ok(now - lastAt.get(expired)! >= 100);
            drop(expired);
          }
          for (const at of lastAt.values()) assert.ok(now - at < 100);
        }
        assert.equal(table.size, lastAt.size);
      });
    }),
    { numRuns: 30 },
  );
});

test('a session that has stood in another table stands as it did there, and its silence begins anew', () => {
  const table = tableOf();
  for (const [port, standing] of (['new', 'answered', 'proven'] as const).entries()) {
    const session = table.resume(from(port), standing, 10);
    assert.equal(table.standing(session), standing);
    assert.equal(table.find(from(port)), session);
    assert.ok(table.endsBySilence(session));
  }
  table.refreshAll(50);
  assert.equal(table.expired(149), NO_SESSION);
  assert.notEqual(table.expired(150), NO_SESSION);
});

test('a session that is released stays until it ends, and its client begins another one', () => {
  const table = tableOf();
  const { session } = ask(table, from(1), 0);
  table.release(session);
  assert.equal(table.find(from(1)), NO_SESSION);
  assert.ok(!table.endsBySilence(session));
  assert.notEqual(ask(table, from(1), 1).session, session);
  assert.equal(table.size, 2);
  table.end(session);
  assert.equal(table.size, 1);
});

test('a session that does not say which address was asked is that of the first one that is asked', () => {
  const table = tableOf();
  const unasked = (port: number): Correspondents => ({ ...from(port), local0: 0, local1: 0, local2: 0, local3: 0 });
  const sessions = Array.from({ length: 600 }, (_, port) => table.resume(unasked(port), 'proven', 0));
  for (const port of [0, 1, 599]) {
    assert.equal(table.find(from(port, 7)), NO_SESSION);
    assert.equal(table.claim(unasked(port)), NO_SESSION);
    assert.equal(table.claim(from(port, 7)), sessions[port]);
    assert.equal(table.find(from(port, 7)), sessions[port]);
    assert.equal(table.claim(from(port, 8)), NO_SESSION);
  }
  for (const session of sessions) table.end(session);
  assert.equal(table.claim(from(2, 7)), NO_SESSION);
  assert.equal(table.size, 0);
});
