/**
 * Writes lines where nobody may be reading: it never waits, and holds so many bytes and no more. What does not fit is counted, and
 * the count is the first thing that is written when there is room again.
 */

export interface LogSink {
  /** Whether a write of up to SINK_BYTES_MAX bytes would not have to wait. */
  isWritable(): boolean;
  /** Returns how many bytes were taken; throws as `fs.writeSync` does. */
  write(bytes: Uint8Array): number;
}

/** What a pipe takes in one piece (PIPE_BUF). */
export const SINK_BYTES_MAX = 4_096;
const WAITING_BYTES_MAX = 256 * 1024;
const RETRY_MS = 100;
const LINE_FEED = Buffer.from('\n');

export class LogWriter {
  private readonly sink: LogSink;
  /** The line that says how many are missing. */
  private readonly describeLoss: (count: number, why: string) => string;
  private waiting: Buffer[] = [];
  private waitingBytes = 0;
  /** The first of them has begun and not ended: what was taken of it cannot be taken back. */
  private isTorn = false;
  private lost = 0;
  private whyLost = '';
  /** How many lost ones the line that is to be written next tells of; 0: it is an event. */
  private told = 0;
  private retry: NodeJS.Timeout | undefined;
  private isClosed = false;

  constructor(sink: LogSink, describeLoss: (count: number, why: string) => string) {
    this.sink = sink;
    this.describeLoss = describeLoss;
  }

  /** A whole line, with its line feed. */
  write(line: string): void {
    if (this.isClosed) return;
    const bytes = Buffer.from(line);
    if (this.waitingBytes + bytes.length > WAITING_BYTES_MAX) this.lose('nobody read them');
    else this.push(bytes);
    this.flush();
  }

  /** As far as it goes without waiting. */
  flush(): void {
    while (this.waiting.length > 0 || this.lost > 0) {
      if (this.waiting.length === 0) this.pushLoss();
      if (!this.sink.isWritable()) return this.later();
      if (!this.writeOne(this.waiting[0])) return;
    }
  }

  /** False: not now. */
  private writeOne(line: Buffer): boolean {
    try {
      const taken = this.sink.write(line.subarray(0, SINK_BYTES_MAX));
      this.waitingBytes -= taken;
      this.isTorn = taken < line.length;
      if (this.isTorn) {
        this.waiting[0] = line.subarray(taken);
      } else {
        this.waiting.shift();
        this.told = 0;
      }
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EPIPE' || code === 'EBADF') {
        // Whoever read it is gone for good.
        this.isClosed = true;
        this.waiting = [];
        this.lost = 0;
        return false;
      }
      if (code !== 'EAGAIN') {
        // A disk that is full, for example. It may not be for ever, and the newest lines are worth the most then.
        this.discard(line, code ?? 'error');
      }
      this.later();
      return false;
    }
  }

  private discard(line: Buffer, why: string): void {
    // Of a line that has begun the end is written as soon as there is room, so that the next one has a line of its own.
    const rest = this.isTorn ? [LINE_FEED] : [];
    if (this.isTorn && line.length === LINE_FEED.length) return;
    this.waiting.splice(0, 1, ...rest);
    this.waitingBytes -= line.length - rest.length;
    if (this.told === 0) return this.lose(why);
    // Nobody has been told of those.
    this.lost += this.told;
    this.told = 0;
  }

  private push(bytes: Buffer): void {
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
  }

  private pushLoss(): void {
    this.push(Buffer.from(this.describeLoss(this.lost, this.whyLost)));
    this.told = this.lost;
    this.lost = 0;
  }

  private lose(why: string): void {
    this.lost++;
    this.whyLost = why;
  }

  private later(): void {
    this.retry ??= setTimeout(() => {
      this.retry = undefined;
      this.flush();
    }, RETRY_MS).unref();
  }
}
