/** A file, pipe or socket that is only written to, by Node's threads. */
import { close, write } from 'node:fs';
import { constants } from 'node:os';
import { OUTLET_HALF_BYTES, type Outlet, type OutletHandler } from '../../port/outlet.ts';

export class NodeOutlet implements Outlet {
  readonly memory = new Uint8Array(2 * OUTLET_HALF_BYTES);
  private readonly beginTurn: () => void;
  private readonly descriptor: number;
  private readonly handler: OutletHandler;
  private isWriting = false;
  private isClosed = false;

  constructor(beginTurn: () => void, descriptor: number, handler: OutletHandler) {
    this.beginTurn = beginTurn;
    this.descriptor = descriptor;
    this.handler = handler;
  }

  write(offset: number, length: number): void {
    this.isWriting = true;
    write(this.descriptor, this.memory, offset, length, null, (error, count) => {
      this.isWriting = false;
      if (this.isClosed) return this.release();
      this.beginTurn();
      if (this.isClosed) return this.release();
      this.handler.handleWritten(error === null ? count : -errorNumber(error));
    });
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (!this.isWriting) this.release();
  }

  private release(): void {
    close(this.descriptor, () => undefined);
  }
}

function errorNumber({ code = 'EIO' }: NodeJS.ErrnoException): number {
  return (constants.errno as Readonly<Record<string, number>>)[code] ?? constants.errno.EIO;
}
