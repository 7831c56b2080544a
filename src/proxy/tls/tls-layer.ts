/** TLS below one listener, as one plan says it. The contexts are its own until the last handshake that began by them is over. */
import type { TlsPlan } from '../../config/plan/tls.ts';
import { ClientPolicies } from '../../core/tls/client-policies.ts';
import { HandshakeRate, sourceOf } from '../../core/tls/handshake-rate.ts';
import { ServerNames } from '../../core/tls/server-names.ts';
import { ACME_PROTOCOL, type Tls, type TlsAcceptor, type TlsContext, type TlsSession } from '../../port/tls.ts';
import type { Socket } from '../../port/transport.ts';
import type { RequestHead } from '../../wire/http1/head.ts';
import { ClientGate } from './client-gate.ts';
import { type HostGate, type Layer, type LayerUser, NOT_OPENED, type Opening, type PeerAddress } from '../layer.ts';
import { Handshake, type HandshakeOwner } from './handshake.ts';
import { emitRedirect, emitRefusal } from './plain-http.ts';
import type { TlsRoom } from './room.ts';

export interface TlsLayerOptions {
  readonly room: TlsRoom;
  readonly tls: Tls;
  readonly plan: TlsPlan;
  /** Of each of the plan's entries, and behind them of its challenges. */
  readonly contexts: readonly TlsContext[];
  /** The protocol above is HTTP. */
  readonly isHttp: boolean;
  /** For heads of clients that speak HTTP in clear. */
  readonly head: RequestHead;
  readonly onDone: (isResumed: boolean) => void;
  /** A handshake came to nothing: why. */
  readonly onFailure: (failure: string) => void;
  /** A client's certificate is refused: why. */
  readonly onDistrust: (cause: string) => void;
  /** One was not begun, since there are too many. */
  readonly onRefused: () => void;
  /** The contexts are not used any more. */
  readonly onUnused: () => void;
}

export class TlsLayer implements Layer, HandshakeOwner, TlsAcceptor {
  readonly room: TlsRoom;
  readonly protocols: readonly string[];
  readonly context: TlsContext;
  readonly asksClients: boolean;
  readonly answersPlain: boolean;
  readonly challenges: ReadonlyMap<string, TlsContext> | null;
  private readonly options: TlsLayerOptions;
  private readonly names: ServerNames;
  /** Null: clients are not asked for certificates. */
  private readonly policies: ClientPolicies | null;
  private readonly rate: HandshakeRate;
  private handshakes = 0;
  private isRetired = false;
  private isUnused = false;

  constructor(options: TlsLayerOptions) {
    const { contexts, isHttp, plan, room } = options;
    this.options = options;
    this.room = room;
    this.names = new ServerNames(plan.entries);
    this.policies = ClientPolicies.of(plan.entries);
    this.rate = new HandshakeRate(plan.handshakes);
    [this.context] = contexts;
    this.protocols = plan.protocols;
    this.asksClients = this.policies !== null;
    this.answersPlain = isHttp;
    this.challenges = challengesOf(plan, contexts);
  }

  open(socket: Socket, above: LayerUser, peer: PeerAddress | null = null): Opening {
    if (this.isUnused) {
      // of a listener that has left, somebody who was on the way
      socket.close();
      above.handleOpenFailed('no-resource');
      return NOT_OPENED;
    }
    this.handshakes++;
    return new Handshake(this, socket, peer ?? socket, above);
  }

  admit(peer: PeerAddress, isResuming: boolean): boolean {
    return !this.rate.isLimited || this.rate.admit(this.room.transport.now, this.sourceOf(peer), isResuming);
  }

  charge(peer: PeerAddress): void {
    if (this.rate.isLimited) this.rate.charge(this.room.transport.now, this.sourceOf(peer));
  }

  private sourceOf(peer: PeerAddress): string {
    if (this.options.plan.handshakes.perSource === 0) return '';
    peer.remoteAddress(address, 0);
    return sourceOf(address);
  }

  accept(): TlsSession | null {
    return this.options.tls.accept(this);
  }

  contextFor(host: string): TlsContext | null {
    const { contexts, plan } = this.options;
    const index = host === '' ? -1 : this.names.find(host);
    if (index >= 0) return contexts[index];
    return plan.unknownName === 'refuse' ? null : this.context;
  }

  /** The index of the one whose context a client has that names this host. */
  private entryFor(host: string): number {
    return host === '' ? 0 : Math.max(0, this.names.find(host));
  }

  answerPlain(socket: Socket, offset: number, length: number, into: number): number {
    const { head, plan } = this.options;
    const { arena } = this.room;
    const start = arena.start(into);
    if (plan.plainHttp === 'refuse') return emitRefusal(arena.memory, start) - start;
    const port = socket.localAddress(address, 0);
    return emitRedirect(arena.memory, offset, length, head, port, start, arena.end(into)) - start;
  }

  gateFor(session: TlsSession): HostGate | 'refuse' | null {
    const { isHttp, onDistrust, plan } = this.options;
    // An authority has seen what it was looking for.
    if (this.challenges !== null && session.protocol === ACME_PROTOCOL) return 'refuse';
    if (this.policies === null) return null;
    const gate = new ClientGate(this.policies, session, plan.entries[this.entryFor(session.serverName)].clients);
    if (gate.usual === 'passes') return isHttp ? gate : null;
    if (!isHttp || session.client !== null) onDistrust(session.client?.verified ?? 'none was shown');
    return isHttp ? gate : 'refuse';
  }

  handleDone({ isResumed }: TlsSession): void {
    this.options.onDone(isResumed);
    this.handleOver(null);
  }

  handleOver(failure: string | null): void {
    this.handshakes--;
    if (failure !== null) this.options.onFailure(failure);
    this.leaveIfUnused();
  }

  handleRefused(): void {
    this.handshakes--;
    this.options.onRefused();
    this.leaveIfUnused();
  }

  /** Another plan holds. What has begun goes on. */
  retire(): void {
    this.isRetired = true;
    this.leaveIfUnused();
  }

  private leaveIfUnused(): void {
    if (!this.isRetired || this.handshakes > 0) return;
    this.isUnused = true;
    this.options.onUnused();
  }
}

const address = new Uint8Array(16);

function challengesOf(
  { entries, challenges }: TlsPlan,
  contexts: readonly TlsContext[],
): ReadonlyMap<string, TlsContext> | null {
  if (challenges === undefined) return null;
  return new Map(challenges.flatMap(({ names }, i) => names.map((name) => [name, contexts[entries.length + i]])));
}
