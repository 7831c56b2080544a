/**
 * What a UDP listener does with datagrams: each belongs to a session (core/datagram/session-table.ts), which has a server and a socket of
 * its own towards it; answers go back from the address that the client has asked. Nothing is kept: a datagram that cannot go on now
 * is dropped, and counted by its reason.
 *
 * A session stays with its server until it ends, however the upstream is balanced. If the server is found down meanwhile, or its time
 * has come after a reload, the client's next datagram begins another session: one who only sends would send into nothing for good.
 */
import { formatIP } from '../../base/address.ts';
import type { Correspondents } from '../../base/correspondents.ts';
import { hashWords } from '../../base/hash.ts';
import { encodeUtf8 } from '../../base/text.ts';
import type { ListenerPlan, UdpPlan } from '../../config/plan/listener.ts';
import { PICK_FULL } from '../../core/balance/balancer.ts';
import { Access } from '../../core/client/access.ts';
import { endedByAnswer, MOVED, RETIRED, SERVED, SERVER_DOWN } from '../../core/endings.ts';
import type { OwnAddresses } from '../../core/own-addresses.ts';
import { NO_SESSION, type SessionRules, SessionTable } from '../../core/datagram/session-table.ts';
import { FAILED_RESPONSE_TIMEOUT } from '../../core/retry.ts';
import type {
  DatagramHandler,
  DatagramSocket,
  DropReason,
  Flow,
  FlowFailure,
  FlowHandler,
} from '../../port/datagram.ts';
import type { SessionAccount } from '../../port/session-channel.ts';
import { IpWords, parseIpText, writeIp } from '../../wire/ip-text.ts';
import type { Context } from '../context.ts';
import type { AccessLog } from '../log/access-log.ts';
import type { Server } from '../server.ts';
import { SessionRecord } from '../session-record.ts';
import type { Upstream } from '../upstream.ts';
import { Waiter } from '../waiter.ts';
import { DatagramView } from './datagram-view.ts';
import { DatagramHeaders, sendBehindHeader } from './datagram-headers.ts';
import {
  DENIED,
  DISPLACED,
  faultOf,
  kindOfDrop,
  NO_DESCRIPTOR,
  NO_SERVER,
  OWN_ADDRESS,
  SERVER_LIMIT,
  TABLE_FULL,
  UNANSWERED,
  WRONG_HEADER,
} from './udp-failures.ts';

/** Servers tried for one session when there is no way to them. */
const TRIES_MAX = 3;
/**
 * While the proxy drains nobody sends to its sessions any more. Where it is not known how many answers there are, what a server has to
 * say to them comes soon or never.
 */
const DRAIN_SILENCE_MS = 1000;
/** Of the descriptors for clients: UDP alone does not take those of all others. */
const DESCRIPTOR_SHARE = 0.5;

export type FreeDescriptor = (asking: UdpListener, of: Correspondents) => boolean;

export class UdpListener implements DatagramHandler, FlowHandler {
  plan: ListenerPlan;
  private readonly context: Context;
  private readonly table: SessionTable;
  /** By the number of the session; used again. */
  private readonly sessions: UdpSession[] = [];
  private readonly chooser = new Chooser();
  /** Ends a session of whichever listener has to make room: descriptors are for all of them. False: none has to. */
  private readonly freeDescriptor: FreeDescriptor;
  private readonly own: OwnAddresses;
  private upstream: Upstream;
  /** Null: everybody may come. */
  private access: Access | null = null;
  /** Null: datagrams have none. */
  private headers: DatagramHeaders | null = null;
  private answersOne = false;
  private logs: readonly AccessLog[] = [];
  private readonly view: DatagramView;
  /** Servers that are lost, whose sessions have ended. */
  private readonly lost = new Set<Server>();

  constructor(
    context: Context,
    plan: ListenerPlan,
    upstreams: readonly Upstream[],
    own: OwnAddresses,
    freeDescriptor: FreeDescriptor,
  ) {
    this.context = context;
    this.freeDescriptor = freeDescriptor;
    this.own = own;
    this.view = new DatagramView(context);
    this.plan = plan;
    this.table = new SessionTable(rulesOf(plan), context.prng.nextU32() | 0);
    this.upstream = upstreams[plan.upstream];
    this.apply(plan, upstreams);
  }

  /** Goes on by another plan of this listener. Sessions stay where they are. */
  apply(plan: ListenerPlan, upstreams: readonly Upstream[]): void {
    this.plan = plan;
    this.upstream = upstreams[plan.upstream];
    this.lost.clear();
    this.access = plan.access === null ? null : new Access(plan.access);
    this.headers = plan.proxyProtocol === null ? null : new DatagramHeaders(plan.proxyProtocol);
    this.logs = this.context.accessLogs.find(plan.accessLogs);
    const rules = rulesOf(plan);
    this.answersOne = rules.responses === 1;
    this.table.configure(rules);
  }

  get sessionCount(): number {
    return this.table.size;
  }

  /** `isChanging`: sessions are on their way from or to another process, and may have been heard of there. */
  handleTick(now: number, isChanging: boolean): void {
    if (isChanging) return;
    this.endLost(now);
    const { table } = this;
    const isCounted = (this.plan.udp as UdpPlan).responses > 0;
    const idleMs = this.context.isDraining && !isCounted ? DRAIN_SILENCE_MS : Infinity;
    for (;;) {
      let session = table.expired(now);
      if (session === NO_SESSION && idleMs < Infinity) session = table.silentFor(idleMs, now);
      if (session === NO_SESSION) return;
      // nothing else ends what nobody counts the answers of
      let ending = SERVED;
      if (table.lacksResponses(session)) {
        ending = endedByAnswer(UNANSWERED);
        const { server } = this.sessions[session];
        if (table.blamesServer(session, server.datagramAnsweredAt)) {
          this.context.noteFailure(server, FAILED_RESPONSE_TIMEOUT, 0);
        }
        this.note(UNANSWERED);
      }
      this.end(session, ending);
    }
  }

  /** A server that goes down has no sessions: nothing that is sent there is of use any more. */
  private endLost(now: number): void {
    for (const server of this.upstream.servers) {
      if (!server.isLost(now)) this.lost.delete(server);
      else if (!this.lost.has(server)) {
        this.lost.add(server);
        this.endWhere(SERVER_DOWN, (session) => session.server === server);
      }
    }
  }

  /** Ends the sessions that have come in at this socket, which is closed. */
  endAt(socket: DatagramSocket): void {
    this.endWhere(RETIRED, (session) => session.socket === socket);
  }

  hasSessionsAt(socket: DatagramSocket): boolean {
    return this.sessions.some((session) => session.socket === socket);
  }

  // --- to and from another process ---

  /** Session numbers are below. */
  get sessionsEnd(): number {
    return this.sessions.length;
  }

  /** What another process is to know of this session. Null: it has not come in at this socket, or stays here. */
  accountOf(number: number, socket: DatagramSocket): SessionAccount | null {
    const { table } = this;
    const session = this.sessions[number];
    if (session.socket !== socket || session.isGiven || !table.endsBySilence(number)) return null;
    if (this.descriptorOf(number) < 0) return null;
    table.readClient(number, address);
    if (isLinkLocal(address)) return null;
    const client = textOf(address);
    table.readLocal(number, address);
    const asked = textOf(address);
    const told = { client, port: table.clientPort(number), asked, standing: table.standing(number) };
    const account = { ...told, server: session.server.addressText };
    const proxyPort = table.proxyPort(number);
    if (proxyPort === 0) return account;
    table.readProxy(number, address);
    if (isLinkLocal(address)) return null;
    return { ...account, proxy: { host: textOf(address), port: proxyPort } };
  }

  /** Of the socket towards its server. */
  descriptorOf(number: number): number {
    return (this.sessions[number].flow as Flow).descriptor;
  }

  /** Another process has it too. */
  handleGiven(number: number): void {
    this.sessions[number].isGiven = true;
  }

  /** The other process has the bound socket: what servers answer is received there. */
  stopGiven(socket: DatagramSocket): void {
    for (const session of this.sessions) {
      if (session.socket === socket && session.isGiven) (session.flow as Flow).stop();
    }
  }

  endGiven(socket: DatagramSocket): void {
    // their lines are the other one's
    for (const session of this.sessions) {
      if (session.socket !== socket || !session.isGiven) continue;
      session.record?.discard();
      session.record = null;
    }
    this.endWhere(MOVED, (session) => session.socket === socket && session.isGiven);
  }

  /** Goes on with a session of another process, whose socket towards its server this is. False: it does not, and the socket is not taken. */
  resume(account: SessionAccount, descriptor: number, socket: DatagramSocket): boolean {
    const { context, plan, table, upstream } = this;
    const { now } = context.transport;
    const told = correspondentsOf(account, socket.port);
    const of = told === null || socket.knowsAsked ? told : { ...told, ...UNKNOWN };
    const server = upstream.servers.find(({ addressText }) => addressText === account.server);
    if (of === null || server === undefined || server.isLost(now)) return false;
    // It may have been given away from here a moment ago, and what its server said before that be on its way.
    const known = table.find(of);
    if (known !== NO_SESSION) table.release(known);
    if (table.isFull || !this.hasDescriptor) return false;
    const session = table.resume(of, account.standing, now);
    if (session === this.sessions.length) this.sessions.push(new UdpSession());
    const flow = context.transport.datagrams.adopt(descriptor, this, session);
    if (flow === null) {
      table.end(session);
      return true;
    }
    const record = this.recordOf(of, socket);
    record?.beginTry(server.addressText);
    this.sessions[session].server = server;
    this.sessions[session].enter(flow, upstream, socket, socket.keepReturnTo(wayBackOf(of)), record, now);
    context.row.addServerConnections(server.slot, 1);
    context.liveSessions++;
    context.udpSessions++;
    context.row.addListenerConnections(plan.slot, 1);
    return true;
  }

  /** No more come: silence begins anew, for what the other process heard of them is not known. */
  handleResumed(): void {
    this.table.refreshAll(this.context.transport.now);
  }

  /** Ends those whose clients have come to one of these addresses, which are elsewhere now. */
  abandon(addresses: readonly string[]): void {
    this.endWhere(MOVED, (_, session) => {
      this.table.readLocal(session, address);
      return addresses.includes(textOf(address));
    });
  }

  // --- from clients ---

  handleDatagram(socket: DatagramSocket, bytes: Uint8Array, offset: number, length: number): void {
    const { context, headers, table, sessions } = this;
    const { now } = context.transport;
    context.row.countDatagramIn(this.plan.slot);
    let of: Correspondents = socket.from;
    if (headers !== null) {
      const headerBytes = headers.read(of, bytes, offset, length);
      if (headerBytes < 0) {
        this.note(WRONG_HEADER);
        return;
      }
      of = headers.of;
      offset += headerBytes;
      length -= headerBytes;
    }
    let session = table.find(of);
    if (session !== NO_SESSION && sessions[session].server.isLost(now)) {
      this.end(session, SERVER_DOWN);
      session = NO_SESSION;
    }
    if (session === NO_SESSION) {
      session = this.claim(socket, of);
      if (session === NO_SESSION) session = this.begin(socket, of, now);
      if (session === NO_SESSION) return;
    }
    const isOver = table.noteRequest(session, now);
    const { flow, record, server, upstream } = sessions[session];
    context.sessionCounter.received(this.plan.slot, server.slot, length);
    if (record !== null) record.countReceived(length);
    if (upstream.plan.proxyProtocol === null) (flow as Flow).send(bytes, offset, length);
    else sendBehindHeader(flow as Flow, of, headers?.addresses ?? null, socket.port, bytes, offset, length);
    if (isOver) this.end(session, SERVED);
  }

  handleDropped(_socket: DatagramSocket, reason: DropReason): void {
    this.note(kindOfDrop(reason));
  }

  // --- from servers ---

  handleAnswer({ tag }: Flow, bytes: Uint8Array, offset: number, length: number): void {
    const { context, table } = this;
    const { now } = context.transport;
    const { record, returnAddress, server, socket } = this.sessions[tag];
    context.sessionCounter.sent(this.plan.slot, server.slot, length);
    if (record !== null) record.countSent(length);
    server.datagramAnsweredAt = now;
    (socket as DatagramSocket).sendTo(returnAddress, bytes, offset, length);
    context.row.countDatagramOut(this.plan.slot);
    if (table.noteResponse(tag, now)) this.end(tag, SERVED);
  }

  handleFlowDropped(_flow: Flow, reason: DropReason): void {
    this.note(kindOfDrop(reason));
  }

  handleUnreachable({ tag }: Flow, reason: FlowFailure): void {
    this.noteFault(this.sessions[tag].server, reason);
    this.end(tag, endedByAnswer(faultOf(reason).kind));
  }

  private noteFault(server: Server, reason: FlowFailure): void {
    const { how, kind } = faultOf(reason);
    this.context.noteFailure(server, how, 0);
    this.note(kind);
  }

  // --- sessions ---

  /** One that has come from another engine without the address that it asks, which answers go back from now. */
  private claim(socket: DatagramSocket, of: Correspondents): number {
    const number = this.table.claim(of);
    if (number === NO_SESSION) return NO_SESSION;
    this.sessions[number].comeIn(socket);
    return number;
  }

  /** A session for who sent the datagram, or NO_SESSION: it is dropped. */
  private begin(socket: DatagramSocket, from: Correspondents, now: number): number {
    const { access, chooser, table, upstream } = this;
    if (this.own.sent(socket.from)) return this.drop(OWN_ADDRESS, null);
    const record = this.recordOf(from, socket);
    if (access !== null && !access.admits(from)) return this.drop(DENIED, record);
    chooser.triedCount = 0;
    chooser.key = upstream.plan.balance === 'source-hash' ? hashWords(from.ip0, from.ip1, from.ip2, from.ip3) : 0;
    const picked = upstream.pick(chooser);
    if (picked === PICK_FULL) return this.drop(SERVER_LIMIT, record);
    if (picked < 0) {
      record?.lackServer(NO_SERVER);
      return this.drop(NO_SERVER, record);
    }
    // There may be more of them than a reload has left room for.
    while (table.isFull) if (!this.displace(from)) return this.drop(TABLE_FULL, record);
    if (!this.hasDescriptor && !this.freeDescriptor(this, from)) return this.drop(NO_DESCRIPTOR, record);

    const session = table.begin(from, now);
    const flow = this.open(session, picked, record);
    if (flow === null) {
      table.end(session);
      return NO_SESSION;
    }
    this.sessions[session].enter(flow, upstream, socket, socket.keepReturn(), record, now);
    const { context, plan } = this;
    context.liveSessions++;
    context.udpSessions++;
    context.row.countListenerAccepted(plan.slot);
    context.row.addListenerConnections(plan.slot, 1);
    return session;
  }

  /** A socket towards a server, which is taken for it: this one, or another one if there is no way to it. */
  private open(session: number, first: number, record: SessionRecord | null): Flow | null {
    const { answersOne, chooser, context, upstream } = this;
    if (session === this.sessions.length) this.sessions.push(new UdpSession());
    const { datagrams } = context.transport;
    let kind = NO_SERVER;
    for (let picked = first; picked >= 0 && chooser.triedCount < TRIES_MAX; picked = upstream.pick(chooser)) {
      const server = upstream.servers[picked];
      record?.beginTry(server.addressText);
      let flow = datagrams.open(server.preparedAddress, this, session, answersOne);
      if (flow === 'no-resource' && context.evictIdle()) {
        flow = datagrams.open(server.preparedAddress, this, session, answersOne);
      }
      if (typeof flow === 'object') {
        this.sessions[session].server = server;
        upstream.take(server);
        record?.join();
        return flow;
      }
      const fault = faultOf(flow);
      kind = fault.kind;
      this.noteFault(server, flow);
      record?.failTry(fault.how, kind);
      if (flow === 'no-resource') break;
      chooser.markTried(server);
    }
    record?.end(endedByAnswer(kind));
    return null;
  }

  /** This client has its share of so many places here. */
  hasShare(of: Correspondents, places: number): boolean {
    return this.table.hasShare(of, places);
  }

  /** Sessions of its largest crowd, one of which is to make room. 0: it has none. */
  crowdSize(places: number): number {
    return this.table.crowdSize(places);
  }

  /** See SessionTable. */
  excess(of: Correspondents): number {
    return this.table.excess(of);
  }

  /** Ends the session that has to make room for this client. False: none has to. */
  displace(of: Correspondents, places?: number): boolean {
    const victim = this.table.victim(of, places);
    if (victim === NO_SESSION) return false;
    this.note(DISPLACED);
    this.end(victim, endedByAnswer(DISPLACED));
    return true;
  }

  private get hasDescriptor(): boolean {
    const { clientsMax, socketsMax, transport, udpSessions } = this.context;
    return transport.socketCount < socketsMax && udpSessions < clientsMax * DESCRIPTOR_SHARE;
  }

  private end(session: number, ending: number): void {
    const { context, plan, sessions, table } = this;
    const { begunAt, isGiven, upstream } = sessions[session];
    // what goes on in another process ends there
    if (!isGiven || ending !== MOVED)
      context.sessionCounter.ended(plan.slot, upstream.plan.slot, ending, context.transport.now - begunAt);
    sessions[session].leave(ending);
    table.end(session);
    context.liveSessions--;
    context.udpSessions--;
    context.row.addListenerConnections(plan.slot, -1);
  }

  private endWhere(ending: number, isMeant: (session: UdpSession, number: number) => boolean): void {
    this.sessions.forEach((session, number) => {
      if (session.flow !== null && isMeant(session, number)) this.end(number, ending);
    });
  }

  /** Null: it is in no access log. */
  private recordOf(of: Correspondents, socket: DatagramSocket): SessionRecord | null {
    const { context, logs, plan, upstream, view } = this;
    if (logs.length === 0) return null;
    view.look(of, socket.port);
    const record = SessionRecord.begin(context, plan, logs, view.view);
    if (record !== null) record.upstreamPlan = upstream.plan;
    return record;
  }

  private drop(kind: number, record: SessionRecord | null): typeof NO_SESSION {
    this.note(kind);
    record?.end(endedByAnswer(kind));
    return NO_SESSION;
  }

  private note(kind: number): void {
    this.context.answers.note(this.plan.name, kind);
  }
}

function rulesOf({ limits, udp }: ListenerPlan): SessionRules {
  const { idleMs, requests, responses } = udp as UdpPlan;
  return { sessionsMax: limits.connections, idleMs, requests, responses };
}

/** Nobody tells which address was asked. */
const UNKNOWN = { local0: 0, local1: 0, local2: 0, local3: 0 } as const;

const address = new IpWords();
const addressBytes = new Uint8Array(16);

function textOf(ip: IpWords): string {
  writeIp(addressBytes, 0, ip);
  return formatIP(addressBytes);
}

/** Of a session at a socket with this port. Null: these are no addresses. */
function correspondentsOf(account: SessionAccount, localPort: number): Correspondents | null {
  const { client, asked, port, proxy } = account;
  const from = addressOf(client);
  const to = addressOf(asked);
  const between = proxy === undefined ? new IpWords() : addressOf(proxy.host);
  if (from === null || to === null || between === null) return null;
  const { ip0, ip1, ip2, ip3 } = from;
  const { ip0: local0, ip1: local1, ip2: local2, ip3: local3 } = to;
  const { ip0: proxy0, ip1: proxy1, ip2: proxy2, ip3: proxy3 } = between;
  const proxyPort = proxy?.port ?? 0;
  const here = { local0, local1, local2, local3, localPort };
  return { ip0, ip1, ip2, ip3, port, ...here, proxyPort, proxy0, proxy1, proxy2, proxy3 };
}

function addressOf(text: string): IpWords | null {
  const bytes = encodeUtf8(text);
  const ip = new IpWords();
  return parseIpText(bytes, 0, bytes.length, ip) ? ip : null;
}

/** To the client, or to who is between. */
function wayBackOf(of: Correspondents): Correspondents {
  if (of.proxyPort === 0) return of;
  return { ...of, ip0: of.proxy0, ip1: of.proxy1, ip2: of.proxy2, ip3: of.proxy3, port: of.proxyPort };
}

/** fe80::/10 */
function isLinkLocal({ ip0 }: IpWords): boolean {
  return ip0 >>> 22 === 0xfe80 >> 6;
}

/** What belongs to a session besides its numbers. */
class UdpSession {
  /** Null: it has ended. */
  flow: Flow | null = null;
  server!: Server;
  upstream!: Upstream;
  /** Where its client's datagrams come in. */
  socket: DatagramSocket | null = null;
  returnAddress = -1;
  begunAt = 0;
  /** Another process has it too. */
  isGiven = false;
  /** Null: it is in no access log. */
  record: SessionRecord | null = null;

  enter(
    flow: Flow,
    upstream: Upstream,
    socket: DatagramSocket,
    returnAddress: number,
    record: SessionRecord | null,
    now: number,
  ): void {
    this.begunAt = now;
    this.record = record;
    this.flow = flow;
    this.upstream = upstream;
    this.socket = socket;
    this.returnAddress = returnAddress;
    this.isGiven = false;
  }

  /** Its client's datagrams come in here from now on: the one that the socket hands over now is its. */
  comeIn(socket: DatagramSocket): void {
    (this.socket as DatagramSocket).forgetReturn(this.returnAddress);
    this.socket = socket;
    this.returnAddress = socket.keepReturn();
  }

  leave(ending: number): void {
    this.record?.end(ending);
    this.record = null;
    (this.flow as Flow).close();
    this.flow = null;
    (this.socket as DatagramSocket).forgetReturn(this.returnAddress);
    this.socket = null;
    this.upstream.give(this.server);
  }
}

/** Asks for a server, and waits in no queue. */
class Chooser extends Waiter {
  override handlePicked(): void {
    // it never waits
  }

  override handleExpiry(): void {
    // it has no deadline
  }
}
