/**
 * The least that a driver can do, to measure the engine alone with a load generator: a fixed HTTP response per received
 * message, or a byte relay.
 *
 *   node dist/src/io/uring/transport.bench.js respond PORT
 *   node dist/src/io/uring/transport.bench.js relay PORT UPSTREAM-PORT
 */
import type { Socket, SocketHandler, Transport } from '../../port/transport.ts';
import { openListening } from '../contract/sockets.ts';
import { createUringTransport } from './transport.ts';

const [mode, port, upstreamPort] = process.argv.slice(2);
const transport = createUringTransport();
const { descriptor } = openListening({ family: 4, host: '127.0.0.1', port: Number(port) }, 4096);
function respond(transport: Transport, listening: number): void {
  const { arena } = transport;
  const body = 'x'.repeat(62);
  const response = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const slot = arena.allocateLarge();
  const at = arena.start(slot);
  arena.memory.set(response, at);
  const handler: SocketHandler = {
    handleConnect: () => undefined,
    handleData(socket, received) {
      arena.release(received);
      arena.retain(slot);
      // No client that sends more before it has its answer: pendingSegments stays at one.
      socket.send(slot, at, response.length, false);
    },
    handleEnd: (socket) => socket.close(),
    handleDrain: () => undefined,
    handleClose: () => undefined,
  };
  transport.listen(listening, {
    handleAccept(socket) {
      socket.handler = handler;
    },
  });
}

function relay(transport: Transport, listening: number, toPort: number): void {
  const address = transport.prepareAddress({ family: 4, host: '127.0.0.1', port: toPort });
  transport.listen(listening, {
    handleAccept(downstream) {
      const toUpstream = new Direction();
      const toDownstream = new Direction();
      const upstream = transport.connect(address, toDownstream);
      if (upstream === null) {
        downstream.reset();
        return;
      }
      downstream.handler = toUpstream;
      toUpstream.join(downstream, upstream, toDownstream);
      toDownstream.join(upstream, downstream, toUpstream);
    },
  });
}

/** Carries what comes from one socket to the other. */
class Direction implements SocketHandler {
  private from: Socket | null = null;
  private to: Socket | null = null;
  private reverse: Direction | null = null;
  private hasEnded = false;

  join(from: Socket, to: Socket, reverse: Direction): void {
    this.from = from;
    this.to = to;
    this.reverse = reverse;
  }

  handleConnect(): void {}

  handleData(from: Socket, slot: number, offset: number, length: number): void {
    const to = this.to!;
    to.send(slot, offset, length, false);
    if (to.pendingSegments >= 2) from.pause();
  }

  handleEnd(): void {
    this.hasEnded = true;
    this.to!.end();
    this.closeIfDone();
  }

  handleDrain(): void {
    this.reverse!.from!.resume();
    this.closeIfDone();
  }

  handleClose(): void {
    this.to!.reset();
  }

  private closeIfDone(): void {
    if (!this.hasEnded || !this.reverse!.hasEnded) return;
    if (this.from!.pendingSegments + this.to!.pendingSegments > 0) return;
    this.from!.close();
    this.to!.close();
  }
}

if (mode === 'relay') relay(transport, descriptor, Number(upstreamPort));
else respond(transport, descriptor);
await transport.run({ handleTurn: () => undefined });
