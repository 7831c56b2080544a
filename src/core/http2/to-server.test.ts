import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROTOCOL_ERROR, STREAM_CLOSED } from '../../wire/http2/error-codes.ts';
import { INT31_MAX } from '../../wire/http2/frame.ts';
import {
  SETTING_ENABLE_PUSH,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_CONCURRENT_STREAMS,
} from '../../wire/http2/settings.ts';
import { IDLE_FRAMES_AT_ONCE, RESETS_AT_ONCE, SERVER_STREAMS_MAX } from './bounds.ts';
import { ENDED, HEAD, IGNORED, RESET, TAKEN, TRAILERS } from './connection-state.ts';
import { ToServer } from './to-server.ts';

function server(): ToServer<string> {
  return new ToServer<string>(0);
}

test('our streams are odd, each higher than the one before (section 5.1.1), up to the last number', () => {
  const machine = server();
  assert.deepEqual([machine.open().id, machine.open().id, machine.open().id], [1, 3, 5]);
  machine.lastId = INT31_MAX - 4;
  machine.open();
  assert.ok(!machine.isLeaving);
  assert.equal(machine.open().id, INT31_MAX);
  assert.ok(machine.isLeaving);
  assert.equal(machine.room, 0);
});

test('no more streams than the server allows (section 5.1.2), and never more than our own bound', () => {
  const machine = server();
  assert.equal(machine.room, SERVER_STREAMS_MAX);
  assert.equal(machine.handleSetting(SETTING_MAX_CONCURRENT_STREAMS, 2), 0);
  const first = machine.open();
  machine.open();
  assert.equal(machine.room, 0);
  machine.close(first);
  assert.equal(machine.room, 1);
  machine.handleSetting(SETTING_MAX_CONCURRENT_STREAMS, 0);
  assert.equal(machine.room, 0, 'what is under way goes on');
  machine.handleSetting(SETTING_MAX_CONCURRENT_STREAMS, 1_000_000);
  assert.equal(machine.room, SERVER_STREAMS_MAX - 1);
});

test('a response is a head, data and trailers; interim heads come before', () => {
  const machine = server();
  const stream = machine.open();
  assert.equal(machine.handleBlock(1, false, 0, 0), HEAD);
  assert.equal(machine.noteInterim(stream, false, 0), TAKEN);
  assert.equal(machine.handleBlock(1, false, 0, 0), HEAD);
  stream.hasHead = true;
  assert.equal(machine.handleData(1, 10, 10, false, 0), TAKEN);
  machine.noteContent(stream, 10);
  assert.equal(machine.handleBlock(1, true, 0, 0), TRAILERS);
  assert.ok(stream.hasEnded);
  machine.takeContent(stream, 10, true);
  machine.close(stream);
  assert.equal(machine.streams.size, 0);
});

test('what is no response: data before a head, an interim end, more behind the end', () => {
  const machine = server();
  machine.open();
  assert.equal(machine.handleData(1, 1, 1, false, 0), RESET);
  assert.equal(machine.code, PROTOCOL_ERROR);
  const second = machine.open();
  machine.handleBlock(3, true, 0, 0);
  assert.equal(machine.noteInterim(second, true, 0), RESET);
  const third = machine.open();
  machine.handleBlock(5, true, 0, 0);
  third.hasHead = true;
  assert.equal(machine.endBody(third, 0), TAKEN);
  assert.equal(machine.handleData(5, 1, 1, false, 0), RESET);
  assert.equal(machine.code, STREAM_CLOSED);
});

test('a server begins no streams, and says nothing of those that we have not begun', () => {
  assert.equal(server().handleBlock(2, true, 0, 0), ENDED);
  assert.equal(server().handleBlock(1, true, 0, 0), ENDED);
  assert.equal(server().handleData(1, 1, 1, false, 0), ENDED);
  assert.equal(server().handleReset(1, 0), ENDED);
  assert.ok(server().handleSetting(SETTING_ENABLE_PUSH, 1) < 0);
});

test('what comes late of streams that we gave up is ignored, however many have ended since', () => {
  const machine = server();
  for (let i = 0; i < 1000; i++) machine.abort(machine.open());
  assert.equal(machine.handleBlock(1, true, 0, 0), IGNORED);
  assert.equal(machine.handleData(1, 100, 100, false, 0), IGNORED);
  assert.equal(machine.handleReset(1, 0), IGNORED);
});

test('a head behind the end of a stream that both sides have ended ends the connection', () => {
  const machine = server();
  machine.close(machine.open());
  assert.equal(machine.handleBlock(1, true, 0, 0), ENDED);
});

test('GOAWAY (section 6.8): no stream begins any more, those above the last one were not worked on', () => {
  const machine = server();
  for (let i = 0; i < 4; i++) machine.open().owner = `${2 * i + 1}`;
  assert.equal(machine.handleGoaway(INT31_MAX, 0), TAKEN);
  assert.equal(machine.room, 0);
  assert.deepEqual(machine.takeRefused(), []);
  assert.equal(machine.handleGoaway(3, 0), TAKEN);
  assert.deepEqual(
    machine.takeRefused().map(({ owner }) => owner),
    ['5', '7'],
  );
  assert.equal(machine.streams.size, 2, 'these are served');
  assert.equal(machine.handleGoaway(5, 0), ENDED, 'it is not taken back');
});

test('a server may refuse all that it is asked, and not more', () => {
  const machine = server();
  for (let i = 0; i < 10 * RESETS_AT_ONCE; i++) assert.equal(machine.handleReset(machine.open().id, 0), TAKEN);
  let verdict: number = TAKEN;
  let count = 0;
  while (verdict !== ENDED && count <= RESETS_AT_ONCE) {
    verdict = machine.handleReset(1, 0);
    count++;
  }
  assert.equal(count, RESETS_AT_ONCE + 1);
});

test('frames that carry nothing are bounded as with clients', () => {
  const machine = server();
  machine.open();
  let count = 0;
  while (machine.handleData(99, 0, 0, false, 0) !== ENDED && count < 5) count++;
  assert.equal(count, 0);
  const pinged = server();
  for (let i = 0; i < IDLE_FRAMES_AT_ONCE; i++) assert.equal(pinged.handleIdleFrame(0), TAKEN);
  assert.equal(pinged.handleIdleFrame(0), ENDED);
});

test("windows of our requests are the server's (section 6.9.2)", () => {
  const machine = server();
  machine.handleSetting(SETTING_INITIAL_WINDOW_SIZE, 100);
  const stream = machine.open();
  assert.equal(machine.roomFor(stream), 100);
  machine.noteSent(stream, 100);
  assert.equal(machine.roomFor(stream), 0);
  assert.equal(machine.handleWindow(1, 50, 0, 0), TAKEN);
  assert.equal(machine.roomFor(stream), 50);
  machine.handleSetting(SETTING_INITIAL_WINDOW_SIZE, 10);
  assert.equal(machine.roomFor(stream), 0);
});
