/**
 * One side of a byte stream through the proxy, for TCP relays and for tunnels after an Upgrade: sends bytes that follow
 * from a key, and checks at every byte what comes.
 *
 * The invariants it holds: what comes is a prefix of what the other side sent; FIN comes only if the other side sent FIN,
 * and then everything before it has come.
 */
import type { Prng } from '../../src/base/prng.ts';
import { checkContent, fillContent } from '../content.ts';
import type { World } from '../world.ts';
import type { PeerPort } from './port.ts';

export interface StreamSpec {
  readonly sendBytes: number;
  /** Resets instead of sending on once so many bytes have been sent or received; -1: never. */
  readonly resetAtBytes: number;
  /** Waits for the other side's FIN before sending its own. */
  readonly endsSecond: boolean;
  /** Sends nothing more, but does not end: 0 no, else after so many bytes. */
  readonly silentAtBytes: number;
}

/** What one direction's sender has done so far: shared between the two sides. */
export class StreamRecord {
  readonly key: number;
  writtenBytes = 0;
  isEnded = false;
  isReset = false;
  /** How many had arrived at the proxy when the sender reset. */
  arrivedBytes = 0;
  receivedBytes = 0;
  isEndSeen = false;

  constructor(key: number) {
    this.key = key;
  }
}

const PIECE_BYTES = 4096;

export class StreamSide {
  readonly name: string;
  readonly spec: StreamSpec;
  readonly sending: StreamRecord;
  /** Which one it is may be known only after sending has begun. */
  receiving: StreamRecord;
  isBroken = false;
  private isStarted = false;
  private readonly world: World;
  private readonly port: PeerPort;
  private readonly prng: Prng;
  private readonly onDone: () => void;

  constructor(
    world: World,
    port: PeerPort,
    prng: Prng,
    name: string,
    spec: StreamSpec,
    sending: StreamRecord,
    receiving: StreamRecord,
    onDone: () => void,
  ) {
    this.world = world;
    this.port = port;
    this.prng = prng;
    this.name = name;
    this.spec = spec;
    this.sending = sending;
    this.receiving = receiving;
    this.onDone = onDone;
  }

  /** From now on it may send. */
  start(): void {
    this.isStarted = true;
    this.fill();
  }

  /** To be called whenever everything written was taken. */
  fill(): void {
    const { spec, sending } = this;
    if (this.port.isOver || !this.isStarted) return;
    if (sending.isEnded) return this.finishIfDone();
    if (this.resetIfDue()) return;
    if (spec.silentAtBytes > 0 && sending.writtenBytes >= spec.silentAtBytes) return;
    const left = spec.sendBytes - sending.writtenBytes;
    if (left > 0) {
      const length = Math.min(left, 1 + this.prng.below(PIECE_BYTES));
      const piece = new Uint8Array(length);
      fillContent(sending.key, sending.writtenBytes, piece, 0, length);
      sending.writtenBytes += length;
      this.port.write(piece);
    } else if (!spec.endsSecond || this.receiving.isEndSeen) {
      sending.isEnded = true;
      this.world.note('%a: FIN after %b bytes', this.name, sending.writtenBytes);
      this.port.end();
      this.finishIfDone();
    }
  }

  handleBytes(bytes: Uint8Array, at: number, length: number): void {
    const { receiving } = this;
    const right = checkContent(receiving.key, receiving.receivedBytes, bytes, at, length);
    if (right >= 0) {
      this.world.fail(
        'stream content',
        `${this.name}: byte ${receiving.receivedBytes + right} is not the one that was sent`,
      );
    }
    receiving.receivedBytes += length;
    if (receiving.receivedBytes > receiving.writtenBytes) {
      this.world.fail(
        'stream content',
        `${this.name}: ${receiving.receivedBytes} bytes came of ${receiving.writtenBytes}`,
      );
    }
    this.resetIfDue();
  }

  handleEnd(): void {
    const { receiving } = this;
    this.world.note('%a: sees FIN after %b bytes', this.name, receiving.receivedBytes);
    if (!receiving.isEnded || receiving.receivedBytes !== receiving.writtenBytes) {
      this.world.fail(
        'invented end',
        `${this.name}: FIN came after ${receiving.receivedBytes} bytes; the other side wrote ${receiving.writtenBytes} ` +
          (receiving.isEnded ? 'and FIN' : receiving.isReset ? 'and reset' : 'and goes on'),
      );
    }
    receiving.isEndSeen = true;
    this.fill();
    this.finishIfDone();
  }

  /** `isExcused`: something else than the other side's reset may have broken it. */
  handleBroken(isExcused: boolean): void {
    const { receiving } = this;
    this.isBroken = true;
    this.world.note('%a: is reset after %b bytes', this.name, receiving.receivedBytes);
    if (receiving.isReset && !this.sending.isReset && receiving.receivedBytes < receiving.arrivedBytes && !isExcused) {
      this.world.fail(
        'lost before a reset',
        `${this.name}: ${receiving.receivedBytes} bytes came of ${receiving.arrivedBytes} that had arrived before the reset`,
      );
    }
    this.onDone();
  }

  private resetIfDue(): boolean {
    const { spec } = this;
    if (spec.resetAtBytes < 0 || this.port.isOver) return false;
    if (this.sending.writtenBytes < spec.resetAtBytes && this.receiving.receivedBytes < spec.resetAtBytes) return false;
    this.sending.isReset = true;
    const waiting = this.port.queuedBytes - this.port.endpoint.arrivedBytes;
    this.sending.arrivedBytes = Math.max(0, this.sending.writtenBytes - waiting);
    this.world.note('%a: resets', this.name);
    this.port.reset();
    this.onDone();
    return true;
  }

  private finishIfDone(): void {
    if (!this.sending.isEnded || !this.receiving.isEndSeen || this.port.isOver) return;
    if (this.port.unsentPieces > 0) return;
    this.port.close();
    this.onDone();
  }
}
