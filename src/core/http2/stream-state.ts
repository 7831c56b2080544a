/**
 * A stream as RFC 9113 section 5.1 has it, with a client or a server as the peer.
 *
 *   open -> half-closed (remote) -> closed        the peer has said all before we have: with clients the usual way
 *   open -> half-closed (local) -> closed         the other way round: with servers the usual way
 *   any -> closed                                 RST_STREAM, from either side
 *
 * What is idle or closed has no object.
 */
import { STREAM_WINDOW_BYTES, STREAM_WINDOW_BYTES_MAX } from './bounds.ts';

export class StreamState<Owner> {
  readonly id: number;
  owner: Owner | null = null;
  /** The peer has ended its side. */
  hasEnded: boolean;
  /** We have. */
  isSent = false;
  /** The head of the peer's message is here; with a server, that of a final response. */
  hasHead = true;
  /** What we may send; negative after a change of settings. */
  sendWindow: number;
  /** What the peer may still send. */
  receiveWindow = STREAM_WINDOW_BYTES;
  /** How large that is when nothing is on its way. */
  private windowBytes = STREAM_WINDOW_BYTES;
  /** Taken since it was last grown. */
  private takenBytes = 0;
  /** Taken, and not told. */
  private untoldBytes = 0;
  /** Of its body: received, and received but not taken. */
  receivedBytes = 0;
  heldBytes = 0;
  /** Of its body by its head; -1: it does not say. */
  expectedBytes = -1;

  constructor(id: number, hasEnded: boolean, sendWindow: number) {
    this.id = id;
    this.hasEnded = hasEnded;
    this.sendWindow = sendWindow;
  }

  /**
   * So much of what came was taken. The increment that the peer is to be told now, or 0. `mayGrow`: there is memory for a larger
   * window.
   */
  take(bytes: number, mayGrow: boolean): number {
    this.untoldBytes += bytes;
    this.takenBytes += bytes;
    if (this.hasEnded) return 0;
    if (mayGrow && this.takenBytes >= this.windowBytes && this.windowBytes < STREAM_WINDOW_BYTES_MAX) {
      // a whole window was taken: the way to the peer may be what holds it up
      this.takenBytes = 0;
      const growth = Math.min(this.windowBytes, STREAM_WINDOW_BYTES_MAX - this.windowBytes);
      this.windowBytes += growth;
      this.untoldBytes += growth;
    }
    if (this.untoldBytes * 2 < this.windowBytes) return 0;
    const increment = this.untoldBytes;
    this.untoldBytes = 0;
    this.receiveWindow += increment;
    return increment;
  }
}
