import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../base/arena.ts';
import { SEND_SEGMENTS_MAX, SMALL_SLOT_BYTES } from '../base/limits.ts';
import { ControlLink } from './control-link.ts';
import { ControlLines, encodeControl, parseProxyMessage, type ProxyMessage } from '../port/control.ts';
import type { Socket, Transport } from '../port/transport.ts';

const LARGE = 1;
const SMALL = 8;

/** The keeper's end: takes what is sent when it is told to, and has memory for little. */
class Scene {
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(LARGE, SMALL)), LARGE, SMALL);
  readonly heard: string[] = [];
  readonly link: ControlLink;
  private readonly lines = new ControlLines();
  private readonly pending: { slot: number; offset: number; length: number }[] = [];
  readonly messages: ProxyMessage[] = [];

  constructor() {
    const send = (slot: number, offset: number, length: number): void => {
      assert.ok(this.pending.length < SEND_SEGMENTS_MAX, 'more segments than allowed');
      this.pending.push({ slot, offset, length });
    };
    const { pending } = this;
    const socket = {
      send,
      get pendingSegments() {
        return pending.length;
      },
      close: () => undefined,
    } as unknown as Socket;
    const transport = { arena: this.arena, adopt: () => socket } as unknown as Transport;
    this.link = new ControlLink(transport, 3, {
      handleMessage: ({ type }) => this.heard.push(type),
      handleKeeperGone: () => this.heard.push('gone'),
    });
  }

  /** The kernel takes everything that is pending. */
  take(): void {
    while (this.pending.length > 0) {
      for (const { slot, offset, length } of this.pending.splice(0)) {
        this.lines.push(this.arena.memory, offset, length, (line) => this.messages.push(parseProxyMessage(line!)!));
        this.arena.release(slot);
      }
      this.link.handleDrain();
    }
  }

  receive(bytes: Uint8Array): void {
    const slot = this.arena.allocate(SMALL_SLOT_BYTES);
    const offset = this.arena.start(slot);
    this.arena.memory.set(bytes, offset);
    this.link.handleData(null as unknown as Socket, slot, offset, bytes.length);
  }
}

const log = (message: string): ProxyMessage => ({ type: 'log', level: 'info', message });

test('messages arrive whole and in order, also those longer than a slot', () => {
  const scene = new Scene();
  const messages = [log('a'), log('b'.repeat(5_000)), log('c'), log('d'.repeat(30_000)), log('e')];
  for (const message of messages) scene.link.say(message);
  scene.take();
  assert.deepEqual(scene.messages, messages);
  assert.equal(scene.arena.usedSlots, SEND_SEGMENTS_MAX, 'its own slots');
});

test('it speaks when others have taken every slot', () => {
  const scene = new Scene();
  while (scene.arena.allocate(SMALL_SLOT_BYTES) >= 0);
  const messages = [log('a'.repeat(20_000)), log('b')];
  for (const message of messages) scene.link.say(message);
  scene.take();
  assert.deepEqual(scene.messages, messages);
});

test('for a keeper that does not listen a bounded amount is kept, and later messages are heard again', () => {
  const scene = new Scene();
  for (let i = 0; i < 10_000; i++) scene.link.say(log('x'.repeat(100)));
  scene.take();
  assert.ok(scene.messages.length > 1_000 && scene.messages.length < 3_000);
  scene.link.say({ type: 'applied', generation: 1 });
  scene.take();
  assert.deepEqual(scene.messages.at(-1), { type: 'applied', generation: 1 });
});

test('orders are heard however they are cut, and what is no order is ignored', () => {
  const scene = new Scene();
  const bytes = encodeControl({ type: 'drain', withinMs: null, keepsIdle: false });
  scene.receive(bytes.subarray(0, 5));
  scene.receive(bytes.subarray(5));
  scene.receive(Uint8Array.of(200, 10));
  scene.receive(new TextEncoder().encode('{"type":"explode"}\n'));
  scene.receive(bytes);
  assert.deepEqual(scene.heard, ['drain', 'drain']);
  assert.equal(scene.arena.usedSlots, SEND_SEGMENTS_MAX, 'its own slots');
});

test('the end of the channel says once that the keeper is gone', () => {
  const scene = new Scene();
  scene.link.handleEnd();
  scene.link.handleClose();
  scene.link.say({ type: 'applied', generation: 1 });
  assert.deepEqual(scene.heard, ['gone']);
});
