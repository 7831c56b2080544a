/** One connection to a peer, over TLS 1.3 with the keys of both. Nothing that comes counts before it is known whose it is. */
import type { TLSSocket } from 'node:tls';
import { systemReason } from '../../base/system-error.ts';
import {
  frameOf,
  MESSAGE_BYTES_MAX,
  MessageReader,
  parseMessage,
  type PeerMessage,
} from '../../core/peers/messages.ts';
import { fingerprintOf } from './identity.ts';

/** Of a peer that does not take what it is told. */
const WAITING_BYTES_MAX = 4 * MESSAGE_BYTES_MAX;

export interface PeerConnectionHandler {
  /** A text: it is none, and why. */
  handleMessage(connection: PeerConnection, message: PeerMessage | string): void;
  handleClosed(connection: PeerConnection, reason: string): void;
}

export class PeerConnection {
  private readonly socket: TLSSocket;
  private readonly reader = new MessageReader();
  private isClosed = false;
  private failure = 'it has closed the connection';

  /** The handshake of the socket is done, and it is the peer's. */
  constructor(socket: TLSSocket, handler: PeerConnectionHandler) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.receive(bytes, handler));
    socket.on('error', (error) => {
      this.failure = systemReason(error);
    });
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      if (this.isClosed) return;
      this.isClosed = true;
      handler.handleClosed(this, this.failure);
    });
  }

  private receive(bytes: Buffer, handler: PeerConnectionHandler): void {
    const messages = this.isClosed ? [] : this.reader.push(bytes);
    if (messages === null) return handler.handleMessage(this, 'it sends a message that is too long');
    for (const message of messages) {
      if (this.isClosed) return;
      // One that is not known says at least that it lives.
      handler.handleMessage(this, parseMessage(Buffer.from(message).toString()) ?? { type: 'beat' });
    }
  }

  /** False: too much waits for it already. */
  send(message: PeerMessage): boolean {
    if (this.isClosed) return true;
    if (this.socket.writableLength > WAITING_BYTES_MAX) return false;
    this.socket.write(frameOf(Buffer.from(JSON.stringify(message))));
    return true;
  }

  /** Resolves when what waits for it has left, or the connection is closed. */
  drained(): Promise<void> {
    if (this.isClosed || !this.socket.writableNeedDrain) return Promise.resolve();
    return new Promise((resolve) => {
      const settle = (): void => {
        this.socket.off('drain', settle).off('close', settle);
        resolve();
      };
      this.socket.on('drain', settle).on('close', settle);
    });
  }

  /** Its handler hears no more of it. */
  close(): void {
    this.isClosed = true;
    this.socket.destroy();
  }
}

/** Of whoever is at the other end. Null: it has shown nothing. */
export function fingerprintAt(socket: TLSSocket): string | null {
  const certificate = socket.getPeerX509Certificate();
  return certificate === undefined ? null : fingerprintOf(certificate.publicKey);
}
