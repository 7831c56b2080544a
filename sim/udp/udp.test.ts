/** Seeds of a node whose listener of UDP is asked while everything is done to it; and what is broken on purpose, which must be caught. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { SessionTable } from '../../src/core/datagram/session-table.ts';
import { Server } from '../../src/proxy/server.ts';
import { isCaught } from '../canary.ts';
import { SIM_SECONDS } from '../seconds.ts';
import { UDP_SABOTAGES } from './datagrams.ts';
import { playUdp } from './run.ts';
import { drawUdpScenario, type UdpFault } from './scenario.ts';

const SEEDS = 2 * SIM_SECONDS;
const CANARY_SEEDS = 60;

/** Of very many seeds those that have this. */
function isCaughtWith(fault: UdpFault): boolean {
  return isCaught(1000, (seed) => drawUdpScenario(seed).faults.has(fault) && playUdp(seed));
}

test('no datagram comes to a wrong client, none is lost by what is done to a node, and everything ends', (t) => {
  const totals = { asked: 0, answered: 0, handedOn: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { asked, answered, handedOn } = playUdp(seed);
    totals.asked += asked;
    totals.answered += answered;
    totals.handedOn += handedOn;
  }
  assert.ok(totals.answered > 50 * SEEDS && totals.handedOn > SEEDS, JSON.stringify(totals));
  t.diagnostic(JSON.stringify(totals));
});

test('a seed is the same run again', () => {
  for (const seed of [3, 4, 5]) assert.equal(playUdp(seed).traceHash, playUdp(seed).traceHash);
});

for (const sabotage of UDP_SABOTAGES) {
  test(`canary: a node that is broken by ${sabotage} is caught`, () => {
    assert.ok(isCaught(CANARY_SEEDS, (seed) => playUdp(seed, { sabotage })));
  });
}

test('canary: a table of sessions without a bound is caught', (t) => {
  t.after(() => mock.reset());
  mock.getter(SessionTable.prototype, 'isFull', () => false);
  assert.ok(isCaughtWith('crowd'));
});

test('canary: a flood that ends sessions of clients that have their answers is caught', (t) => {
  t.after(() => mock.reset());
  mock.method(SessionTable.prototype, 'victim', function (this: SessionTable) {
    for (let session = 0; session < this.size; session++) if (this.standing(session) === 'proven') return session;
    return this.silentFor(0, Infinity);
  });
  assert.ok(isCaughtWith('crowd'));
});

test('canary: a proxy that goes on with the sessions of a server that is down is caught', (t) => {
  t.after(() => mock.reset());
  mock.method(Server.prototype, 'isLost', () => false);
  assert.ok(isCaughtWith('downs'));
});
