/** A stream to a server, between an exchange and a connection that are the test's: what its client does not take yet, and what is lost meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Arena } from '../../base/arena.ts';
import { Timers } from '../../base/timers.ts';
import { SERVER_LEFT } from '../../core/endings.ts';
import type { StreamState } from '../../core/http2/stream-state.ts';
import { ToServer } from '../../core/http2/to-server.ts';
import {
  FAILED_GRPC_STATUS,
  FAILED_REFUSED,
  FAILED_RESET,
  FAILED_RESPONSE_TIMEOUT,
  FAILED_SILENT,
} from '../../core/retry.ts';
import { ascii } from '../../wire/http1/classes.ts';
import { RequestHead, ResponseHead } from '../../wire/http1/head.ts';
import { parseResponseHead } from '../../wire/http1/response.ts';
import { CANCEL, INTERNAL_ERROR, REFUSED_STREAM } from '../../wire/http2/error-codes.ts';
import type { KeptRequest } from '../http/kept-request.ts';
import { Later } from '../later.ts';
import { RESPONSE_LIMITS, ServerStream } from './server-stream.ts';
import type { StreamCarrier } from './stream-carrier.ts';

const SLOTS = 32;
const RESPONSE_MS = 1000;

/** All around one stream; `said` is what the exchange, the connection and the upstream have heard, in order. */
class Stage {
  readonly said: string[] = [];
  readonly arena = new Arena(new Uint8Array(Arena.bytesFor(SLOTS, SLOTS)), SLOTS, SLOTS);
  readonly transport = { now: 0, requestTurn: (): void => undefined };
  readonly timers = new Timers(0);
  readonly machine = new ToServer<ServerStream>(0);
  readonly stream: ServerStream;
  isSinkFull = false;
  isRequestComplete = true;
  grpcStatus = 0;
  private readonly context;
  private readonly freeAtFirst: number;

  constructor() {
    const { arena, machine, said, timers, transport } = this;
    const later = new Later(transport as never);
    const responseHead = new ResponseHead(40);
    const requestHead = new RequestHead(40);
    const scratchSlot = arena.allocateLarge();
    this.context = { arena, memory: arena.memory, later, timers, transport, responseHead, requestHead, scratchSlot };
    const upstream = {
      plan: { timeouts: { responseMs: RESPONSE_MS } },
      give: () => said.push('given back'),
      giveServed: () => said.push('given back as served'),
      giveFailed: () => said.push('given back as failed'),
    };
    const connection = {
      context: this.context,
      upstream,
      server: {},
      machine,
      output: { isFull: false, sendData: () => true, endStream: () => true },
      blocks: { sendRequest: () => 100, findKey: () => -1 },
      isTls: false,
      receivedBytes: 0,
      acknowledgedBytes: 0,
      openStream: (stream: ServerStream): StreamState<ServerStream> => {
        const state = machine.open();
        state.owner = stream;
        return state;
      },
      closeStream: (state: StreamState<ServerStream>) => {
        machine.close(state);
        said.push('closed');
      },
      resetStream: (state: StreamState<ServerStream>, code: number) => {
        machine.abort(state);
        said.push(`reset ${code}`);
      },
      take: () => undefined,
      block: () => undefined,
      unblock: () => undefined,
      noteSilence: () => said.push('silence'),
      leaveQueue: () => undefined,
    };
    this.stream = new ServerStream(
      connection as unknown as StreamCarrier<ServerStream>,
      this.exchange() as never,
      true,
    );
    this.freeAtFirst = arena.large.freeCount + arena.small.freeCount;
  }

  private exchange(): object {
    const { said } = this;
    const isSinkFull = (): boolean => this.isSinkFull;
    const isRequestComplete = (): boolean => this.isRequestComplete;
    const { arena } = this;
    return {
      method: 0,
      wantsUpgrade: false,
      leavesBody: false,
      wantsRestRead: false,
      get isRequestComplete() {
        return isRequestComplete();
      },
      responseSink: {
        get isFull() {
          return isSinkFull();
        },
        send: (slot: number, offset: number, length: number) => {
          said.push(`body ${Buffer.from(arena.memory.subarray(offset, offset + length)).toString('latin1')}`);
          arena.release(slot);
          return true;
        },
        flush: () => true,
        sendTrailers: () => said.push('trailers') > 0,
        finish: () => said.push('end') > 0,
      },
      noteBacklog: () => undefined,
      passInterim: ({ status }: ResponseHead) => said.push(`interim ${status}`) > 0,
      retriesStatus: () => false,
      retriesCall: () => this.grpcStatus,
      goesOnBy: () => false,
      beginResponse: ({ status }: ResponseHead) => said.push(`head ${status}`) > 0,
      noteResponseBegun: () => undefined,
      pumpRequest: () => undefined,
      handleResponseComplete: () => said.push('complete'),
      handleResponseBroken: (ending: number) => said.push(`broken ${ending}`),
      handleTryFailed: (how: number, status: number) => said.push(`failed ${how} ${status}`),
    };
  }

  /** The request is a head, and all of it. */
  ask(): this {
    const request = { slot: -1, start: 0, length: 10, headLength: 10 };
    this.stream.sendRequest(request as unknown as KeptRequest, false, this.isRequestComplete);
    return this;
  }

  head(status: number, isLast = false): void {
    const { arena, context } = this;
    const slot = arena.allocateLarge();
    const start = arena.start(slot);
    const text = ascii(`HTTP/1.1 ${status} OK\r\n\r\n`);
    arena.memory.set(text, start);
    assert.ok(parseResponseHead(arena.memory, start, start + text.length, RESPONSE_LIMITS, context.responseHead) > 0);
    const state = this.state;
    if (status >= 200) state.hasHead = true;
    if (isLast) state.hasEnded = true;
    this.stream.handleHead(slot, text.length, isLast, false);
    arena.release(slot);
  }

  get state(): StreamState<ServerStream> {
    return [...this.machine.streams.values()][0];
  }

  body(text: string): void {
    const { arena } = this;
    const slot = arena.allocateLarge();
    arena.memory.set(ascii(text), arena.start(slot));
    this.stream.receive(slot, arena.start(slot), text.length);
    arena.release(slot);
  }

  end(): void {
    if (this.state !== undefined) this.state.hasEnded = true;
    this.stream.receiveEnd(-1, 0);
  }

  pass(ms: number): void {
    this.transport.now += ms;
    this.timers.advance(this.transport.now, {
      handleExpiry: (timed) => (timed as never as ServerStream).handleExpiry(),
    });
  }

  /** What was heard, when no slot is left in use. */
  get heard(): readonly string[] {
    assert.equal(this.arena.large.freeCount + this.arena.small.freeCount, this.freeAtFirst, 'no slot is left in use');
    return this.said;
  }
}

test('a response passes as it comes, and the stream is closed behind it', () => {
  const stage = new Stage().ask();
  stage.head(103);
  stage.head(200);
  stage.body('one');
  stage.body('two');
  stage.end();
  assert.deepEqual(stage.heard, [
    'interim 103',
    'head 200',
    'body one',
    'body two',
    'end',
    'closed',
    'given back as served',
    'complete',
  ]);
});

test('what the client does not take waits in its order, and goes on when it does', () => {
  const stage = new Stage().ask();
  stage.isSinkFull = true;
  stage.head(200);
  stage.body('one');
  stage.end();
  assert.deepEqual(stage.said, []);
  stage.isSinkFull = false;
  stage.stream.pump();
  assert.deepEqual(stage.heard.slice(0, 3), ['head 200', 'body one', 'end']);
});

test('an interim head that has waited does not come behind the final one', () => {
  const stage = new Stage().ask();
  stage.isSinkFull = true;
  stage.head(103);
  stage.isSinkFull = false;
  stage.head(200);
  stage.body('one');
  stage.end();
  assert.deepEqual(stage.heard.slice(0, 3), ['head 200', 'body one', 'end']);
});

test('a complete response goes to its client though the connection is lost, and nothing more is sent there', () => {
  const stage = new Stage();
  stage.isRequestComplete = false;
  stage.ask();
  stage.isSinkFull = true;
  stage.head(200);
  stage.body('one');
  stage.end();
  assert.ok(stage.stream.isReady, 'the rest of the request may go on');
  stage.stream.handleLost(FAILED_RESET);
  assert.ok(!stage.stream.isReady, 'there is nothing that it could go on to');
  stage.isSinkFull = false;
  stage.stream.pump();
  assert.deepEqual(stage.heard, ['head 200', 'body one', 'end', 'given back as served', 'complete']);
});

test('before a response each loss is a failed try, of its kind', () => {
  const cases: readonly (readonly [lose: (stream: ServerStream) => void, how: number])[] = [
    [(stream) => stream.handleReset(INTERNAL_ERROR), FAILED_RESET],
    // section 7: a code that nobody knows means nothing special
    [(stream) => stream.handleReset(0xf00d), FAILED_RESET],
    [(stream) => stream.handleReset(REFUSED_STREAM), FAILED_REFUSED],
    [(stream) => stream.handleRefused(true), FAILED_REFUSED],
    [(stream) => stream.handleLost(FAILED_SILENT), FAILED_SILENT],
  ];
  for (const [lose, how] of cases) {
    const stage = new Stage().ask();
    lose(stage.stream);
    assert.equal(stage.heard.at(-1), `failed ${how} 0`);
  }
  const late = new Stage().ask();
  late.pass(2 * RESPONSE_MS);
  assert.deepEqual(late.heard, [
    'silence',
    `reset ${CANCEL}`,
    'given back as failed',
    `failed ${FAILED_RESPONSE_TIMEOUT} 0`,
  ]);
});

test('behind a head the response is broken off', () => {
  const stage = new Stage().ask();
  stage.head(200);
  stage.stream.handleReset(INTERNAL_ERROR);
  assert.deepEqual(stage.heard, ['head 200', 'given back as failed', `broken ${SERVER_LEFT}`]);
});

test('a status of gRPC is a failed try only if it is all of the response', () => {
  const alone = new Stage().ask();
  alone.grpcStatus = 14;
  alone.head(200, true);
  assert.equal(alone.heard.at(-1), `failed ${FAILED_GRPC_STATUS} 14`);
  const followed = new Stage().ask();
  followed.grpcStatus = 14;
  followed.head(200);
  followed.body('one');
  followed.end();
  assert.equal(followed.heard.at(-1), 'complete');
});

test('a client that does not take its response is not the silence of the server', () => {
  const stage = new Stage().ask();
  stage.head(200);
  stage.isSinkFull = true;
  stage.body('one');
  stage.pass(10 * RESPONSE_MS);
  assert.deepEqual(stage.said, ['head 200']);
  stage.stream.abandon();
  assert.deepEqual(stage.heard, ['head 200', `reset ${CANCEL}`, 'given back']);
});
