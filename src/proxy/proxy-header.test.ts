/** The PROXY protocol header below a listener, on a socket of the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatIP } from '../base/address.ts';
import { Arena } from '../base/arena.ts';
import type { ListenerPlan, ProxyProtocolPlan } from '../config/plan/listener.ts';
import type { CloseReason, Socket, SocketHandler } from '../port/transport.ts';
import type { Context } from './context.ts';
import { type ConnectionInfo, NOTHING_KNOWN } from './layer.ts';
import { ProxyHeaders } from './proxy-header.ts';

const HEAD_MS = 1000;
const LINE = 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n';
const BINARY = Buffer.from('0d0a0d0a000d0a515549540a2111000cc0000201c6336402dc0401bb', 'hex').toString('latin1');
const OWN = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex').toString('latin1');
/** With so much behind the addresses that is for others. */
const LONG = Buffer.concat([
  Buffer.from('0d0a0d0a000d0a515549540a21110ff0c0000201c6336402dc0401bb020fe1', 'hex'),
  Buffer.alloc(0xfe1, 'x'),
]).toString('latin1');

const networks = (address: string, bits: number): ProxyProtocolPlan['from'] => ({
  networks: [{ family: 4, address, bits }],
  unix: false,
});
const NONE = { networks: [], unix: false };
const BALANCERS = networks('10.0.0.0', 8);

const IDLE = {
  handleConnect: () => undefined,
  handleEnd: () => undefined,
  handleDrain: () => undefined,
  handleClose: () => undefined,
};

/** A client from `host`, whose listener takes headers by `plan`. */
class Stage {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(4, 16)), 4, 16);
  readonly noted: number[] = [];
  readonly said: string[] = [];
  info: ConnectionInfo | null = null;
  failed: CloseReason | null = null;
  end: 'closed' | 'reset' | null = null;
  private readonly clock = { now: 0 };
  private readonly cancelOpening: () => void;

  constructor(host: string, plan: Partial<ProxyProtocolPlan> = {}, protocol: ListenerPlan['protocol'] = 'http') {
    const { arena, clock, noted } = this;
    const answers = { noteReset: (_owner: string, kind: number) => noted.push(kind) };
    const context = { arena, memory: arena.memory, transport: clock, answers } as unknown as Context;
    const listener = { name: 'web', protocol, timeouts: { headMs: HEAD_MS } } as unknown as ListenerPlan;
    const layer = new ProxyHeaders(context, listener, { from: BALANCERS, trust: BALANCERS, ...plan });
    const socket = {
      handler: { ...IDLE, handleData: () => undefined } as SocketHandler,
      remoteAddress: (into: Uint8Array) => {
        into.fill(0).fill(0xff, 10, 12).set(host.split('.').map(Number), 12);
        return 7;
      },
      close: () => (this.end = 'closed'),
      reset: () => (this.end = 'reset'),
    };
    this.socket = socket as unknown as Socket;
    const opening = layer.open(this.socket, {
      handleOpen: (_, info) => {
        this.info = info;
        socket.handler = {
          ...IDLE,
          handleData: (_from, slot, offset, length) => {
            this.said.push(Buffer.from(arena.memory.subarray(offset, offset + length)).toString('latin1'));
            arena.release(slot);
          },
        };
      },
      handleOpenFailed: (reason) => (this.failed = reason as CloseReason),
    });
    this.cancelOpening = () => opening.cancel();
  }

  readonly socket: Socket;

  say(text: string): void {
    const slot = this.arena.allocateLarge();
    const start = this.arena.start(slot);
    this.arena.memory.set(Buffer.from(text, 'latin1'), start);
    this.socket.handler.handleData(this.socket, slot, start, text.length);
  }

  cancelAfter(ms: number): void {
    this.clock.now += ms;
    this.cancelOpening();
  }

  /** Whom the connection is said to be of. */
  get peer(): string | null {
    return textOf(this.info?.peer ?? null);
  }
}

function textOf(address: ConnectionInfo['peer']): string | null {
  if (address === null) return null;
  const bytes = new Uint8Array(16);
  const fromPort = address.remoteAddress(bytes, 0);
  const from = `${formatIP(bytes)}:${fromPort}`;
  const to = address.localAddress(bytes, 0);
  return `${from} > ${formatIP(bytes)}:${to}`;
}

const TOLD = '192.0.2.1:56324 > 198.51.100.2:443';

test("however a header is cut, it says who the client is, and every byte behind it is the protocol's", () => {
  for (const header of [LINE, BINARY, LONG]) {
    const text = `${header}GET / HTTP/1.1`;
    for (let cut = 0; cut < text.length; cut += header === LONG ? 97 : 1) {
      const stage = new Stage('10.1.2.3');
      if (cut > 0) stage.say(text.slice(0, cut));
      stage.say(text.slice(cut));
      assert.equal(stage.peer, TOLD);
      assert.equal(stage.said.join(''), 'GET / HTTP/1.1');
      assert.equal(stage.arena.usedSlots, 0);
      assert.deepEqual(stage.noted, []);
    }
    const stage = new Stage('10.1.2.3');
    for (const letter of text.slice(-30 - header.length)) stage.say(letter);
    assert.equal(stage.peer, TOLD);
    assert.equal(stage.said.join(''), 'GET / HTTP/1.1');
  }
});

test('only who is to send one is asked for it, and only who is trusted is believed', () => {
  const client = new Stage('192.0.2.9');
  assert.deepEqual(client.info, NOTHING_KNOWN);
  client.say(LINE);
  assert.deepEqual(client.said, [LINE], 'it is what the client says');
  const stranger = new Stage('10.1.2.3', { trust: networks('10.9.0.0', 16) });
  stranger.say(LINE);
  assert.equal(stranger.peer, null);
  assert.equal(textOf(stranger.info!.told), TOLD);
  const nobody = new Stage('10.1.2.3', { trust: NONE });
  nobody.say(BINARY);
  assert.equal(nobody.peer, null);
  const check = new Stage('10.1.2.3');
  check.say(OWN);
  assert.deepEqual(check.info, NOTHING_KNOWN);
});

test('who begins otherwise is reset, as soon as that is certain, and it is noted', () => {
  for (const text of ['GET / HTTP/1.1\r\n', `PROXY TCP4 ${'1'.repeat(120)}`, BINARY.replace('\x21', '\x31')]) {
    const stage = new Stage('10.1.2.3');
    stage.say(text.slice(0, 1));
    if (stage.end === null) stage.say(text.slice(1));
    assert.equal(stage.end, 'reset');
    assert.equal(stage.info, null);
    assert.notEqual(stage.failed, null);
    assert.equal(stage.noted.length, 1);
    assert.equal(stage.arena.usedSlots, 0);
  }
});

test('who leaves without a word is no mistake; who stays silent, or leaves in the middle, is', () => {
  const left = new Stage('10.1.2.3');
  left.socket.handler.handleEnd(left.socket);
  assert.deepEqual([left.end, left.noted.length], ['closed', 0]);
  assert.notEqual(left.failed, null);
  const half = new Stage('10.1.2.3');
  half.say('PROXY T');
  half.socket.handler.handleEnd(half.socket);
  assert.deepEqual([half.end, half.noted.length], ['reset', 1]);
  const silent = new Stage('10.1.2.3');
  silent.cancelAfter(HEAD_MS);
  assert.deepEqual([silent.end, silent.noted.length], ['reset', 1]);
  const unwanted = new Stage('10.1.2.3');
  unwanted.cancelAfter(HEAD_MS / 2);
  assert.deepEqual([unwanted.end, unwanted.noted.length], ['closed', 0]);
  const server = new Stage('10.1.2.3', {}, 'tcp');
  server.cancelAfter(HEAD_MS / 2);
  assert.deepEqual([server.end, server.noted.length], ['reset', 0], 'an end would be the word of a server');
});
