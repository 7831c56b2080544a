/**
 * What the proxies meet in traffic and people should find in the log: answers of the proxies' own, by listener or upstream and
 * reason, and shortages of this machine that kept them from a server. A proxy is not believed for what the configuration says.
 */
import type { ListenerPlan } from '../../config/plan/listener.ts';
import type { Plan } from '../../config/plan/plan.ts';
import { NO_TLS_CONNECTION } from '../../core/tls/server-identity.ts';
import { type AnswerKind, ANSWER_KINDS, udpSubject } from '../../core/answers/kinds.ts';
import type { ProxyEvent } from '../../port/control.ts';
import type { Log } from './log.ts';
import { type Recurring, RecurringLog } from './recurring-log.ts';

export class TrafficLog {
  private readonly recurring: RecurringLog;
  private owners: Readonly<Record<AnswerKind['of'], ReadonlySet<string>>> = {
    listener: new Set(),
    upstream: new Set(),
  };
  /** Those of TCP: who comes to them is reset, and gets no answer. */
  private speechless: Readonly<Record<AnswerKind['of'], ReadonlySet<string>>> = {
    listener: new Set(),
    upstream: new Set(),
  };
  private serverOfSlot: { readonly text: string; readonly epoch: number }[] = [];

  constructor(log: Log, now: () => number) {
    this.recurring = new RecurringLog(log, now);
  }

  /** This is what is served now. */
  apply(plan: Plan): void {
    this.serverOfSlot = [];
    this.owners = {
      listener: new Set(plan.listeners.map(({ name }) => name)),
      upstream: new Set(plan.upstreams.map(({ name }) => name)),
    };
    const tcpListeners = plan.listeners.filter(({ protocol }) => protocol === 'tcp');
    this.speechless = {
      listener: new Set(tcpListeners.map(({ name }) => name)),
      upstream: new Set(tcpListeners.flatMap((listener) => upstreamsOf(listener, plan))),
    };
    for (const { name, servers } of plan.upstreams) {
      for (const server of servers) {
        const known = { text: `${name}/${server.name}`, epoch: server.epoch };
        for (let i = 0; i < server.slotCount; i++) this.serverOfSlot[server.firstSlot + i] = known;
      }
    }
  }

  handleAnswered({ owner, answer, count, sample }: Extract<ProxyEvent, { kind: 'answered' }>): void {
    if (answer >= ANSWER_KINDS.length) return;
    const kind = ANSWER_KINDS[answer];
    if (!this.owners[kind.of].has(owner)) return;
    this.recurring.handle(`${answer} ${owner}`, this.recurringOf(kind, owner), count, sample);
  }

  /** False: it was about one that had this slot before, or about none. */
  handleShortage({ slot, epoch, shortage, count }: Extract<ProxyEvent, { kind: 'shortage' }>): boolean {
    const server = this.serverOfSlot[slot];
    if (server?.epoch !== epoch) return false;
    this.recurring.handle(`${shortage} ${server.text}`, SHORTAGES[shortage](server.text), count, '');
    return true;
  }

  /** Of failures only those that nothing else explains: a server that refuses connections is seen from anywhere. */
  handleFailure({ slot, epoch, reason, count }: Extract<ProxyEvent, { kind: 'server-failed' }>): void {
    const server = this.serverOfSlot[slot];
    if (server?.epoch !== epoch || !reason.startsWith(NO_TLS_CONNECTION)) return;
    this.recurring.handle(`tls ${server.text}`, unagreed(server.text, reason), count, '');
  }

  stop(): void {
    this.recurring.stop();
  }

  private recurringOf(kind: AnswerKind, owner: string): Recurring {
    const ofConnection = OF_CONNECTIONS.get(kind.name);
    if (ofConnection !== undefined) return ofConnection(owner);
    if (kind.name.startsWith(LIMIT) || kind.name.startsWith(MIRROR)) return limited(kind, owner);
    const subject = udpSubject(kind);
    if (subject !== null) return lost(kind, subject, owner);
    if (this.speechless[kind.of].has(owner) || kind.name === HEADERLESS) return refused(kind, owner);
    return kind.of === 'listener' && kind.status === 0 ? cutOff(kind, owner) : answered(kind, owner);
  }
}

/** Their status is what the limit says, if it says one. */
const LIMIT = 'limit-';
/** Nor is anything wrong for who sent the request. */
const MIRROR = 'mirror-';
const LET_IN: ReadonlySet<string> = new Set(['limit-dry-run', 'mirror-left-out', 'mirror-failed']);
const HANDSHAKE = 'tls-handshake';
/** Whatever the listener speaks: nothing was said in it yet. */
const HEADERLESS = 'proxy-header';
const DISTRUST = 'client-certificate';
const REFUSED_HANDSHAKE = 'tls-refused';
const HTTP2_INVALID = 'http2-invalid';
const HTTP2_FLOOD = 'http2-flood';
const HTTP2_SERVER = 'http2-server';

/** What a client did wrong is no warning: it happens all day. */
function answered({ of, name, status, text }: AnswerKind, owner: string): Recurring {
  const answer = `answered ${status === 0 ? "with the server's status" : status}: ${text.replace(/\.$/, '')}`;
  return {
    level: of === 'upstream' || status >= 500 ? 'warn' : 'info',
    text: (count, within) => `${of} ${owner}: ${count === 1 ? '1 request' : `${count} requests`}${within} ${answer}`,
    details: { reason: name },
  };
}

function limited({ name, text }: AnswerKind, owner: string): Recurring {
  const how = LET_IN.has(name) ? 'let in' : 'refused';
  return {
    level: 'info',
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? '1 request' : `${count} requests`}${within} ${how}: ${text}`,
    details: { reason: name },
  };
}

/** A response that had begun. */
function cutOff({ name, text }: AnswerKind, owner: string): Recurring {
  return {
    level: 'info',
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? '1 response' : `${count} responses`}${within} cut off: ${text}`,
    details: { reason: name },
  };
}

/** Of UDP. */
function lost({ name, text }: AnswerKind, subject: 'datagram' | 'session', owner: string): Recurring {
  const how = subject === 'datagram' ? 'dropped' : 'ended';
  return {
    level: name === 'udp-denied' ? 'info' : 'warn',
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? `1 ${subject}` : `${count} ${subject}s`}${within} ${how}: ${text}`,
    details: { reason: name },
  };
}

function brokenHandshake(owner: string): Recurring {
  return {
    level: 'info',
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? '1 TLS handshake' : `${count} TLS handshakes`}${within} came to nothing`,
    details: { reason: HANDSHAKE },
    sampled: 'cause',
  };
}

function distrusted(owner: string): Recurring {
  return {
    level: 'info',
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? 'the certificate of 1 client' : `the certificates of ${count} clients`}${within} refused`,
    details: { reason: DISTRUST },
    sampled: 'cause',
  };
}

function refusedHandshake(owner: string): Recurring {
  return {
    level: 'warn',
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? '1 TLS handshake' : `${count} TLS handshakes`}${within} refused: more than this listener takes`,
    details: { reason: REFUSED_HANDSHAKE },
  };
}

/** `level`: a client that breaks rules is no warning; one that would cost too much is. */
function endedHttp2(owner: string, reason: string, level: Recurring['level'], why: string): Recurring {
  return {
    level,
    text: (count, within) =>
      `listener ${owner}: ${count === 1 ? '1 connection' : `${count} connections`} of HTTP/2${within} ended: ${why}`,
    details: { reason },
    sampled: 'cause',
  };
}

/** The sample is the rule, and whose server has broken it. */
function broken(owner: string): Recurring {
  return {
    level: 'warn',
    text: (count, within) =>
      `upstream ${owner}: ${count === 1 ? '1 breach' : `${count} breaches`}${within} of the rules of HTTP/2 by servers`,
    details: { reason: HTTP2_SERVER },
    sampled: 'cause',
  };
}

/** Of connections; the sample is why one of them has ended so. */
const OF_CONNECTIONS: ReadonlyMap<string, (owner: string) => Recurring> = new Map([
  [HTTP2_INVALID, (owner) => endedHttp2(owner, HTTP2_INVALID, 'info', 'the client breaks its rules')],
  [HTTP2_FLOOD, (owner) => endedHttp2(owner, HTTP2_FLOOD, 'warn', 'the client asks for more than one may cost')],
  [HTTP2_SERVER, broken],
  [HANDSHAKE, brokenHandshake],
  [REFUSED_HANDSHAKE, refusedHandshake],
  [DISTRUST, distrusted],
]);

function unagreed(server: string, reason: string): Recurring {
  return {
    level: 'warn',
    text: (count, within) => `server ${server}: ${tries(count)}${within} failed: ${reason}`,
    details: { reason: 'server-tls' },
  };
}

/** Of TCP: there is no answer but a reset. */
function refused({ of, name, text }: AnswerKind, owner: string): Recurring {
  return {
    level: of === 'upstream' ? 'warn' : 'info',
    text: (count, within) =>
      `${of} ${owner}: ${count === 1 ? '1 connection' : `${count} connections`}${within} reset: ${text}`,
    details: { reason: name },
  };
}

const SHORTAGES: Readonly<Record<'port' | 'resource', (server: string) => Recurring>> = {
  port: (server) => ({
    level: 'warn',
    text: (count, within) =>
      `no local port is left for connections to server ${server}: ${tries(count)}${within} failed; ` +
      'give its upstream several `source` addresses, or widen net.ipv4.ip_local_port_range',
    details: { reason: 'no-port' },
  }),
  resource: (server) => ({
    level: 'warn',
    text: (count, within) =>
      `no file descriptor or memory is left for connections to server ${server}: ${tries(count)}${within} failed; ` +
      'raise LimitNOFILE, or lower `limits.connections`',
    details: { reason: 'no-descriptor' },
  }),
};

function tries(count: number): string {
  return count === 1 ? '1 try' : `${count} tries`;
}

/** Where connections of a TCP listener may go. */
function upstreamsOf({ passthrough, tcp, upstream }: ListenerPlan, { upstreams }: Plan): readonly string[] {
  const chosen = (tcp?.choice?.cases ?? []).flatMap(([, target]) => (target.kind === 'upstream' ? [target.name] : []));
  const routed = [...(passthrough?.routes ?? []).map((route) => route.upstream), ...chosen];
  return upstream < 0 ? routed : [...routed, upstreams[upstream].name];
}
