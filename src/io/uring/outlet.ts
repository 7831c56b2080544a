/**
 * A file, pipe or socket that is only written to, on the ring. A regular file takes a write where it is submitted, or in a thread of the
 * kernel's; a pipe that is full takes it when somebody reads. Neither holds up the turn.
 */
import { OUTLET_HALF_BYTES, type Outlet, type OutletHandler } from '../../port/outlet.ts';
import * as abi from './abi.ts';
import type { Engine } from './engine.ts';
import type { Mapping } from './ffi.ts';
import { DATAGRAM_INDEX, OUTLET } from './user-data.ts';

const BEHIND_THE_LAST = -1;

export class UringOutlet implements Outlet {
  static readonly bytes = 2 * OUTLET_HALF_BYTES;
  readonly memory: Uint8Array;
  readonly mapping: Mapping;
  /** Its place may be another one's. */
  isDone = false;
  private readonly engine: Engine;
  private readonly descriptor: number;
  private readonly index: number;
  private readonly handler: OutletHandler;
  private isWriting = false;
  private isClosed = false;

  constructor(engine: Engine, descriptor: number, index: number, mapping: Mapping, handler: OutletHandler) {
    this.engine = engine;
    this.descriptor = descriptor;
    this.index = index;
    this.mapping = mapping;
    this.memory = new Uint8Array(mapping.buffer);
    this.handler = handler;
  }

  write(offset: number, length: number): void {
    const { ring } = this.engine;
    const { low, high } = this.mapping;
    this.isWriting = true;
    const at = ring.push(
      abi.OP_WRITE,
      this.descriptor,
      (low + offset) | 0,
      high,
      length,
      0,
      OUTLET,
      this.index | DATAGRAM_INDEX,
      0,
    );
    ring.submissions[at + 2] = BEHIND_THE_LAST;
    ring.submissions[at + 3] = BEHIND_THE_LAST;
  }

  handleWritten(result: number): void {
    this.isWriting = false;
    if (this.isClosed) this.release();
    else this.handler.handleWritten(result);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (this.isWriting) this.engine.cancel(OUTLET, this.index | DATAGRAM_INDEX);
    else this.release();
  }

  private release(): void {
    this.isDone = true;
    this.engine.closeDescriptor(this.descriptor);
  }
}
