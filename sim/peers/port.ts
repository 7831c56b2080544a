/**
 * A peer's socket: what clients and servers of the simulation read and write through. Writes and reads at a pace, so that a
 * peer can be slow in either direction, and tells its owner what happens.
 */
import type { Prng } from '../../src/base/prng.ts';
import type { BreakReason, Endpoint } from '../network.ts';
import type { World } from '../world.ts';
import type { Announcement } from './proxy-header.ts';

/** `gapUs` 0: as fast as the network takes or gives; else 1 to `sliceBytes` bytes every `gapUs`. */
export interface Pace {
  readonly sliceBytes: number;
  readonly gapUs: number;
}

export const FULL_PACE: Pace = { sliceBytes: 65536, gapUs: 0 };

export interface PortOwner {
  handleConnected(): void;
  /** The bytes are lent for the time of the call. */
  handleBytes(bytes: Uint8Array, at: number, length: number): void;
  handleEnd(): void;
  /** The connection is gone, by no doing of ours. */
  handleBroken(reason: BreakReason): void;
  /** Everything written was taken by the kernel. */
  handleFlushed(): void;
}

const scratch = new Uint8Array(65536);

export class PeerPort {
  readonly endpoint: Endpoint;
  readonly world: World;
  sentBytes = 0;
  /** Given to `write`, sent or not. */
  queuedBytes = 0;
  receivedBytes = 0;
  /** No more reading until `resumeReading`. */
  private isReadingPaused = false;
  private readonly prng: Prng;
  private readonly writePace: Pace;
  private readonly readPace: Pace;
  private readonly owner: PortOwner;
  /** What is written before anything else, whatever the pace. */
  private readonly opening: Uint8Array | null;
  /** Of a server that is told who has connected; null: it is not. */
  readonly announcement: Announcement | null;
  private readonly pieces: Uint8Array[] = [];
  private pieceAt = 0;
  private isConnected = false;
  private isEnding = false;
  private isEndSeen = false;
  private isBroken = false;
  private isGone = false;
  private isWriteWaiting = false;
  private isReadWaiting = false;
  private isFlushDue = false;
  private isStepping = false;
  private isStepDue = false;

  constructor(
    world: World,
    endpoint: Endpoint,
    prng: Prng,
    writePace: Pace,
    readPace: Pace,
    owner: PortOwner,
    { opening = null, announcement = null }: { opening?: Uint8Array | null; announcement?: Announcement | null } = {},
  ) {
    this.world = world;
    this.endpoint = endpoint;
    this.prng = prng;
    this.writePace = writePace;
    this.readPace = readPace;
    this.owner = owner;
    this.opening = opening;
    this.announcement = announcement;
    if (opening !== null) {
      this.pieces.push(opening);
      this.queuedBytes = opening.length;
    }
    this.isConnected = endpoint.isConnected;
    endpoint.watcher = () => this.step();
  }

  /** Given up, by either side. */
  get isOver(): boolean {
    return this.isGone || this.isBroken;
  }

  get unsentPieces(): number {
    return this.pieces.length;
  }

  write(bytes: Uint8Array): void {
    if (this.isOver || bytes.length === 0) return;
    this.pieces.push(bytes);
    this.queuedBytes += bytes.length;
    this.isFlushDue = true;
    this.step();
  }

  /** FIN after everything written. */
  end(): void {
    if (this.isOver) return;
    this.isEnding = true;
    this.step();
  }

  close(): void {
    if (this.isOver) return;
    this.isGone = true;
    this.endpoint.close();
  }

  reset(): void {
    if (this.isOver) return;
    this.isGone = true;
    this.endpoint.reset();
  }

  pauseReading(): void {
    this.isReadingPaused = true;
  }

  resumeReading(): void {
    this.isReadingPaused = false;
    this.step();
  }

  /** Looks at everything there may be to do. Never runs inside itself. */
  step(): void {
    this.isStepDue = true;
    if (this.isStepping) return;
    this.isStepping = true;
    while (this.isStepDue && !this.isOver) {
      this.isStepDue = false;
      this.stepOnce();
    }
    this.isStepping = false;
  }

  private stepOnce(): void {
    const endpoint = this.endpoint;
    if (!this.isConnected && endpoint.isConnected && endpoint.broken === null) {
      this.isConnected = true;
      this.owner.handleConnected();
    }
    this.read();
    if (this.isOver) return;
    if (endpoint.broken !== null && (endpoint.readableBytes === 0 || !this.isConnected)) {
      this.isBroken = true;
      this.owner.handleBroken(endpoint.broken);
      return;
    }
    if (endpoint.isAtEnd && !this.isEndSeen && !this.isReadingPaused) {
      this.isEndSeen = true;
      this.owner.handleEnd();
    }
    if (!this.isOver && this.isConnected) this.writeOut();
  }

  private read(): void {
    const isPaced = this.readPace.gapUs > 0;
    while (!this.isOver && !this.isReadingPaused && !this.isReadWaiting && this.endpoint.readableBytes > 0) {
      const wanted = isPaced ? 1 + this.prng.below(this.readPace.sliceBytes) : scratch.length;
      const length = this.endpoint.read(scratch, 0, wanted);
      this.receivedBytes += length;
      if (isPaced) {
        this.isReadWaiting = true;
        this.world.schedule(this.readPace.gapUs, () => {
          this.isReadWaiting = false;
          this.step();
        });
      }
      this.deliver(length);
    }
  }

  /** `length` bytes of the scratch, without the header that a server is sent. */
  private deliver(length: number): void {
    const { announcement } = this;
    if (announcement === null || announcement.isWhole) {
      this.owner.handleBytes(scratch, 0, length);
      return;
    }
    const taken = announcement.read(scratch, 0, length);
    if (taken < 0) this.world.fail('header', 'a server got something else than a PROXY protocol header');
    else if (taken < length) this.owner.handleBytes(scratch, taken, length - taken);
  }

  private writeOut(): void {
    const isPaced = this.writePace.gapUs > 0;
    while (this.pieces.length > 0 && !this.isWriteWaiting) {
      const piece = this.pieces[0];
      let length = piece.length - this.pieceAt;
      if (isPaced && piece !== this.opening) length = Math.min(length, 1 + this.prng.below(this.writePace.sliceBytes));
      const taken = this.endpoint.write(piece, this.pieceAt, length);
      if (taken === 0) return;
      this.sentBytes += taken;
      this.pieceAt += taken;
      if (this.pieceAt === piece.length) {
        this.pieces.shift();
        this.pieceAt = 0;
      }
      if (isPaced) {
        this.isWriteWaiting = true;
        this.world.schedule(1 + this.prng.below(this.writePace.gapUs), () => {
          this.isWriteWaiting = false;
          this.step();
        });
      }
    }
    if (this.pieces.length > 0) return;
    if (this.isFlushDue) {
      this.isFlushDue = false;
      this.owner.handleFlushed();
    }
    if (this.isEnding && this.pieces.length === 0) this.endpoint.shutdown();
  }
}
