/**
 * Runs one test of the contract suite on a transport: a script, written as a generator, that acts on the transport and
 * waits for conditions. It advances only inside the transport's turn and handlers, so the same script runs on a transport
 * that blocks its thread and on one with virtual time.
 */
import assert from 'node:assert/strict';
import { TICK_MS } from '../../base/limits.ts';
import type {
  ListenHandler,
  ListenSocket,
  Socket,
  SocketHandler,
  Transport,
  TransportDriver,
} from '../../port/transport.ts';
import type { Peer, PeerListener, World, AddressKind } from './world.ts';

/** What a script waits for. */
interface Wait {
  readonly what: string;
  readonly done: () => boolean;
  readonly deadline: number;
}

export type Script = Generator<Wait, void, void>;
/** A part of a script that gives a value back. */
export type Step<T> = Generator<Wait, T, void>;

/** Many times what anything here takes on a slow, busy machine: to wait this long ends a test that has failed anyway. */
const WAIT_MS = 60_000;

/** What differs between engines. */
export interface EngineTraits {
  /** Out of descriptors, it lets connections go that the kernel has already taken, instead of leaving them in the queue. */
  readonly dropsWhenExhausted?: boolean;
  /** Bulk of a socket that passes all on does not come through its memory. */
  readonly passesBulk?: boolean;
}

/** A layer that is tested, over the transport's sockets: it gives sockets of its own. */
export interface Coat {
  /** `opened` gets the socket, whose handler it sets at once. */
  accept(socket: Socket, opened: (socket: Socket) => void): void;
  /** The transport has connected it. */
  connect(socket: Socket, opened: (socket: Socket) => void): void;
  /** Begins a turn. */
  handleTurn(now: number): void;
}

export class Stage implements TransportDriver {
  readonly transport: Transport;
  readonly world: World;
  // What its traits say.
  readonly dropsWhenExhausted: boolean;
  readonly passesBulk: boolean;
  /** Turns so far. */
  turns = 0;
  /** The time of the turn that began last. */
  turnTime = -1;
  /** The first thing that went wrong. */
  failure: Error | null = null;
  /** A script that cannot run here says why. */
  skipped: string | null = null;
  /** Called at the start of every turn, before the script goes on. */
  onTurn: ((now: number) => void) | null = null;
  private readonly coat: Coat | null;
  private readonly script: Script;
  /** Its bytes mean nothing: that they came began a turn. */
  private readonly wakeHandler: SocketHandler = {
    handleConnect: () => undefined,
    handleData: (_socket, slot) => this.transport.arena.release(slot),
    handleEnd: () => undefined,
    handleDrain: () => undefined,
    handleClose: () => undefined,
  };
  private wait: Wait | null = null;
  private isOver = false;
  private isRunOver = false;

  constructor(
    transport: Transport,
    world: World,
    script: (stage: Stage) => Script,
    options: EngineTraits,
    coat: Coat | null = null,
  ) {
    this.coat = coat;
    this.dropsWhenExhausted = options.dropsWhenExhausted ?? false;
    this.passesBulk = options.passesBulk ?? false;
    this.transport = transport;
    this.world = world;
    this.script = script(this);
    const wake = world.openWake();
    if (wake !== null) transport.adopt(wake, this.wakeHandler);
  }

  /** The transport's run has ended. From here on nobody may be called. */
  handleRunOver(): void {
    this.isRunOver = true;
  }

  handleTurn(now: number): void {
    assert.equal(this.isRunOver, false, 'handleTurn after run ended');
    if (this.isOver) return;
    this.turns++;
    this.turnTime = now;
    this.guard(() => {
      this.world.poll();
      this.coat?.handleTurn(now);
      this.onTurn?.(now);
    });
    this.advance();
  }

  /** Goes on with the script if what it waits for has happened. Handlers call it after every event. */
  advance(): void {
    this.guard(() => {
      while (!this.isOver) {
        const wait = this.wait;
        if (wait !== null && !wait.done()) {
          if (this.transport.now > wait.deadline) throw new Error(`waited in vain: ${wait.what}`);
          return;
        }
        this.wait = null;
        const next = this.script.next();
        if (next.done === true) this.finish();
        else this.wait = next.value;
      }
    });
  }

  /** Runs `action`; what it throws ends the test and not the transport's turn. */
  guard(action: () => void): void {
    try {
      assert.equal(this.isRunOver, false, 'a handler was called after run ended');
      action();
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Error(String(error));
      this.finish();
    }
  }

  private finish(): void {
    if (this.isOver) return;
    this.isOver = true;
    this.transport.stop();
  }

  *until(what: string, done: () => boolean, withinMs = WAIT_MS): Step<void> {
    yield { what, done, deadline: this.transport.now + withinMs };
  }

  /** A connection of the transport's, to be told to `recorder`. */
  connect(prepared: number, recorder: SocketHandler & { socket: Socket | null }): void {
    const { coat, transport } = this;
    if (coat === null) {
      recorder.socket = transport.connect(prepared, recorder);
      return;
    }
    const opened = (socket: Socket): void => {
      recorder.socket = socket;
      socket.handler = recorder;
      recorder.handleConnect(socket);
    };
    const socket = transport.connect(prepared, {
      ...this.wakeHandler,
      handleConnect: (below) => this.guard(() => coat.connect(below, opened)),
    });
    assert.notEqual(socket, null);
  }

  listen(descriptor: number, handler: ListenHandler): ListenSocket {
    const { coat, transport } = this;
    if (coat === null) return transport.listen(descriptor, handler);
    return transport.listen(descriptor, {
      handleAccept: (below) => this.guard(() => coat.accept(below, (socket) => handler.handleAccept(socket))),
    });
  }

  /** Lets time pass, for things that must not happen. */
  *elapse(ms: number): Step<void> {
    const end = this.transport.now + ms;
    yield* this.until('time passes', () => this.transport.now >= end);
  }

  /** Long enough for anything already on its way, here or at a peer, to be seen. */
  *settle(): Step<void> {
    yield* this.elapse(2 * TICK_MS);
  }

  /** Slots of the arena come back to what the transport itself holds. */
  *untilUsedSlots(atMost: number): Step<void> {
    const arena = this.transport.arena;
    yield* this.until(`at most ${atMost} slots in use`, () => arena.usedSlots <= atMost);
  }

  *peerListen(kind: AddressKind, paused = false): Step<PeerListener & { readonly prepared: number }> {
    const listener = this.world.listen(kind, paused);
    yield* this.until('the peer listens', () => listener.address !== null);
    return Object.assign(listener, { prepared: this.transport.prepareAddress(listener.address!) });
  }

  *firstPeer(listener: PeerListener): Step<Peer> {
    yield* this.until('the peer has a connection', () => listener.peers.length > 0);
    return listener.peers[0];
  }
}
