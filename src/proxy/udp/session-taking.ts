/**
 * Takes the sessions of a bound socket over from the process that has received from it, until that one has said that it does not any
 * more, or is gone.
 */
import type { DatagramSocket } from '../../port/datagram.ts';
import type { SessionChannel, SessionPacket } from '../../port/session-channel.ts';
import type { UdpListener } from './udp-listener.ts';

const PACKETS_PER_TURN = 32;

/** What it needs of the listener that the socket is for. */
export type TakingListener = Pick<UdpListener, 'resume' | 'handleResumed'>;

export class SessionTaking {
  private readonly channel: SessionChannel;
  private readonly socket: DatagramSocket;
  /** Packets come one after the other. */
  isReceiving = false;
  /** This process is to have the socket no longer, before it ever had it. */
  isForOthers = false;

  constructor(channel: SessionChannel, socket: DatagramSocket) {
    this.channel = channel;
    this.socket = socket;
    channel.send({ type: 'ready' });
  }

  /** True: it is over, and the other one receives no more. */
  handleTick(listener: TakingListener): boolean {
    for (let packets = 0; packets < PACKETS_PER_TURN; packets++) {
      const packet = this.channel.receive();
      if (packet === null) return false;
      if (packet === 'gone' || packet.message?.type === 'over') {
        this.channel.send({ type: 'taken' });
        this.channel.close();
        listener.handleResumed();
        return true;
      }
      this.isReceiving = true;
      this.resume(packet, listener);
    }
    return false;
  }

  /** The socket is another one's again, or nobody's. */
  abandon(): void {
    this.channel.close();
  }

  private resume({ message, descriptors }: SessionPacket, listener: TakingListener): void {
    const sessions = message?.type === 'sessions' ? message.sessions : [];
    descriptors.forEach((descriptor, i) => {
      const isTaken = i < sessions.length && listener.resume(sessions[i], descriptor, this.socket);
      if (!isTaken) this.channel.drop(descriptor);
    });
  }
}
