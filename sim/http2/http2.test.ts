/** Seeds of clients and servers of HTTP/2 with a proxy between them; and what is broken on purpose, which must be caught. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { ConnectionState } from '../../src/core/http2/connection-state.ts';
import { Output } from '../../src/proxy/http2/output.ts';
import { isCaught } from '../canary.ts';
import { SIM_SECONDS } from '../seconds.ts';
import { playHttp2 } from './run.ts';

const SEEDS = 6 + SIM_SECONDS;
const CANARY_SEEDS = 40;

test('HTTP/2 on both sides: no byte comes to another stream, no window is exceeded, and everything ends', (t) => {
  const totals = { whole: 0, error: 0, cut: 0, cancelled: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { outcomes } = playHttp2(seed);
    totals.whole += outcomes.whole;
    totals.error += outcomes.error;
    totals.cut += outcomes.cut;
    totals.cancelled += outcomes.cancelled;
  }
  assert.ok(totals.whole > 10 * SEEDS && totals.error + totals.cut > 0, JSON.stringify(totals));
  t.diagnostic(JSON.stringify(totals));
});

test('a seed is the same run again', () => {
  for (const seed of [3, 4]) assert.equal(playHttp2(seed).traceHash, playHttp2(seed).traceHash);
});

for (const sabotage of ['drop-byte', 'flip-byte', 'swap-connections'] as const) {
  test(`canary: a transport that is broken by ${sabotage} is caught`, () => {
    assert.ok(isCaught(CANARY_SEEDS, (seed) => playHttp2(seed, { sabotage })));
  });
}

test('canary: a proxy that sends more than the window of a stream is caught', (t) => {
  t.after(() => mock.reset());
  mock.method(ConnectionState.prototype, 'roomFor', function (this: ConnectionState<unknown>) {
    return Math.max(0, this.sendWindow);
  });
  assert.ok(isCaught(CANARY_SEEDS, (seed) => playHttp2(seed)));
});

test('canary: a proxy that sends a part of a body on the stream before is caught', (t) => {
  t.after(() => mock.reset());
  type SendData = (this: Output, ...args: Parameters<Output['sendData']>) => ReturnType<Output['sendData']>;
  const sendData: SendData = Reflect.get(Output.prototype, 'sendData');
  let [count, before] = [0, 0];
  mock.method(Output.prototype, 'sendData', function (this: Output, ...args: Parameters<Output['sendData']>) {
    const [slot, offset, length, id, ends] = args;
    const wrong = ++count % 50 === 0 ? before : id;
    before = id;
    return sendData.call(this, slot, offset, length, wrong, ends);
  });
  assert.ok(isCaught(CANARY_SEEDS, (seed) => playHttp2(seed)));
});
