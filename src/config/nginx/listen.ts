/** `listen`: where a server takes connections. */
import { lookUp } from '../../base/look-up.ts';
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { PlainMap } from './document.ts';
import type { Notes } from './notes.ts';
import type { Directive } from './parse.ts';
import { parseTime } from './values.ts';

export interface Listen {
  /** As the model writes it. */
  readonly bind: string;
  /** 0: a Unix socket. */
  readonly port: number;
  readonly isDefault: boolean;
  readonly isTls: boolean;
  /** Of datagrams: `stream` alone. */
  readonly isUdp: boolean;
  /** Clients begin with a PROXY protocol header. */
  readonly isProxied: boolean;
  /** It says itself that clients may speak HTTP/2. */
  readonly isHttp2: boolean;
  readonly keepAlive: boolean | { idle?: string; interval?: string; probes?: number } | null;
  readonly directive: Directive;
}

/** Of the socket, which evenkeel sets up itself. */
const TUNING = /^(backlog|rcvbuf|sndbuf|setfib|fastopen|accept_filter|ipv6only)=|^(deferred|bind|reuseport|multipath)$/;
/** What datagrams have none of. */
const OF_CONNECTIONS = /^(ssl|proxy_protocol|so_keepalive=.*|backlog=.*|fastopen=.*)$/;
/** Of a range. */
const PORTS_MAX = 1024;
const REFUSED: Readonly<Record<string, string>> = {
  quic: 'HTTP/3 is not there yet',
  spdy: 'SPDY is not there',
};

/** One for each port of a range. */
export function readListen(directive: Directive, notes: Notes, isStream = false): readonly Listen[] {
  const [address, ...options] = directive.args;
  let isDefault = false;
  let isTls = false;
  let isUdp = false;
  let isProxied = false;
  let isHttp2 = false;
  let keepAlive: Listen['keepAlive'] = null;
  let isDual = false;
  let isRight = true;
  for (const { text, place } of options) {
    if (text === 'default_server' || text === 'default') isDefault = true;
    else if (text === 'ssl') isTls = true;
    else if (text === 'udp' && isStream) isUdp = true;
    else if (text === 'proxy_protocol') isProxied = true;
    else if (text === 'http2') isHttp2 = true;
    else if (text === 'ipv6only=off') isDual = true;
    else if (text.startsWith('so_keepalive=')) keepAlive = readKeepAlive(text.slice('so_keepalive='.length));
    else if (lookUp(REFUSED, text) !== undefined) {
      notes.notYet(place, `\`listen ... ${text}\``, REFUSED[text], 'leave it out');
      isRight = false;
    } else if (TUNING.test(text)) notes.noEffect(place, `listen ... ${text.replace(/=.*/, '=')}`);
    else {
      notes.error(place, `invalid parameter "${text}"`, 'correct or remove it');
      isRight = false;
    }
  }
  const addresses = portsOf(address.text).map((text) => readAddress(text, isDual));
  const wrong = addresses.find((where) => typeof where === 'string');
  if (wrong !== undefined) {
    notes.error(
      address.place,
      `${wrong} in "${address.text}" of the "listen" directive`,
      'write for example 80, 192.0.2.1:80, 8000-8010, [2001:db8::1]:80 or unix:/run/x.sock',
    );
    return [];
  }
  const incompatible = isUdp ? options.find(({ text }) => OF_CONNECTIONS.test(text)) : undefined;
  if (incompatible !== undefined) {
    const name = incompatible.text.replace(/=.*/, '');
    notes.error(incompatible.place, `"${name}" parameter is incompatible with "udp"`, 'remove it');
    return [];
  }
  if (!isRight) return [];
  const right = addresses.filter((where) => typeof where !== 'string');
  return right.map(({ bind, port }) => ({
    bind,
    port,
    isDefault,
    isTls,
    isUdp,
    isProxied,
    isHttp2,
    keepAlive,
    directive,
  }));
}

/** `127.0.0.1:8000-8010` as its addresses; what is none, or has too many ports, as it stands. */
function portsOf(text: string): readonly string[] {
  const range = /^(?!unix:)(.*?)([0-9]{1,5})-([0-9]{1,5})$/.exec(text);
  if (range === null) return [text];
  const [, host, first, last] = range;
  const count = Number(last) - Number(first) + 1;
  if (count < 1 || count > PORTS_MAX) return [text];
  return Array.from({ length: count }, (_, i) => `${host}${Number(first) + i}`);
}

function readAddress(text: string, isDual: boolean): { bind: string; port: number } | string {
  if (text.startsWith('unix:')) return text.startsWith('unix:/') ? { bind: text, port: 0 } : 'no absolute path';
  const match = /^(?:(\[[^\]]*\]|[^:[\]]*?):)?([0-9]{1,5})$/.exec(text);
  const host = match === null ? text : (match[1] ?? '*');
  const port = match === null ? 80 : Number(match[2]);
  if (match !== null && match[1] === undefined && /^[0-9]+\./.test(text)) return 'invalid address';
  if (port < 1 || port > 65535) return 'invalid port';
  if (host === '*') return { bind: `0.0.0.0:${port}`, port };
  if (host === 'localhost') return { bind: `127.0.0.1:${port}`, port };
  if (parseIPv4(host) !== null) return { bind: `${host}:${port}`, port };
  if (host.startsWith('[') && parseIPv6(host.slice(1, -1)) !== null) {
    return {
      bind: isDual && parseIPv6(host.slice(1, -1))!.every((byte) => byte === 0) ? `*:${port}` : `${host}:${port}`,
      port,
    };
  }
  return /^[A-Za-z]/.test(host) ? 'a name, which could have any address,' : 'invalid address';
}

function readKeepAlive(text: string): Listen['keepAlive'] {
  if (text === 'on') return true;
  if (text === 'off') return false;
  const [idle, interval, probes] = text.split(':');
  const keepAlive: { idle?: string; interval?: string; probes?: number } = {};
  const idleTime = seconds(idle);
  const intervalTime = seconds(interval);
  if (idleTime !== undefined) keepAlive.idle = idleTime;
  if (intervalTime !== undefined) keepAlive.interval = intervalTime;
  if (/^[0-9]+$/.test(probes ?? '')) keepAlive.probes = Number(probes);
  return keepAlive;
}

function seconds(time: string | undefined): string | undefined {
  const ms = time === undefined || time === '' ? null : parseTime(time, true);
  return ms === null ? undefined : `${Math.max(1, Math.round(ms / 1000))}s`;
}

/** Everybody has to send a header, and these are believed. */
export function proxyProtocolOf(trusted: readonly string[]): PlainMap {
  return { from: ['0.0.0.0/0', '::/0', 'unix'], trust: trusted.length === 0 ? 'none' : trusted };
}
