/**
 * The control channel between the keeper and a proxy: what they say to each other, and how it is written. One JSON object
 * per line, in ASCII (everything else is escaped), so that the proxy's end works on bytes of its transport and needs no
 * decoder. A line is bounded; what is not understood is not an error of the process that reads it but a value.
 *
 * Nothing here is said per request. The channel's end is a message too: to a proxy it says that the keeper is gone, to the
 * keeper that the proxy is.
 */

export const CONTROL_LINE_BYTES_MAX = 64 * 1024;
/** More of one kind does not happen between two reports. */
export const TALLY_MAX = 2 ** 32;

/** The keeper to a proxy. */
export type KeeperMessage =
  /**
   * Serve by the plan `generation` from now on. So many descriptors were sent before, on the descriptor channel: the first
   * three are files that hold it (keeper/proxies/delivery.ts), the others the listening sockets that are named there.
   */
  | { readonly type: 'apply'; readonly generation: number; readonly descriptors: number }
  /**
   * The sessions of these sockets of UDP change hands. For each one an end of the channel was sent before, on the descriptor channel.
   * `in`: this proxy gets the socket with the next plan, and its sessions from the process that has it. `out`: another process gets
   * both when this one has the socket no longer, or drains.
   */
  | { readonly type: 'hand-sessions'; readonly way: SessionsWay; readonly sockets: readonly number[] }
  /** These addresses are on another machine now: clients that came to them are not waited for. */
  | { readonly type: 'abandon'; readonly addresses: readonly string[] }
  /**
   * Stop accepting, finish what is in flight, say `drained`. `withinMs`: the time for that; null: `grace` of the plan. `keepsIdle`:
   * clients between requests are not sent away, but told with their next response.
   */
  | { readonly type: 'drain'; readonly withinMs: number | null; readonly keepsIdle: boolean }
  /**
   * If this keeper ends without a word from now on, serve on until another one is there (port/rendezvous.ts). Whoever was not told
   * so, or drains, finishes what it has then.
   */
  | { readonly type: 'serve-on' }
  /** No local port is left for connections to the server in this slot: give up one that an unused connection there has. */
  | { readonly type: 'free-port'; readonly slot: number }
  /** What a proxy has wanted to know: the addresses of a name, without port. None: there is no answer. `ttlMs`: as long as they count. */
  | {
      readonly type: 'name';
      readonly upstream: string;
      readonly hostname: string;
      readonly addresses: readonly { readonly family: 4 | 6; readonly host: string }[];
      readonly ttlMs: number;
    };

/** A proxy to the keeper. */
export type ProxyMessage =
  /** The plan `generation` is in force. */
  | { readonly type: 'applied'; readonly generation: number }
  /** It is not, and the one before still is. `fault`: whether another process could apply it. */
  | {
      readonly type: 'refused';
      readonly generation: number;
      readonly reason: string;
      readonly fault: 'plan' | 'process';
    }
  | { readonly type: 'event'; readonly event: ProxyEvent }
  | { readonly type: 'log'; readonly level: LogLevel; readonly message: string };

export type SessionsWay = 'in' | 'out';

export type LogLevel = 'info' | 'warn' | 'error';

/** What a proxy meets that others should know; seldom, never per successful request. */
export type ProxyEvent =
  /** `count` failures of the server that has, or had, this place since the last report. */
  | {
      readonly kind: 'server-failed';
      readonly slot: number;
      readonly epoch: number;
      readonly reason: string;
      readonly count: number;
    }
  | { readonly kind: 'accept-paused'; readonly listener: string; readonly reason: string }
  /** Idle clients are closed, since there is no room for new ones. Told at most once a minute. */
  | { readonly kind: 'idle-closed'; readonly listener: string; readonly reason: string }
  | { readonly kind: 'accept-resumed'; readonly listener: string }
  /** `count` connections to the server of this place failed because this machine has no local port, or no descriptor or memory. */
  | {
      readonly kind: 'shortage';
      readonly slot: number;
      readonly epoch: number;
      readonly shortage: 'port' | 'resource';
      readonly count: number;
    }
  /** `count` answers of the proxy's own of kind `answer` (core/answers/kinds.ts) since the last report. */
  | {
      readonly kind: 'answered';
      /** The listener or upstream. */
      readonly owner: string;
      readonly answer: number;
      readonly count: number;
      /** The identifier of one of the requests, or empty. */
      readonly sample: string;
    }
  /** Requests that it answered with an error of its own since the last report; `leftOut` more are not told. */
  | { readonly kind: 'failed-requests'; readonly requests: readonly FailedRequest[]; readonly leftOut: number }
  /** The proxy has touched the reserve of its memory: so many of its buffers of this size are in use. */
  | { readonly kind: 'memory-short'; readonly bytes: number; readonly used: number; readonly count: number }
  /** It was short for so long, and had to end this many connections that stood still. */
  | { readonly kind: 'memory-recovered'; readonly seconds: number; readonly shed: number }
  /** An access log cannot be written: an errno, above 0. Told at most once a minute. */
  | { readonly kind: 'log-stuck'; readonly log: string; readonly error: number }
  /** It can be, after it was told that it cannot. */
  | { readonly kind: 'log-written'; readonly log: string }
  /** A request is for a server of this name, of an upstream with `server-by`: it waits for a `name` message. */
  | { readonly kind: 'name-wanted'; readonly upstream: string; readonly hostname: string }
  /** After `drain`: its time was over, and it has ended so many connections and sessions that were left. */
  | { readonly kind: 'cut'; readonly sessions: number }
  /** After `drain`: nothing is in flight any more. */
  | { readonly kind: 'drained' };

/** A request that a proxy answered with an error of its own. Texts are cut off where they are long. */
export interface FailedRequest {
  readonly id: string;
  readonly agoMs: number;
  /** Of core/answers/kinds.ts. */
  readonly answer: number;
  readonly status: number;
  /** Whose doing it was (core/endings.ts). */
  readonly by: 'nobody' | 'client' | 'server' | 'evenkeel';
  /** Empty: one that is not known. */
  readonly method: string;
  /** That it was in then. */
  readonly phase: string;
  readonly listener: string;
  /** That has refused it. */
  readonly limiter?: string;
  /** Null: none was chosen. */
  readonly route: string | null;
  readonly upstream: string | null;
  /** From its head on. */
  readonly tookMs: number;
  readonly queuedMs: number;
  /** The last ones. */
  readonly tries: readonly FailedTry[];
  /** Of whom was asked whether it may enter. Absent: nobody was. */
  readonly asked?: readonly FailedTry[];
}

export interface FailedTry {
  readonly server: string;
  /** That it was told as; 0: it has not ended. */
  readonly status: number;
  /** Null: a response has come. */
  readonly failure: string | null;
  /** From its beginning to a connection, and to a response or the failure. Null: that did not happen. */
  readonly connectedMs: number | null;
  readonly endedMs: number | null;
}

/** The message as one line of ASCII bytes. */
export function encodeControl(message: KeeperMessage | ProxyMessage): Uint8Array {
  return encodeLine(message);
}

/** The same of any message: the vip process has its own (vip/messages.ts). */
export function encodeLine(message: object): Uint8Array {
  const text = JSON.stringify(message);
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 128) {
      bytes.push(code);
      continue;
    }
    const escape = `\\u${code.toString(16).padStart(4, '0')}`;
    for (let j = 0; j < escape.length; j++) bytes.push(escape.charCodeAt(j));
  }
  bytes.push(LINE_FEED);
  return Uint8Array.from(bytes);
}

const LINE_FEED = 10;

/** Cuts a stream of bytes into lines. */
export class ControlLines {
  private readonly bytesMax: number;
  private line = '';
  private isOverlong = false;

  /** `bytesMax`: the longest line that is taken. */
  constructor(bytesMax: number = CONTROL_LINE_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  /**
   * Calls `handleLine` for every line that ends in these bytes, and keeps the rest. A line that is too long, or not ASCII,
   * is given as null, once, at its end.
   */
  push(bytes: Uint8Array, offset: number, length: number, handleLine: (line: string | null) => void): void {
    for (let i = offset; i < offset + length; i++) {
      const byte = bytes[i];
      if (byte === LINE_FEED) {
        const line = this.isOverlong ? null : this.line;
        this.line = '';
        this.isOverlong = false;
        handleLine(line);
      } else if (byte >= 128 || this.line.length >= this.bytesMax) {
        this.isOverlong = true;
        this.line = '';
      } else if (!this.isOverlong) {
        this.line += String.fromCharCode(byte);
      }
    }
  }
}

/** Null if it is not one of the messages. */
export function parseKeeperMessage(line: string): KeeperMessage | null {
  const value = parseObject(line);
  if (value === null) return null;
  const { type, generation, descriptors } = value;
  if (type === 'apply' && isCount(generation) && isCount(descriptors)) return { type, generation, descriptors };
  if (type === 'free-port' && isCount(value.slot)) return { type, slot: value.slot };
  if (type === 'serve-on') return { type };
  if (type === 'name') return parseName(value);
  if (type === 'hand-sessions' && (value.way === 'in' || value.way === 'out') && areCounts(value.sockets)) {
    return { type, way: value.way, sockets: value.sockets };
  }
  if (type === 'abandon' && isTexts(value.addresses)) return { type, addresses: value.addresses };
  if (type !== 'drain') return null;
  return { type, withinMs: isCount(value.withinMs) ? value.withinMs : null, keepsIdle: value.keepsIdle === true };
}

function parseName({ upstream, hostname, addresses, ttlMs }: Readonly<Record<string, unknown>>): KeeperMessage | null {
  if (typeof upstream !== 'string' || typeof hostname !== 'string' || !isCount(ttlMs)) return null;
  if (!Array.isArray(addresses)) return null;
  const found = (addresses as readonly unknown[]).flatMap((each) => {
    if (!isObject(each) || typeof each.host !== 'string') return [];
    return each.family === 4 || each.family === 6 ? [{ family: each.family, host: each.host } as const] : [];
  });
  return { type: 'name', upstream, hostname, addresses: found, ttlMs };
}

/** Null if it is not one of the messages. */
export function parseProxyMessage(line: string): ProxyMessage | null {
  const value = parseObject(line);
  if (value === null) return null;
  const { type, level, message, generation, reason, fault } = value;
  if (type === 'applied' && isCount(generation)) return { type, generation };
  if (type === 'refused' && isCount(generation) && typeof reason === 'string') {
    return fault === 'plan' || fault === 'process' ? { type, generation, reason, fault } : null;
  }
  if (type === 'log' && isLogLevel(level) && typeof message === 'string') return { type, level, message };
  if (type === 'event' && isObject(value.event)) {
    const event = parseEvent(value.event);
    return event === null ? null : { type, event };
  }
  return null;
}

/** Linux has none above. */
const ERRNO_MAX = 4095;

function parseEvent(value: Readonly<Record<string, unknown>>): ProxyEvent | null {
  const { kind, slot, epoch, count, reason, listener, owner, answer, sample, shortage } = value;
  if (kind === 'memory-short') {
    const { bytes, used } = value;
    return isCount(bytes) && isCount(used) && isTally(count) ? { kind, bytes, used, count } : null;
  }
  if (kind === 'memory-recovered' && isCount(value.seconds) && isCount(value.shed)) {
    return { kind, seconds: value.seconds, shed: value.shed };
  }
  if (kind === 'server-failed' && isCount(slot) && isCount(epoch) && isTally(count) && typeof reason === 'string') {
    return { kind, slot, epoch, count, reason };
  }
  if (
    (kind === 'accept-paused' || kind === 'idle-closed') &&
    typeof listener === 'string' &&
    typeof reason === 'string'
  ) {
    return { kind, listener, reason };
  }
  if (kind === 'shortage' && isCount(slot) && isCount(epoch) && isTally(count)) {
    return shortage === 'port' || shortage === 'resource' ? { kind, slot, epoch, shortage, count } : null;
  }
  if (
    kind === 'answered' &&
    typeof owner === 'string' &&
    isCount(answer) &&
    isTally(count) &&
    typeof sample === 'string'
  ) {
    return { kind, owner, answer, count, sample };
  }
  if (kind === 'failed-requests') {
    const { leftOut, requests } = value;
    if (!isCount(leftOut) || !Array.isArray(requests)) return null;
    return { kind, leftOut, requests: (requests as readonly unknown[]).filter(isFailedRequest) };
  }
  if (kind === 'name-wanted') {
    const { upstream, hostname } = value;
    return typeof upstream === 'string' && typeof hostname === 'string' ? { kind, upstream, hostname } : null;
  }
  if (kind === 'log-stuck' || kind === 'log-written') {
    const { error, log } = value;
    if (typeof log !== 'string') return null;
    if (kind === 'log-written') return { kind, log };
    return isTally(error) && error <= ERRNO_MAX ? { kind, log, error } : null;
  }
  if (kind === 'cut' && isCount(value.sessions)) return { kind, sessions: value.sessions };
  if (kind === 'accept-resumed' && typeof listener === 'string') return { kind, listener };
  return kind === 'drained' ? { kind } : null;
}

const ENDERS: readonly unknown[] = ['nobody', 'client', 'server', 'evenkeel'] satisfies readonly FailedRequest['by'][];

function isFailedRequest(value: unknown): value is FailedRequest {
  if (!isObject(value)) return false;
  const { answer, asked = [], by, id, limiter, listener, method, phase, route, status, tries, upstream } = value;
  const { agoMs, tookMs, queuedMs } = value;
  return (
    isTexts([id, method, phase, listener]) &&
    isTexts([limiter ?? '', route ?? '', upstream ?? '']) &&
    [answer, status].every(isCount) &&
    [agoMs, tookMs, queuedMs].every(isSpan) &&
    ENDERS.includes(by) &&
    areFailedTries(tries) &&
    areFailedTries(asked)
  );
}

function areFailedTries(value: unknown): boolean {
  return Array.isArray(value) && (value as readonly unknown[]).every(isFailedTry);
}

function isFailedTry(value: unknown): value is FailedTry {
  if (!isObject(value)) return false;
  const { connectedMs, endedMs, failure, server, status } = value;
  return isTexts([server, failure ?? '']) && isCount(status) && [connectedMs ?? 0, endedMs ?? 0].every(isSpan);
}

/** Milliseconds, of a clock with fractions. */
function isSpan(value: unknown): boolean {
  return typeof value === 'number' && value >= 0 && value < TALLY_MAX;
}

/** Null: it is none. */
export function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function areCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(isCount);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** How often something happened that is reported because it did. */
function isTally(value: unknown): value is number {
  return isCount(value) && value >= 1 && value <= TALLY_MAX;
}

function isLogLevel(value: unknown): value is LogLevel {
  return value === 'info' || value === 'warn' || value === 'error';
}
