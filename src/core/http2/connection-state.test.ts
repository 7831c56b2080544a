import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  PROTOCOL_ERROR,
  REFUSED_STREAM,
  STREAM_CLOSED,
} from '../../wire/http2/error-codes.ts';
import {
  FAULT_STREAM_DEPENDENCY,
  FAULT_STREAM_INCREMENT_ZERO,
  FAULT_STREAM_PRIORITY_SIZE,
} from '../../wire/http2/faults.ts';
import { SETTING_INITIAL_WINDOW_SIZE, SETTING_MAX_FRAME_SIZE } from '../../wire/http2/settings.ts';
import {
  CONNECTION_WINDOW_BYTES,
  HELD_BYTES_FREE,
  IDLE_FRAMES_AT_ONCE,
  IDLE_FRAMES_PER_SECOND,
  RESETS_AT_ONCE,
  RESETS_PER_SECOND,
  STREAM_WINDOW_BYTES,
  STREAM_WINDOW_BYTES_MAX,
  STREAMS_MAX,
} from './bounds.ts';
import { ENDED, RESET, TAKEN, type Verdict } from './connection-state.ts';
import { FromClient } from './from-client.ts';
import type { StreamState } from './stream-state.ts';

const VERDICTS = ['taken', 'ignored', 'reset', 'ended', 'head', 'trailers'];

class Client {
  readonly machine = new FromClient<string>(0);
  now = 0;

  /** What became of it, with the reason. */
  private say(verdict: Verdict): string {
    const { machine } = this;
    if (verdict === RESET) return `reset ${machine.code}`;
    return verdict === ENDED ? `ended ${machine.violation!.name}` : VERDICTS[verdict];
  }

  block(id: number, ends = true, fault = 0): string {
    return this.say(this.machine.handleBlock(id, ends, fault, this.now));
  }

  /** `contentBytes`: what is not padding. */
  data(id: number, length: number, ends = false, contentBytes = length): string {
    const { machine } = this;
    const verdict = machine.handleData(id, length, contentBytes, ends, this.now);
    if (verdict !== TAKEN) return this.say(verdict);
    const stream = machine.stream!;
    machine.noteContent(stream, contentBytes);
    return ends ? this.say(machine.endBody(stream, this.now)) : 'taken';
  }

  reset(id: number): string {
    return this.say(this.machine.handleReset(id, this.now));
  }

  window(id: number, increment: number, fault = 0): string {
    return this.say(this.machine.handleWindow(id, increment, fault, this.now));
  }

  priority(id: number, fault: number): string {
    return this.say(this.machine.handlePriority(id, fault, this.now));
  }

  idleFrame(): string {
    return this.say(this.machine.handleIdleFrame(this.now));
  }

  open(id: number, ends = false): StreamState<string> {
    assert.equal(this.block(id, ends), 'head');
    return this.machine.stream!;
  }
}

test('a stream goes from its head to the end of both sides', () => {
  const client = new Client();
  const stream = client.open(1);
  assert.equal(client.data(1, 10), 'taken');
  assert.equal(client.data(1, 5, true), 'taken');
  assert.ok(stream.hasEnded);
  assert.ok(client.machine.finish(stream), 'both sides have ended');
  assert.equal(client.machine.streams.size, 0);
});

test('section 8.1: a response may be complete before its request, and the stream is still there', () => {
  const client = new Client();
  const stream = client.open(1);
  assert.ok(!client.machine.finish(stream));
  client.machine.abort(stream);
  assert.equal(client.data(1, 10), 'ignored', 'what was on its way is no mistake');
  assert.equal(client.block(1), 'ignored');
});

test('section 5.1.1: streams have odd numbers, each higher than the one before', () => {
  assert.equal(new Client().block(2), 'ended stream-id');
  const client = new Client();
  client.open(5, true);
  assert.equal(client.block(3), 'ended stream-id');
});

test('section 5.1: frames for a stream that has not begun end the connection', () => {
  for (const frame of ['data', 'reset', 'window'] as const) {
    const client = new Client();
    client.open(1, true);
    assert.equal(client[frame](3, 1), 'ended idle-stream', frame);
  }
});

test('section 5.1: behind the end of its side a client sends nothing on a stream', () => {
  const client = new Client();
  client.open(1, true);
  client.open(3, true);
  assert.equal(client.data(1, 1), `reset ${STREAM_CLOSED}`);
  assert.equal(client.block(3), `reset ${STREAM_CLOSED}`);
  const over = client.open(5, true);
  client.machine.finish(over);
  assert.equal(client.data(5, 1), `reset ${STREAM_CLOSED}`);
  const blockOver = client.open(7, true);
  client.machine.finish(blockOver);
  assert.equal(client.block(7), 'ended ended-stream');
});

test('section 8.1: a second header block ends the stream, as its trailers', () => {
  const client = new Client();
  client.open(1);
  assert.equal(client.block(1, true), 'trailers');
  client.open(3);
  assert.equal(client.block(3, false), `reset ${PROTOCOL_ERROR}`);
});

test('section 8.1.1: the length of a body is what its head says', () => {
  const client = new Client();
  client.open(1).expectedBytes = 4;
  assert.equal(client.data(1, 3, true), `reset ${PROTOCOL_ERROR}`);
  const stream = client.open(3);
  stream.expectedBytes = 4;
  assert.equal(client.data(3, 5), 'taken');
  assert.ok(client.machine.isTooLong(stream));
  client.open(5).expectedBytes = 4;
  assert.equal(client.block(5), `reset ${PROTOCOL_ERROR}`, 'trailers end a body too');
  client.open(7).expectedBytes = 4;
  assert.equal(client.data(7, 4, true), 'taken');
});

test('section 5.1.2: a stream too many is refused, and others go on', () => {
  const client = new Client();
  for (let i = 0; i < STREAMS_MAX; i++) client.open(2 * i + 1, true);
  const id = 2 * STREAMS_MAX + 1;
  assert.equal(client.block(id), `reset ${REFUSED_STREAM}`);
  client.machine.finish(client.machine.streams.get(1)!);
  client.open(id + 2);
  assert.equal(client.data(id, 1), 'ignored', 'of the one that was refused');
});

test('section 5.3.1: a stream that depends on itself is reset', () => {
  const client = new Client();
  assert.equal(client.block(1, true, FAULT_STREAM_DEPENDENCY), `reset ${PROTOCOL_ERROR}`);
  client.open(3);
});

test('section 5.3.1 and 6.3: PRIORITY that is wrong ends its stream, or the connection where there is no such stream', () => {
  for (const [fault, code] of [
    [FAULT_STREAM_DEPENDENCY, PROTOCOL_ERROR],
    [FAULT_STREAM_PRIORITY_SIZE, FRAME_SIZE_ERROR],
  ]) {
    const client = new Client();
    client.open(1);
    assert.equal(client.priority(3, 0), 'taken');
    assert.equal(client.priority(1, fault), `reset ${code}`);
    assert.match(client.priority(3, fault), /^ended stream-/);
  }
});

test('section 5.4.2: a reset is not answered with one, whatever has become of its stream', () => {
  const client = new Client();
  client.open(1);
  assert.equal(client.reset(1), 'taken');
  assert.equal(client.reset(1), 'ignored');
  client.machine.abort(client.open(3));
  assert.equal(client.reset(3), 'ignored');
});

test('section 5.1: who has reset a stream sends nothing more on it', () => {
  const client = new Client();
  client.open(1);
  assert.equal(client.reset(1), 'taken');
  assert.equal(client.data(1, 1), `reset ${STREAM_CLOSED}`);
  client.open(3);
  assert.equal(client.reset(3), 'taken');
  assert.equal(client.block(3, true), 'ended ended-stream');
});

test('section 6.9.1: windows that grow too large, or by nothing', () => {
  const client = new Client();
  client.open(1);
  assert.equal(client.window(1, 0x7fff_ffff), `reset ${FLOW_CONTROL_ERROR}`);
  client.open(3);
  assert.equal(client.window(3, 0, FAULT_STREAM_INCREMENT_ZERO), `reset ${PROTOCOL_ERROR}`);
  assert.equal(client.window(1, 5), 'ignored', 'of a stream that is over');
  assert.equal(client.window(0, 0x7fff_ffff), 'ended window-overflow');
});

test('section 6.9: who sends more than a window ends it', () => {
  const client = new Client();
  client.open(1);
  assert.equal(client.data(1, STREAM_WINDOW_BYTES), 'taken');
  assert.equal(client.data(1, 1), `reset ${FLOW_CONTROL_ERROR}`);
  let left = CONNECTION_WINDOW_BYTES - STREAM_WINDOW_BYTES - 1;
  let id = 3;
  for (; left > 0; id += 2) {
    client.open(id);
    const bytes = Math.min(left, STREAM_WINDOW_BYTES);
    assert.equal(client.data(id, bytes), 'taken');
    left -= bytes;
  }
  client.open(id);
  assert.equal(client.data(id, 1), 'ended window');
});

test('section 6.9.2: a setting changes the windows of all streams, also below zero', () => {
  const client = new Client();
  const { machine } = client;
  const stream = client.open(1, true);
  machine.noteSent(stream, 1000);
  assert.equal(machine.handleSetting(SETTING_INITIAL_WINDOW_SIZE, 100), 0);
  assert.equal(machine.roomFor(stream), 0);
  assert.equal(stream.sendWindow, -900);
  client.window(1, 950);
  assert.equal(machine.roomFor(stream), 50);
  assert.equal(machine.roomFor(client.open(3, true)), 100);
  assert.ok(machine.handleSetting(SETTING_MAX_FRAME_SIZE, 1) < 0);
  client.window(1, 0x7fff_0000);
  assert.equal(machine.handleSetting(SETTING_INITIAL_WINDOW_SIZE, 0x7fff_ffff), 0);
  assert.equal(machine.handleSettingsEnd(1, 0), ENDED);
});

test('the window of the connection does not wait for one server, until very much waits', () => {
  const client = new Client();
  const { machine } = client;
  client.open(1);
  client.data(1, STREAM_WINDOW_BYTES);
  assert.equal(machine.takeIncrement(), 0, 'too little to say so');
  let told = 0;
  let id = 3;
  for (; machine.heldBytes + STREAM_WINDOW_BYTES <= HELD_BYTES_FREE; id += 2) {
    client.open(id);
    assert.equal(client.data(id, STREAM_WINDOW_BYTES), 'taken');
    told += machine.takeIncrement();
  }
  assert.ok(told > CONNECTION_WINDOW_BYTES / 2, 'nothing was taken, and others may send');
  for (; machine.heldBytes < HELD_BYTES_FREE + CONNECTION_WINDOW_BYTES; id += 2) {
    client.open(id);
    if (client.data(id, STREAM_WINDOW_BYTES) !== 'taken') break;
    machine.takeIncrement();
  }
  assert.ok(machine.heldBytes <= HELD_BYTES_FREE + CONNECTION_WINDOW_BYTES);
});

test("a stream's window grows while its server takes what comes, and is told in halves", () => {
  const { machine } = new Client();
  machine.handleBlock(1, false, 0, 0);
  const stream = machine.stream!;
  let window = STREAM_WINDOW_BYTES;
  let largest = 0;
  for (let i = 0; i < 2000; i++) {
    const bytes = Math.min(16_384, window);
    assert.equal(machine.handleData(1, bytes, bytes, false, 0), TAKEN);
    machine.noteContent(stream, bytes);
    window += machine.takeContent(stream, bytes, true) - bytes;
    machine.takeIncrement();
    largest = Math.max(largest, window);
    assert.ok(window > 0, 'a client whose bytes are taken is never held up');
  }
  assert.equal(stream.receiveWindow, window);
  assert.ok(largest > STREAM_WINDOW_BYTES_MAX / 2 && largest <= STREAM_WINDOW_BYTES_MAX, `${largest}`);
});

test('it does not grow where memory is tight', () => {
  const client = new Client();
  const stream = client.open(1);
  let told = 0;
  for (let i = 0; i < 40; i++) {
    client.data(1, 10_000);
    told += client.machine.takeContent(stream, 10_000, false);
    client.machine.takeIncrement();
  }
  assert.ok(told <= 400_000);
});

test('rapid reset ends the connection, and some resets do not', () => {
  const client = new Client();
  let id = 1;
  for (let i = 0; i < RESETS_AT_ONCE; i++, id += 2) {
    client.open(id, true);
    assert.equal(client.reset(id), 'taken');
  }
  client.open(id, true);
  assert.equal(client.reset(id), 'ended resets');
  const slow = new Client();
  for (let i = 0, at = 1; i < 10 * RESETS_AT_ONCE; i++, at += 2) {
    slow.now += 1000 / RESETS_PER_SECOND;
    slow.open(at, true);
    assert.equal(slow.reset(at), 'taken');
  }
});

test('who makes us reset pays for it as for its own resets, whatever makes us (CVE-2025-8671)', () => {
  const tricks: ((client: Client, id: number) => string)[] = [
    (client, id) => client.window(id, 0, FAULT_STREAM_INCREMENT_ZERO),
    (client, id) => client.window(id, 0x7fff_ffff),
    (client, id) => client.data(id, 1),
    (client, id) => client.block(id),
  ];
  for (const trick of tricks) {
    const client = new Client();
    let said = '';
    let count = 0;
    for (let id = 1; !said.startsWith('ended') && count <= RESETS_AT_ONCE; id += 2, count++) {
      client.open(id, true);
      said = trick(client, id);
    }
    assert.equal(said, 'ended resets');
    assert.equal(count, RESETS_AT_ONCE + 1);
  }
});

test('frames that carry nothing are an attack when there are very many', () => {
  const client = new Client();
  for (let i = 0; i < IDLE_FRAMES_AT_ONCE; i++) assert.equal(client.idleFrame(), 'taken');
  assert.equal(client.idleFrame(), 'ended idle-frames');
  const slow = new Client();
  for (let i = 0; i < 5 * IDLE_FRAMES_AT_ONCE; i++) {
    slow.now += 1000 / IDLE_FRAMES_PER_SECOND;
    assert.equal(slow.idleFrame(), 'taken');
  }
  const empty = new Client();
  empty.open(1);
  let count = 0;
  while (empty.data(1, 0) === 'taken') count++;
  assert.equal(count, IDLE_FRAMES_AT_ONCE / 10);
  const padded = new Client();
  padded.open(1);
  assert.equal(padded.data(1, 1, false, 0), 'taken');
  for (count = 1; padded.data(1, 1, false, 0) === 'taken';) count++;
  assert.equal(count, IDLE_FRAMES_AT_ONCE / 10, 'padding is nothing');
});

test('a client that pings every ten seconds on a silent stream lives for a day', () => {
  const client = new Client();
  const stream = client.open(1);
  for (client.now = 0; client.now < 86_400_000; client.now += 10_000) {
    assert.equal(client.idleFrame(), 'taken');
    assert.equal(client.machine.noteFrame(8, 0), TAKEN);
  }
  assert.equal(client.machine.streams.get(1), stream);
  assert.equal(client.data(1, 5), 'taken');
});

test('section 5.1: of as many streams as there may be, what was on its way is no mistake', () => {
  const client = new Client();
  const { machine } = client;
  const ids = Array.from({ length: STREAMS_MAX }, (_, i) => 2 * i + 1);
  for (const id of ids) client.open(id);
  for (const stream of machine.streams.values()) machine.abort(stream);
  for (const id of ids) assert.equal(client.block(id), 'ignored', `trailers of ${id}`);
});

test('a client that takes much says often that it has room', () => {
  const client = new Client();
  const { machine } = client;
  const stream = client.open(1, true);
  for (let i = 0; i < 5 * IDLE_FRAMES_AT_ONCE; i++) {
    machine.noteSent(stream, 1000);
    assert.equal(client.window(1, 1000), 'taken');
    assert.equal(client.window(0, 1000), 'taken');
  }
});

test('a client that is sent very much on one connection may say so all the time', () => {
  const client = new Client();
  const { machine } = client;
  const stream = client.open(1, true);
  // 16 GiB
  for (let i = 0; i < 2 ** 20; i++) {
    machine.noteSent(stream, 16_384);
    for (const id of [1, 0]) {
      assert.equal(client.window(id, 16_384), 'taken');
      assert.equal(machine.noteFrame(4, 0), TAKEN, `${i}`);
    }
  }
});

test('who asks for its response by the byte is an attack', () => {
  const client = new Client();
  const { machine } = client;
  const stream = client.open(1, true);
  let count = 0;
  do {
    machine.noteSent(stream, 1);
    assert.equal(client.window(1, 1), 'taken');
    count++;
  } while (machine.noteFrame(4, 0) === TAKEN);
  assert.ok(count < 10_000_000, `${count}`);
});

test('settings are bounded in number too (CVE-2020-11080)', () => {
  const client = new Client();
  const { machine } = client;
  for (let i = 0; i < 5; i++) assert.equal(machine.handleSettingsEnd(8, 0), TAKEN);
  let count = 0;
  while (machine.handleSettingsEnd(100, 0) === TAKEN) count++;
  assert.ok(count < 20, `${count}`);
});

test('frames with a byte each are an attack, and not those of usual size', () => {
  const client = new Client();
  const { machine } = client;
  for (let i = 0; i < 100_000; i++) assert.equal(machine.noteFrame(1000, 1000), TAKEN);
  let count = 0;
  const other = new Client().machine;
  while (other.noteFrame(1, 1) === TAKEN) count++;
  assert.ok(count > 1000 && count < 10_000_000, `${count}`);
});

test('a client that was told to go begins nothing, and what was on its way is not answered', () => {
  const client = new Client();
  const { machine } = client;
  client.open(1);
  assert.equal(machine.leave(), 1);
  assert.equal(client.block(3), 'ignored');
  assert.equal(client.data(3, 5), 'ignored');
  assert.equal(machine.leave(), 1, 'it is not taken back');
  assert.equal(client.data(1, 5, true), 'taken');
});

test('whatever a client sends, windows and sums hold', () => {
  const step = fc.record({
    kind: fc.constantFrom('block', 'data', 'reset', 'window', 'take', 'finish', 'abort', 'send'),
    id: fc.integer({ min: 0, max: 9 }).map((n) => 2 * n + 1),
    size: fc.integer({ min: 0, max: 40_000 }),
    ends: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const client = new Client();
      const { machine } = client;
      for (const { kind, id, size, ends } of steps) {
        const stream = machine.streams.get(id);
        let said = '';
        if (kind === 'block') said = client.block(id, ends);
        else if (kind === 'data') said = client.data(id, size, ends);
        else if (kind === 'reset') said = client.reset(id);
        else if (kind === 'window') said = client.window(ends ? 0 : id, size + 1);
        else if (stream === undefined) continue;
        else if (kind === 'take') machine.takeContent(stream, Math.min(size, stream.heldBytes), ends);
        else if (kind === 'finish') machine.finish(stream);
        else if (kind === 'abort') machine.abort(stream);
        else machine.noteSent(stream, Math.min(size, machine.roomFor(stream)));
        if (said.startsWith('ended')) return;
        machine.takeIncrement();
        let held = 0;
        for (const one of machine.streams.values()) {
          held += one.heldBytes;
          assert.ok(one.receiveWindow >= 0 && one.receiveWindow <= STREAM_WINDOW_BYTES_MAX);
          assert.ok(one.heldBytes <= one.receivedBytes);
        }
        assert.equal(machine.heldBytes, held);
        assert.ok(machine.sendWindow >= 0 && machine.streams.size <= STREAMS_MAX);
      }
    }),
  );
});

test('who is sent a body in very small frames may answer each of them, however many are on their way', () => {
  const client = new Client();
  const { machine } = client;
  const stream = client.open(1, true);
  stream.sendWindow = machine.sendWindow = 1_000_000;
  const count = 5 * IDLE_FRAMES_AT_ONCE;
  for (let i = 0; i < count; i++) machine.noteSent(stream, 16);
  for (let i = 0; i < count; i++) {
    assert.equal(client.window(1, 16), 'taken', `${i}`);
    assert.equal(client.window(0, 16), 'taken', `${i}`);
  }
});
