/**
 * Gives the sessions of a bound socket to the process that is to have it, when this one has to part with it. Until the other one can
 * place every datagram this one receives them; then the other one does, and between the two they wait in the kernel.
 *
 *   state     event                        does                                               then
 *   OFFERED   `begin`                                                                         WAITING
 *   WAITING   `ready`                                                                         COPYING
 *   COPYING   a turn                       sends sessions, which go on here                   COPYING
 *             all are sent, or COPY_MS     stops the bound socket                             STOPPING
 *   STOPPING  it has stopped               sends those that have begun since                  STOPPING
 *             all are sent, or COPY_MS     says `over`                                        SAID
 *   SAID      `taken`                      stops the sockets towards servers                  GIVEN
 *   GIVEN     LATE_MS                      ends them here                                     DONE
 *   any       the other one is gone        stops the bound socket: whoever else has it serves DONE
 *                                          its clients anew, and these sessions end by silence
 *
 * While both have a session, both receive what its server answers and pass it on: whoever gets it first.
 */
import type { DatagramSocket } from '../../port/datagram.ts';
import { type SessionAccount, SESSIONS_PER_PACKET, type SessionChannel } from '../../port/session-channel.ts';
import type { UdpListener } from './udp-listener.ts';

/** Of ten thousand sessions; a machine that is busy takes ten times as long. */
const COPY_MS = 5_000;
/** What the kernel had received for the sockets that were stopped is here by then. */
const LATE_MS = 1_000;
/** In a turn: clients and servers wait for no longer than that takes. */
const PACKETS_PER_TURN = 32;

/** What it needs of the listener that the socket is for. */
export type GivingListener = Pick<
  UdpListener,
  'sessionsEnd' | 'accountOf' | 'descriptorOf' | 'handleGiven' | 'stopGiven' | 'endGiven'
>;

type State = 'OFFERED' | 'WAITING' | 'COPYING' | 'STOPPING' | 'SAID' | 'GIVEN' | 'DONE';

export class SessionGiving {
  private readonly channel: SessionChannel;
  private readonly socket: DatagramSocket;
  private state: State = 'OFFERED';
  /** When COPY_MS or LATE_MS are over. */
  private until = Infinity;
  /** The session that is looked at next. */
  private next = 0;

  constructor(channel: SessionChannel, socket: DatagramSocket) {
    this.channel = channel;
    this.socket = socket;
  }

  /** This process is to have the socket no longer. */
  begin(): void {
    if (this.state === 'OFFERED') this.state = 'WAITING';
  }

  /** Sessions are on their way, and stay here meanwhile however silent they are. */
  get isUnderWay(): boolean {
    return this.state !== 'OFFERED' && this.state !== 'DONE';
  }

  /** Another turn is to follow at once. */
  get isSending(): boolean {
    return this.state === 'COPYING' || this.state === 'STOPPING';
  }

  get isDone(): boolean {
    return this.state === 'DONE';
  }

  /** Another one is to have the socket. */
  abandonOffer(): void {
    if (this.state === 'OFFERED') this.channel.close();
  }

  /** There is nobody to give it to. */
  private abandon(): void {
    this.channel.close();
    this.socket.stop();
    this.state = 'DONE';
  }

  handleTick(now: number, listener: GivingListener): void {
    if (this.state === 'GIVEN' && now >= this.until) {
      listener.endGiven(this.socket);
      this.channel.close();
      this.state = 'DONE';
    }
    if (!this.isUnderWay || this.state === 'GIVEN') return;
    const packet = this.channel.receive();
    if (packet === 'gone') this.abandon();
    else if (packet?.message?.type === 'ready') this.step('COPYING', now + COPY_MS);
    else if (packet?.message?.type === 'taken') {
      listener.stopGiven(this.socket);
      this.step('GIVEN', now + LATE_MS);
    }
    if (!this.isSending || (!this.sendSome(listener) && now < this.until)) return;
    if (this.state === 'COPYING') {
      this.socket.stop();
      this.step('STOPPING', now + COPY_MS);
    } else if (this.socket.isStopped && this.channel.send({ type: 'over' })) {
      this.step('SAID', Infinity);
    }
  }

  private step(state: State, until: number): void {
    this.state = state;
    this.until = until;
    this.next = 0;
  }

  /** True: there are none left. */
  private sendSome(listener: GivingListener): boolean {
    for (let packets = 0; packets < PACKETS_PER_TURN; packets++) {
      const first = this.next;
      const accounts: SessionAccount[] = [];
      const numbers: number[] = [];
      for (; this.next < listener.sessionsEnd && accounts.length < SESSIONS_PER_PACKET; this.next++) {
        const account = listener.accountOf(this.next, this.socket);
        if (account === null) continue;
        accounts.push(account);
        numbers.push(this.next);
      }
      if (accounts.length === 0) {
        this.next = 0;
        // Those that have begun meanwhile may have small numbers.
        if (first === 0) return this.state === 'COPYING' || this.socket.isStopped;
        continue;
      }
      const descriptors = numbers.map((number) => listener.descriptorOf(number));
      if (!this.channel.send({ type: 'sessions', sessions: accounts }, descriptors)) {
        this.next = first;
        return false;
      }
      for (const number of numbers) listener.handleGiven(number);
    }
    return false;
  }
}
