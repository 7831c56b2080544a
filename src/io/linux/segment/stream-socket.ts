/**
 * The vip process's end of its control channel: a connected stream socket that is never waited for. What cannot be sent now
 * waits, up to a bound; then it is dropped, for a keeper that does not listen must not stop an advert.
 */
import { send, EAGAIN, EINTR, receive } from './system.ts';
import { MSG_DONTWAIT } from '../socket-messages.ts';
import type { EventLoop } from './event-loop.ts';

const WAITING_BYTES_MAX = 1024 * 1024;
const READ_BYTES = 64 * 1024;

export class StreamSocket {
  private readonly descriptor: number;
  private readonly loop: EventLoop;
  private readonly bytes = new Uint8Array(READ_BYTES);
  private waiting: Uint8Array[] = [];
  private waitingBytes = 0;

  /** `handleData` is given borrowed bytes; `handleEnd` is called once, when the other end is gone. */
  constructor(
    descriptor: number,
    loop: EventLoop,
    handleData: (bytes: Uint8Array, length: number) => void,
    handleEnd: () => void,
  ) {
    this.descriptor = descriptor;
    this.loop = loop;
    loop.add(descriptor, () => {
      const length = receive(descriptor, this.bytes, MSG_DONTWAIT);
      if (length === EAGAIN || length === EINTR) return;
      if (length > 0) {
        handleData(this.bytes, length);
        return;
      }
      loop.remove(descriptor);
      this.waiting = [];
      handleEnd();
    });
  }

  /** `bytes` are kept until they are sent. */
  write(bytes: Uint8Array): void {
    if (this.waitingBytes + bytes.length > WAITING_BYTES_MAX) return;
    this.waiting.push(bytes);
    this.waitingBytes += bytes.length;
    if (this.waiting.length === 1) this.flush();
  }

  private flush(): void {
    while (this.waiting.length > 0) {
      const [bytes] = this.waiting;
      const sent = send(this.descriptor, bytes, MSG_DONTWAIT);
      if (sent === EINTR) continue;
      if (sent === EAGAIN) {
        this.loop.awaitWritable(this.descriptor, () => this.flush());
        return;
      }
      // An error: the other end is gone, which reading tells.
      if (sent < 0) this.waiting.length = 1;
      this.waitingBytes -= sent < 0 ? this.waitingBytes : sent;
      if (sent < 0 || sent === bytes.length) this.waiting.shift();
      else this.waiting[0] = bytes.subarray(sent);
    }
    this.loop.awaitWritable(this.descriptor, null);
  }
}
