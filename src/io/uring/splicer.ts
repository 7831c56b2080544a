/**
 * Bytes from one socket to another through a pipe (splice(2)): the kernel passes pages on, and nobody copies or reads them. By system
 * calls: the ring hands every splice to a thread of the kernel, which costs more than it moves.
 *
 * One pipe is enough, since it is empty between two calls: `give` tells what the other socket had no room for, and that has to be taken out by `read`.
 */
import { Arena } from '../../base/arena.ts';
import { SEND_SEGMENTS_MAX } from '../../base/limits.ts';
import * as abi from './abi.ts';
import * as ffi from './ffi.ts';

/** A slot of the pipe for each piece, which is a page or less where a network card received it. Where that is refused, it has 16. */
const PIPE_BYTES = 256 * 1024;

export class Splicer {
  /** What is left of it may have to wait as segments of one socket. */
  static readonly bytesAtOnce = SEND_SEGMENTS_MAX * Arena.receiveBytes;
  private readonly scratch = ffi.mapMemory(4096);
  private readonly words = new Int32Array(this.scratch.buffer);
  /** -1: there is no pipe yet. */
  private readEnd = -1;
  private writeEnd = -1;

  /** Whether the socket would take some bytes now. */
  hasRoom(descriptor: number): boolean {
    this.words[0] = descriptor;
    this.words[1] = abi.POLLOUT;
    return ffi.poll(this.scratch.address, 1, 0) > 0;
  }

  /** Takes what has come in at a socket: how many bytes, 0 at its end, or the negative error number. */
  take(descriptor: number): number {
    if (this.readEnd < 0 && !this.open()) return -ffi.EMFILE;
    const bytes = ffi.splice(descriptor, 0, this.writeEnd, 0, Splicer.bytesAtOnce, ffi.SPLICE_F_NONBLOCK);
    return bytes < 0 ? -ffi.errno() : bytes;
  }

  /** Gives a socket what was taken: how many bytes it took, or the negative error number. */
  give(descriptor: number, bytes: number): number {
    const given = ffi.splice(this.readEnd, 0, descriptor, 0, bytes, ffi.SPLICE_F_NONBLOCK);
    return given < 0 ? -ffi.errno() : given;
  }

  /** Takes out up to `bytes` of what nobody took, to this address; how many. */
  read(address: number, bytes: number): number {
    return ffi.read(this.readEnd, address, bytes);
  }

  /** Forgets what nobody took, and lets go of the pipe. */
  close(): void {
    if (this.readEnd < 0) return;
    ffi.close(this.readEnd);
    ffi.close(this.writeEnd);
    this.readEnd = -1;
  }

  private open(): boolean {
    if (ffi.pipe2(this.scratch.address, ffi.O_NONBLOCK | ffi.O_CLOEXEC) < 0) return false;
    [this.readEnd, this.writeEnd] = this.words;
    ffi.fcntl(this.writeEnd, ffi.F_SETPIPE_SZ, PIPE_BYTES);
    return true;
  }
}
