/** Datagrams. The first one that is sent has no bytes, since there are none that a handler has been given. */
import assert from 'node:assert/strict';
import type { Address } from '../../base/address.ts';
import type {
  DatagramHandler,
  DatagramSocket,
  DropReason,
  Flow,
  FlowFailure,
  FlowHandler,
} from '../../port/datagram.ts';
import type { Case } from './case.ts';
import type { Script, Stage } from './stage.ts';

const NOTHING = new Uint8Array(0);
const TAG = 7;

/** Answers each datagram as its script says, and keeps what was told. */
class Recorder implements DatagramHandler, FlowHandler {
  readonly stage: Stage;
  socket!: DatagramSocket;
  flow!: Flow;
  /** Of each that came in: its bytes, and the port that it came from. */
  readonly asked: { readonly bytes: number; readonly port: number }[] = [];
  readonly answered: number[] = [];
  readonly drops: DropReason[] = [];
  failure: FlowFailure | null = null;
  onDatagram: ((bytes: Uint8Array, offset: number, length: number) => void) | null = null;
  /** No handler of the flow, or of the socket, may be called any more. */
  private isFlowGone = false;
  private isSocketGone = false;

  constructor(stage: Stage) {
    this.stage = stage;
  }

  bind(): Address {
    const { descriptor, address } = this.stage.world.openDatagrams();
    this.socket = this.stage.transport.datagrams.bind(descriptor, this);
    this.socket.start();
    return address;
  }

  /** What `open` said, if it could not be made. */
  open(address: Address, answersOne = false, sources: readonly Address[] = []): FlowFailure | null {
    const { transport } = this.stage;
    const opened = transport.datagrams.open(transport.prepareAddress(address, sources), this, TAG, answersOne);
    if (typeof opened !== 'object') return opened;
    assert.equal(opened.tag, TAG);
    this.flow = opened;
    return null;
  }

  closeFlow(): void {
    this.isFlowGone = true;
    this.flow.close();
    this.flow.close();
  }

  closeSocket(): void {
    this.isSocketGone = true;
    this.socket.close();
    this.socket.close();
  }

  answer(bytes: Uint8Array, offset: number, length: number): void {
    const back = this.socket.keepReturn();
    this.socket.sendTo(back, bytes, offset, length);
    this.socket.forgetReturn(back);
  }

  handleDatagram(socket: DatagramSocket, bytes: Uint8Array, offset: number, length: number): void {
    this.event('handleDatagram', this.isSocketGone, () => {
      assert.equal(socket.from.localPort, socket.port);
      this.asked.push({ bytes: length, port: socket.from.port });
      this.onDatagram?.(bytes, offset, length);
    });
  }

  handleDropped(_socket: DatagramSocket, reason: DropReason): void {
    this.event('handleDropped', this.isSocketGone, () => this.drops.push(reason));
  }

  handleAnswer(_flow: Flow, _bytes: Uint8Array, _offset: number, length: number): void {
    this.event('handleAnswer', this.isFlowGone, () => this.answered.push(length));
  }

  handleFlowDropped(_flow: Flow, reason: DropReason): void {
    this.event('handleFlowDropped', this.isFlowGone, () => this.drops.push(reason));
  }

  handleUnreachable(_flow: Flow, reason: FlowFailure): void {
    this.event('handleUnreachable', this.isFlowGone, () => (this.failure = reason));
  }

  private event(name: string, isGone: boolean, record: () => void): void {
    this.stage.guard(() => {
      assert.equal(isGone, false, `${name} after the end`);
      assert.equal(this.stage.transport.now, this.stage.turnTime, `${name} outside of a turn`);
      record();
    });
    this.stage.advance();
  }
}

/** A flow to a bound socket, both of which are the recorder's. */
function* exchange(stage: Stage, answersOne: boolean): Script {
  const before = stage.transport.socketCount;
  const recorder = new Recorder(stage);
  const address = recorder.bind();
  assert.equal(recorder.socket.port, address.port);
  assert.equal(recorder.open(address, answersOne), null);
  assert.equal(stage.transport.socketCount, before + 1);
  recorder.onDatagram = (bytes, offset, length) => {
    for (let i = 0; i < 3; i++) recorder.answer(bytes, offset, length);
  };
  recorder.flow.send(NOTHING, 0, 0);
  recorder.flow.send(NOTHING, 0, 0);
  yield* stage.until('all answers', () => recorder.answered.length === 6);
  assert.deepEqual(recorder.answered, [0, 0, 0, 0, 0, 0]);
  const [first, second] = recorder.asked;
  assert.deepEqual(second, first);
  assert.ok(first.port > 0);
  recorder.closeFlow();
  yield* stage.until('the flow has no socket', () => stage.transport.socketCount === before);
  recorder.closeSocket();
  yield* stage.settle();
  assert.deepEqual(recorder.drops, []);
}

/** RFC 5737: nobody's. */
const FOREIGN: Address = { family: 4, host: '192.0.2.1', port: 0 };

export const DATAGRAM_CASES: readonly Case[] = [
  { name: 'datagrams: both ways, and one that has no bytes is one', script: (stage) => exchange(stage, false) },
  { name: 'datagrams: answersOne loses none of several answers', script: (stage) => exchange(stage, true) },
  {
    name: 'datagrams: where nobody listens is told',
    *script(stage) {
      const { descriptor, address } = stage.world.openDatagrams();
      stage.world.closeDescriptor(descriptor);
      const recorder = new Recorder(stage);
      assert.equal(recorder.open(address), null);
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('handleUnreachable', () => recorder.failure !== null);
      assert.equal(recorder.failure, 'refused');
      recorder.closeFlow();
    },
  },
  {
    name: 'datagrams: a flow that has no way leaves no socket',
    *script(stage) {
      const before = stage.transport.socketCount;
      const recorder = new Recorder(stage);
      if (recorder.open(stage.world.unreachable) === null) {
        recorder.flow.send(NOTHING, 0, 0);
        yield* stage.until('handleUnreachable', () => recorder.failure !== null);
        recorder.flow.send(NOTHING, 0, 0);
        recorder.closeFlow();
      }
      yield* stage.until('no socket is left', () => stage.transport.socketCount === before);
      yield* stage.settle();
    },
  },
  {
    name: 'datagrams: a source that this machine does not have is no fault of the peer',
    *script(stage) {
      const recorder = new Recorder(stage);
      let failure = recorder.open(recorder.bind(), false, [FOREIGN]);
      if (failure === null) {
        yield* stage.until('handleUnreachable', () => recorder.failure !== null);
        ({ failure } = recorder);
        recorder.closeFlow();
      }
      assert.equal(failure, 'no-port');
      recorder.closeSocket();
    },
  },
  {
    name: 'datagrams: a flow that is closed at once has sent what it was given',
    *script(stage) {
      const recorder = new Recorder(stage);
      const before = stage.transport.socketCount;
      assert.equal(recorder.open(recorder.bind()), null);
      recorder.flow.send(NOTHING, 0, 0);
      recorder.closeFlow();
      yield* stage.until('it has come', () => recorder.asked.length === 1);
      yield* stage.until('the flow has no socket', () => stage.transport.socketCount === before);
      recorder.closeSocket();
    },
  },
  {
    name: 'datagrams: a socket that is bound while no descriptor is left hears all the same, later perhaps',
    *script(stage) {
      const { transport, world } = stage;
      const recorder = new Recorder(stage);
      const { descriptor, address } = world.openDatagrams();
      assert.equal(recorder.open(address), null);
      yield* stage.settle();
      const exhausted = world.exhaustDescriptors(0);
      if (exhausted === null) {
        stage.skipped = 'descriptors cannot be exhausted here';
        return;
      }
      try {
        recorder.socket = transport.datagrams.bind(descriptor, recorder);
        recorder.socket.start();
      } finally {
        exhausted.undo();
      }
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('a datagram', () => recorder.asked.length === 1);
      recorder.closeFlow();
      recorder.closeSocket();
    },
  },
  {
    name: 'datagrams: a socket that is stopped hears nothing, and still sends',
    *script(stage) {
      const recorder = new Recorder(stage);
      assert.equal(recorder.open(recorder.bind()), null);
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('the first one', () => recorder.asked.length === 1);
      recorder.onDatagram = (bytes, offset, length) => {
        recorder.socket.stop();
        recorder.socket.stop();
        recorder.answer(bytes, offset, length);
      };
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('an answer', () => recorder.answered.length === 1);
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.settle();
      assert.equal(recorder.asked.length, 2);
      assert.ok(recorder.socket.isStopped);
      recorder.closeFlow();
      recorder.closeSocket();
    },
  },
  {
    name: 'datagrams: a socket hears nothing before it is started, and then what has waited',
    *script(stage) {
      const recorder = new Recorder(stage);
      const { descriptor, address } = stage.world.openDatagrams();
      recorder.socket = stage.transport.datagrams.bind(descriptor, recorder);
      assert.equal(recorder.open(address), null);
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.settle();
      assert.equal(recorder.asked.length, 0);
      recorder.socket.start();
      yield* stage.until('what has waited', () => recorder.asked.length === 1);
      recorder.closeFlow();
      recorder.closeSocket();
    },
  },
  {
    name: 'datagrams: a copy of the socket of a flow is the same peer, and hears what a stopped flow does not',
    *script(stage) {
      const { transport, world } = stage;
      const recorder = new Recorder(stage);
      assert.equal(recorder.open(recorder.bind()), null);
      recorder.onDatagram = (bytes, offset, length) => recorder.answer(bytes, offset, length);
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('an answer', () => recorder.answered.length === 1);
      const other = new Recorder(stage);
      const copy = transport.datagrams.adopt(world.duplicate(recorder.flow.descriptor), other, TAG);
      assert.ok(copy !== null);
      other.flow = copy;
      recorder.flow.stop();
      yield* stage.settle();
      copy.send(NOTHING, 0, 0);
      yield* stage.until('the answer to the copy', () => other.answered.length === 1);
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('that to the stopped one too', () => other.answered.length === 2);
      assert.equal(recorder.answered.length, 1);
      assert.equal(new Set(recorder.asked.map(({ port }) => port)).size, 1);
      recorder.closeFlow();
      other.closeFlow();
      recorder.closeSocket();
      yield* stage.settle();
    },
  },
  {
    name: 'datagrams: a way back is made of the addresses of who has asked',
    *script(stage) {
      const recorder = new Recorder(stage);
      assert.equal(recorder.open(recorder.bind()), null);
      recorder.onDatagram = (bytes, offset, length) => {
        const back = recorder.socket.keepReturnTo(recorder.socket.from);
        recorder.socket.sendTo(back, bytes, offset, length);
        recorder.socket.forgetReturn(back);
      };
      recorder.flow.send(NOTHING, 0, 0);
      yield* stage.until('an answer', () => recorder.answered.length === 1);
      recorder.closeFlow();
      recorder.closeSocket();
    },
  },
];
