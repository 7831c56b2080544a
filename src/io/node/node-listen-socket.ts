/**
 * A listening descriptor served by node:net.
 *
 * Node cannot stop accepting without closing the descriptor. So what it closes is a duplicate: the connections that wait
 * belong to the open socket, which this keeps, and so do the other processes that hold it.
 */
import net from 'node:net';
import { assert } from '../../base/assert.ts';
import type { ListenHandler, ListenSocket, SocketHandler } from '../../port/transport.ts';
import { acceptFrom, boundUnsent, closeDescriptorNow, duplicateDescriptor, sendAtOnce } from './descriptor.ts';
import type { StreamSource } from './node-socket.ts';
import type { NodeTransport } from './node-transport.ts';
import { takeHandle } from './stream-handle.ts';

/**
 * Node calls listen(2) again, which sets the length of the queue; the kernel bounds it by net.core.somaxconn. Of a descriptor,
 * Node takes it as an argument, and ignores it among the options: 511 then, and who comes while that is full is reset.
 */
const BACKLOG = 65535;

/**
 * Connections accepted in one round of the loop. libuv takes one, so that of a crowd that comes each would wait for as many rounds
 * as have come before it.
 */
const ACCEPTED_PER_ROUND = 16;

/** How soon listening is tried again when there was no descriptor for it. */
const RETRY_MS = 100;

/** An accepted socket's, until handleAccept sets another. */
const NO_HANDLER: SocketHandler = {
  handleConnect: unset,
  handleData: unset,
  handleEnd: unset,
  handleDrain: unset,
  handleClose: unset,
};

function unset(): void {
  assert(false, 'handleAccept did not set a handler');
}

export class NodeListenSocket implements ListenSocket {
  private readonly transport: NodeTransport;
  private readonly descriptor: number;
  private readonly handler: ListenHandler;
  private server: net.Server | null = null;
  private retry: NodeJS.Timeout | null = null;
  private isClosed = false;

  constructor(transport: NodeTransport, descriptor: number, handler: ListenHandler) {
    this.transport = transport;
    this.descriptor = descriptor;
    this.handler = handler;
    boundUnsent(descriptor);
    sendAtOnce(descriptor);
    this.resume();
  }

  pause(): void {
    this.server?.close();
    this.server = null;
    if (this.retry !== null) clearTimeout(this.retry);
    this.retry = null;
  }

  resume(): void {
    if (this.server !== null || this.retry !== null || this.isClosed) return;
    const duplicate = duplicateDescriptor(this.descriptor);
    if (duplicate < 0) {
      this.retry = setTimeout(() => {
        this.retry = null;
        this.resume();
      }, RETRY_MS);
      return;
    }
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true });
    server.on('connection', (stream) => this.handleConnection(stream));
    // a connection that could not be accepted: it ended before, or resources are short; libuv goes on
    server.on('error', () => undefined);
    server.listen({ fd: duplicate }, BACKLOG);
    this.server = server;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.pause();
    closeDescriptorNow(this.descriptor);
  }

  private handleConnection(stream: net.Socket): void {
    this.transport.beginTurn();
    if (this.transport.isFull) {
      stream.destroy();
      return;
    }
    // the stream that Node made reads into blocks of its own and cannot be told otherwise: only its handle is kept
    const handle = takeHandle(stream);
    if (handle !== null) this.accept({ handle });
    for (let more = ACCEPTED_PER_ROUND - 1; more > 0 && this.server !== null && !this.transport.isFull; more--) {
      const descriptor = acceptFrom(this.descriptor);
      if (descriptor < 0) return;
      this.accept({ fd: descriptor });
    }
  }

  private accept(source: StreamSource): void {
    this.handler.handleAccept(this.transport.add(NO_HANDLER, source));
  }
}
