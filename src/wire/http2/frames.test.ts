import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatHex } from '../../base/bytes.ts';
import * as C from './error-codes.ts';
import { FAULTS, faultOf } from './faults.ts';
import * as F from './frame.ts';
import * as W from './frame-writer.ts';
import { INITIAL_WINDOW_BYTES, PeerSettings } from './settings.ts';
import * as S from './settings.ts';
import { eventsOf, frame, SETTINGS } from './testing/events.ts';

/** Behind the first SETTINGS of a client. */
const after = (...frames: Uint8Array[]) => eventsOf([F.PREFACE, SETTINGS, ...frames]).slice(1);
const bytes = (...values: number[]) => Uint8Array.from(values);
const zeros = (length: number) => new Uint8Array(length);

const headers = (flags: number, ...payload: number[]) => after(frame(F.FRAME_HEADERS, flags, 3, bytes(...payload)));

describe('frames', () => {
  it('begin with the preface and SETTINGS (RFC 9113 section 3.4)', () => {
    assert.deepEqual(eventsOf([F.PREFACE, SETTINGS]), ['settings end']);
    assert.deepEqual(eventsOf([bytes(0x47, 0x45, 0x54)]), ['fault preface']);
    assert.deepEqual(eventsOf([F.PREFACE.slice(0, 23), bytes(0x0d)]), ['fault preface']);
    assert.deepEqual(eventsOf([F.PREFACE, frame(F.FRAME_PING, 0, 0, zeros(8))]), ['fault first-frame']);
    assert.deepEqual(eventsOf([F.PREFACE, frame(F.FRAME_SETTINGS, F.FLAG_ACK, 0)]), ['fault first-frame']);
    assert.deepEqual(eventsOf([SETTINGS], false), ['settings end']);
    assert.deepEqual(eventsOf([frame(0x77, 0, 0)], false), ['fault first-frame']);
  });

  it('of DATA are told in parts, without padding (section 6.1)', () => {
    assert.deepEqual(after(frame(F.FRAME_DATA, 0, 1, bytes(1, 2, 3))), ['data 1 010203']);
    assert.deepEqual(after(frame(F.FRAME_DATA, F.FLAG_END_STREAM, 1)), ['data 1  end']);
    assert.deepEqual(after(frame(F.FRAME_DATA, F.FLAG_PADDED, 3, bytes(2, 7, 8, 0, 0))), ['data 3 0708']);
    assert.deepEqual(after(frame(F.FRAME_DATA, F.FLAG_PADDED, 3, bytes(4, 0, 0, 0, 0))), ['data 3 ']);
    assert.deepEqual(after(frame(F.FRAME_DATA, F.FLAG_PADDED, 3, bytes(5, 0, 0, 0, 0))), ['fault padding']);
    assert.deepEqual(after(frame(F.FRAME_DATA, F.FLAG_PADDED, 3)), ['fault frame-size']);
    assert.deepEqual(after(frame(F.FRAME_DATA, 0, 0, bytes(1))), ['fault stream-zero']);
  });

  it('are at most 16384 bytes long (section 4.2)', () => {
    assert.deepEqual(after(frame(F.FRAME_DATA, 0, 1, zeros(16_384))), [`data 1 ${'00'.repeat(16_384)}`]);
    for (let type = 0; type < 12; type++)
      assert.deepEqual(after(frame(type, 0, 1, zeros(16_385))), ['fault frame-size'], String(type));
  });

  it('of a header block come one behind the other (sections 4.3, 6.2 and 6.10)', () => {
    const open = frame(F.FRAME_HEADERS, F.FLAG_END_STREAM, 1, bytes(1));
    const next = (flags: number, streamId = 1) => frame(F.FRAME_CONTINUATION, flags, streamId, bytes(2));
    assert.deepEqual(after(frame(F.FRAME_HEADERS, F.FLAG_END_HEADERS, 1, bytes(9))), ['headers 1 09']);
    assert.deepEqual(after(open, next(0), next(F.FLAG_END_HEADERS)), ['headers 1 010202 end']);
    assert.deepEqual(after(open, frame(F.FRAME_CONTINUATION, F.FLAG_END_HEADERS, 1)), ['headers 1 01 end']);
    assert.deepEqual(after(open, next(0, 3)), ['fault continuation']);
    for (const type of [F.FRAME_DATA, F.FRAME_HEADERS, F.FRAME_PING, F.FRAME_SETTINGS, 0x42])
      assert.deepEqual(after(open, frame(type, 0, 1, zeros(8))), ['fault continuation'], String(type));
    assert.deepEqual(after(next(F.FLAG_END_HEADERS)), ['fault continuation']);
    assert.deepEqual(after(next(F.FLAG_END_HEADERS, 0)), ['fault stream-zero']);
    assert.deepEqual(after(frame(F.FRAME_HEADERS, F.FLAG_END_HEADERS, 0, bytes(9))), ['fault stream-zero']);
  });

  it('of HEADERS may have padding and a priority (section 6.2)', () => {
    const all = F.FLAG_END_HEADERS | F.FLAG_PADDED | F.FLAG_PRIORITY;
    assert.deepEqual(headers(all, 1, 0x80, 0, 0, 1, 15, 0x88, 0), ['headers 3 88']);
    assert.deepEqual(headers(all, 2, 0, 0, 0, 1, 15, 0x88), ['fault padding']);
    assert.deepEqual(headers(all, 0, 0, 0, 0, 1), ['fault frame-size']);
    assert.deepEqual(headers(F.FLAG_END_HEADERS | F.FLAG_PRIORITY, 0, 0, 0, 3, 15, 0x88), [
      'headers 3 88 stream-dependency',
    ]);
  });

  it('of the connection have no stream, and of a stream one (sections 6.3 to 6.9)', () => {
    const connection = [
      [F.FRAME_SETTINGS, 0],
      [F.FRAME_PING, 8],
      [F.FRAME_GOAWAY, 8],
    ];
    for (const [type, length] of connection)
      assert.deepEqual(after(frame(type, 0, 1, zeros(length))), ['fault stream-not-zero'], String(type));
    for (const [type, length] of [
      [F.FRAME_PRIORITY, 5],
      [F.FRAME_RST_STREAM, 4],
    ])
      assert.deepEqual(after(frame(type, 0, 0, zeros(length))), ['fault stream-zero'], String(type));
  });

  it('of known size have that size (sections 6.3 to 6.9)', () => {
    for (const [type, length] of [
      [F.FRAME_RST_STREAM, 4],
      [F.FRAME_WINDOW_UPDATE, 4],
      [F.FRAME_PING, 8],
    ]) {
      const streamId = type === F.FRAME_PING ? 0 : 1;
      for (const wrong of [0, length - 1, length + 1])
        assert.deepEqual(after(frame(type, 0, streamId, zeros(wrong))), ['fault frame-size'], `${type} ${wrong}`);
    }
    assert.deepEqual(after(frame(F.FRAME_GOAWAY, 0, 0, zeros(7))), ['fault frame-size']);
    assert.deepEqual(after(frame(F.FRAME_SETTINGS, 0, 0, zeros(5))), ['fault frame-size']);
    assert.deepEqual(after(frame(F.FRAME_SETTINGS, F.FLAG_ACK, 0, zeros(6))), ['fault frame-size']);
    assert.deepEqual(after(frame(F.FRAME_PRIORITY, 0, 1, zeros(4))), ['priority 1 stream-priority-size']);
    assert.deepEqual(after(frame(F.FRAME_PRIORITY, 0, 5, bytes(0x80, 0, 0, 5, 1))), ['priority 5 stream-dependency']);
    assert.deepEqual(after(frame(F.FRAME_PRIORITY, 0, 5, bytes(0, 0, 0, 3, 1))), ['priority 5']);
  });

  it('tell what they say in numbers', () => {
    assert.deepEqual(after(frame(F.FRAME_RST_STREAM, 0, 7, bytes(0, 0, 0, 8))), ['reset 7 CANCEL']);
    assert.deepEqual(after(frame(F.FRAME_WINDOW_UPDATE, 0, 7, bytes(0x80, 0, 1, 0))), ['window 7 256']);
    assert.deepEqual(after(frame(F.FRAME_WINDOW_UPDATE, 0, 7, zeros(4))), ['window 7 0 stream-increment-zero']);
    assert.deepEqual(after(frame(F.FRAME_WINDOW_UPDATE, 0, 0, zeros(4))), ['fault increment-zero']);
    assert.deepEqual(after(frame(F.FRAME_PING, 0, 0, bytes(1, 2, 3, 4, 5, 6, 7, 8))), ['ping 0102030405060708']);
    assert.deepEqual(after(frame(F.FRAME_PING, F.FLAG_ACK, 0, zeros(8))), ['ping ack']);
    assert.deepEqual(after(frame(F.FRAME_SETTINGS, F.FLAG_ACK, 0)), ['settings ack']);
    assert.deepEqual(after(frame(F.FRAME_SETTINGS, 0, 0, bytes(0, 4, 0, 1, 0, 0))), [
      'setting 4 65536',
      'settings end',
    ]);
    const goaway = frame(F.FRAME_GOAWAY, 0, 0, bytes(0, 0, 0, 9, 0, 0, 0, 11, 0x68, 0x69));
    assert.deepEqual(after(goaway, goaway), ['goaway 9 ENHANCE_YOUR_CALM', 'goaway 9 ENHANCE_YOUR_CALM']);
    assert.deepEqual(after(frame(F.FRAME_PUSH_PROMISE, 0, 1, zeros(8))), ['fault push-promise']);
  });

  it('of unknown types are skipped, and unknown flags are ignored (section 5.5)', () => {
    assert.deepEqual(after(frame(0x42, 0xff, 9, zeros(99)), frame(F.FRAME_PING, 0xfe, 0, zeros(8))), [
      'ignored 66',
      'ping 0000000000000000',
    ]);
  });

  it('have a reserved bit that is ignored (section 4.1)', () => {
    assert.deepEqual(after(frame(F.FRAME_DATA, 0, 0x8000_0001, bytes(1))), ['data 1 01']);
  });

  it('are written as they are read', () => {
    const out = zeros(1024);
    let at = W.emitSettings(out, 0, [
      S.SETTING_MAX_CONCURRENT_STREAMS,
      100,
      S.SETTING_INITIAL_WINDOW_SIZE,
      4_294_967_295,
    ]);
    at = W.emitSettingsAck(out, at);
    at = W.emitPing(out, at, bytes(1, 2, 3, 4, 5, 6, 7, 8), false);
    at = W.emitPing(out, at, zeros(8), true);
    at = W.emitWindowUpdate(out, at, 0, F.INT31_MAX);
    at = W.emitRstStream(out, at, 2_147_483_647, C.REFUSED_STREAM);
    at = W.emitGoaway(out, at, F.INT31_MAX, C.NO_ERROR);
    assert.deepEqual(eventsOf([out.slice(0, at)], false), [
      'setting 3 100',
      'setting 4 4294967295',
      'settings end',
      'settings ack',
      'ping 0102030405060708',
      'ping ack',
      'window 0 2147483647',
      'reset 2147483647 REFUSED_STREAM',
      'goaway 2147483647 NO_ERROR',
    ]);
  });

  it('are made of a header block of any length (sections 4.2 and 6.10)', () => {
    for (const length of [0, 1, 99, 100, 101, 200, 250, 300]) {
      const out = new Uint8Array(1024);
      const block = Uint8Array.from({ length }, (_, i) => i);
      out.set(block, 5 + F.FRAME_HEADER_BYTES);
      const end = W.emitBlockFrames(out, 5, length, 3, true, 100);
      assert.equal(end, 5 + W.blockFramesLength(length, 100));
      assert.deepEqual(after(out.slice(5, end)), [`headers 3 ${formatHex(block)} end`]);
      assert.ok(out.subarray(end).every((byte, i) => byte === 0 || end + i < 5 + F.FRAME_HEADER_BYTES + length));
    }
  });
});

const applied = (id: number, value: number, isServer = false) => new PeerSettings().apply(id, value, isServer);
const nameOf = (fault: number) =>
  fault === 0 ? 'fine' : `${faultOf(fault).name} ${C.errorCodeName(faultOf(fault).code)}`;

describe('settings', () => {
  it('have the values that RFC 9113 section 6.5.2 gives', () => {
    const { frameBytes, headerTableBytes, initialWindowBytes } = new PeerSettings();
    assert.deepEqual([frameBytes, headerTableBytes, initialWindowBytes], [16_384, 4096, INITIAL_WINDOW_BYTES]);
  });

  it('are bounded (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1)', () => {
    const wrong = 'setting-value PROTOCOL_ERROR';
    for (const [id, value, verdict] of [
      [S.SETTING_ENABLE_PUSH, 0, 'fine'],
      [S.SETTING_ENABLE_PUSH, 1, 'fine'],
      [S.SETTING_ENABLE_PUSH, 2, wrong],
      [S.SETTING_INITIAL_WINDOW_SIZE, 0x7fff_ffff, 'fine'],
      [S.SETTING_INITIAL_WINDOW_SIZE, 0x8000_0000, 'setting-window FLOW_CONTROL_ERROR'],
      [S.SETTING_MAX_FRAME_SIZE, 16_383, wrong],
      [S.SETTING_MAX_FRAME_SIZE, 16_384, 'fine'],
      [S.SETTING_MAX_FRAME_SIZE, 0xff_ffff, 'fine'],
      [S.SETTING_MAX_FRAME_SIZE, 0x100_0000, wrong],
      [S.SETTING_ENABLE_CONNECT_PROTOCOL, 2, wrong],
      [S.SETTING_NO_RFC7540_PRIORITIES, 2, wrong],
      [0x1234, 0xffff_ffff, 'fine'],
    ] as const)
      assert.equal(nameOf(applied(id, value)), verdict, `${id} ${value}`);
    assert.equal(nameOf(applied(S.SETTING_ENABLE_PUSH, 1, true)), wrong);
    const settings = new PeerSettings();
    assert.equal(settings.apply(S.SETTING_ENABLE_CONNECT_PROTOCOL, 1, false), 0);
    assert.equal(nameOf(settings.apply(S.SETTING_ENABLE_CONNECT_PROTOCOL, 0, false)), wrong);
  });

  it('are taken over', () => {
    const settings = new PeerSettings();
    for (let id = 1; id <= 9; id++) settings.apply(id, id === 5 ? 20_000 : 1, false);
    assert.deepEqual(Object.fromEntries(Object.entries(settings)), {
      headerTableBytes: 1,
      concurrentStreams: 1,
      initialWindowBytes: 1,
      frameBytes: 20_000,
      headerListBytes: 1,
      takesExtendedConnect: true,
      leavesOldPriorities: true,
    });
  });
});

describe('faults', () => {
  it('have names of their own', () => {
    assert.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
    for (const { isOfStream, name } of FAULTS)
      assert.equal(name.startsWith('stream-') && !/^stream-(not-)?zero$/.test(name), isOfStream);
  });

  it('have error codes with names', () => {
    for (const [name, code] of Object.entries(C))
      if (typeof code === 'number') assert.equal(C.errorCodeName(code), name);
    assert.equal(C.errorCodeName(0xffff_ffff), '0xffffffff');
  });
});
