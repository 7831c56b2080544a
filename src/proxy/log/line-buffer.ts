/**
 * Lines on their way to one file, pipe or socket: they go to one half of its memory while the other is being written. Nobody waits for a
 * disk: where both are full, lines are dropped, and counted.
 */
import { OUTLET_HALF_BYTES, type Outlet, type OutletHandler } from '../../port/outlet.ts';

/** A half with so much in it is written at once. */
const FLUSH_BYTES = 32 * 1024;
/** An error that may pass is tried again after this time: a full disk, a pipe that nobody reads. */
const AGAIN_MS = 1000;
/** What takes nothing at the moment, and has not failed. */
const FULL_AGAIN_MS = 50;
const EAGAIN = 11;

export interface LineCounts {
  /** So many lines more wait; negative: fewer. */
  wait(lines: number): void;
  drop(lines: number): void;
}

/** Hears how writes end. */
export interface WriteListener {
  /** `error`: an errno, above 0. Not of what takes nothing at the moment. */
  handleFailure(error: number): void;
  handleSuccess(): void;
}

export class LineBuffer implements OutletHandler {
  private readonly outlet: Outlet;
  private readonly counts: LineCounts;
  private readonly news: WriteListener;
  private readonly clock: { readonly now: number };
  /** Offset of the half that is filled: 0 or OUTLET_HALF_BYTES; the other one is being written, or empty. */
  private filling = 0;
  private length = 0;
  private lines = 0;
  /** What is left of the other one. */
  private writingAt = 0;
  private writingLength = 0;
  private writingLines = 0;
  private isWriting = false;
  /** When the first line came that waits. */
  private since = 0;
  private againAt = 0;
  private isEnding = false;

  constructor(
    open: (handler: OutletHandler) => Outlet,
    counts: LineCounts,
    news: WriteListener,
    clock: { readonly now: number },
  ) {
    this.outlet = open(this);
    this.counts = counts;
    this.news = news;
    this.clock = clock;
  }

  get memory(): Uint8Array {
    return this.outlet.memory;
  }

  /** Where the next line may be written ... */
  get at(): number {
    return this.filling + this.length;
  }

  /** ... and where it has to have ended. */
  get end(): number {
    return this.filling + OUTLET_HALF_BYTES;
  }

  get isEmpty(): boolean {
    return this.lines === 0 && this.writingLines === 0;
  }

  /** A line stands there that ends at `end`. */
  commit(end: number): void {
    if (this.lines === 0) this.since = this.clock.now;
    this.length = end - this.filling;
    this.lines++;
    this.counts.wait(1);
    if (this.length >= FLUSH_BYTES) this.flush();
  }

  /** There is no room for a line. */
  drop(): void {
    this.counts.drop(1);
    this.flush();
  }

  /** What has waited for `maxMs` goes. */
  handleTick(now: number, maxMs: number): void {
    if (this.writingLength > 0 && !this.isWriting && now >= this.againAt) this.write();
    else if (this.lines > 0 && now - this.since >= maxMs) this.flush();
  }

  /** Begins to write what waits, unless something is being written. */
  flush(): void {
    if (this.writingLength > 0 || this.lines === 0) return;
    this.writingAt = this.filling;
    this.writingLength = this.length;
    this.writingLines = this.lines;
    this.filling = this.filling === 0 ? OUTLET_HALF_BYTES : 0;
    this.length = 0;
    this.lines = 0;
    this.write();
  }

  private write(): void {
    this.isWriting = true;
    this.outlet.write(this.writingAt, this.writingLength);
  }

  handleWritten(count: number): void {
    this.isWriting = false;
    if (count < 0) {
      if (count !== -EAGAIN) this.news.handleFailure(-count);
      // What was waiting is lost if it cannot be written later either: the next lines are worth more.
      if (this.isEnding) this.lose();
      else this.againAt = this.clock.now + (count === -EAGAIN ? FULL_AGAIN_MS : AGAIN_MS);
      return;
    }
    this.news.handleSuccess();
    this.writingAt += count;
    this.writingLength -= count;
    if (this.writingLength > 0) return this.write();
    this.counts.wait(-this.writingLines);
    this.writingLines = 0;
    if (this.isEnding || this.length >= FLUSH_BYTES) this.flush();
    if (this.isEnding && this.isEmpty) this.outlet.close();
  }

  /** Nothing more comes: what waits is written, and the outlet given back. */
  finish(): void {
    this.isEnding = true;
    this.againAt = 0;
    this.flush();
    if (this.isEmpty) this.outlet.close();
    else if (!this.isWriting) this.write();
  }

  private lose(): void {
    const lost = this.writingLines + this.lines;
    this.counts.drop(lost);
    this.counts.wait(-lost);
    this.writingLines = this.writingLength = this.lines = this.length = 0;
    this.outlet.close();
  }
}
