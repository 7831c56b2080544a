/** What is to be explained: a URL as people type it, who asks, and to which listener it comes. */
import { type Address, addressText, parseIPv4, parseIPv6 } from '../base/address.ts';
import { HEAD_BYTES_MAX } from '../base/limits.ts';
import type { BindPlan, ListenerPlan } from '../config/plan/listener.ts';
import type { Field } from './heads.ts';

/** It cannot be explained; the message says what to write instead. */
export class UnexplainableError extends Error {
  override readonly name = 'UnexplainableError';
}

export interface AskedFor {
  /** `https://shop.example/cart`, `tcp://192.0.2.1:5432`, `udp://:53` */
  readonly url: string;
  readonly method: string;
  readonly fields: readonly Field[];
  /** The client: an address. Null: this machine. */
  readonly from: string | null;
  /** By its name. Null: the URL tells. */
  readonly listener: string | null;
}

export type Scheme = 'http' | 'https' | 'tcp' | 'tls' | 'udp';

export interface Subject {
  readonly scheme: Scheme;
  /** As written, without brackets; empty: none. */
  readonly host: string;
  readonly authority: string;
  /** 0: none is written, and the scheme has none of its own. */
  readonly port: number;
  readonly isPortWritten: boolean;
  /** Path and query. */
  readonly target: string;
}

const URL_PARTS =
  /^(?:(https?|tcp|tls|udp):\/\/)?(\[[0-9A-Fa-f:.]+\]|[^/?#:@\s]*)(?::([0-9]{1,5}))?([/?][^#\s]*)?(?:#.*)?$/i;
const PORTS: Readonly<Record<string, number>> = { http: 80, https: 443 };

export function readSubject(url: string): Subject {
  const [, scheme = 'http', name, port, rest = ''] = URL_PARTS.exec(url) ?? [];
  const host = name?.replace(/^\[|\]$/g, '');
  if (host === undefined || url.length > HEAD_BYTES_MAX)
    throw new UnexplainableError(
      `${url} is no URL; write https://shop.example/cart, tcp://192.0.2.1:5432 or udp://192.0.2.1:53`,
    );
  if (/[^\x21-\x7e]/.test(host))
    throw new UnexplainableError(`${host}: write a host name in ASCII, as clients send it (xn--...)`);
  const known = scheme.toLowerCase() as Scheme;
  const isHttp = known === 'http' || known === 'https';
  if (isHttp && host === '') throw new UnexplainableError(`${url} has no host; write ${known}://shop.example/`);
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return {
    scheme: known,
    host,
    authority: `${name}${port === undefined || Number(port) === PORTS[known] ? '' : `:${port}`}`,
    port: port === undefined ? (PORTS[known] ?? 0) : Number(port),
    isPortWritten: port !== undefined,
    target: path.replaceAll(/[^\x21-\x7e]/gu, (each) => encodeURIComponent(each)),
  };
}

/** `Name: value`. */
export function readField(text: string): Field {
  const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)$/.exec(text) ?? [];
  if (name === undefined) throw new UnexplainableError(`${text} is no header field; write 'Name: value'`);
  return [name, value];
}

export interface Arrival {
  readonly index: number;
  readonly listener: ListenerPlan;
  readonly local: Address;
  /** What was taken for granted; null: nothing. */
  readonly assumed: string | null;
}

/** The listener that it comes to. */
export function arrivalOf(subject: Subject, named: string | null, listeners: readonly ListenerPlan[]): Arrival {
  const all = listeners.map((listener, index) => ({ listener, index }));
  const fitting = all.filter(({ listener }) => isFor(subject.scheme, listener));
  if (named !== null) {
    const found = all.find(({ listener }) => listener.name === named);
    if (found === undefined)
      throw new UnexplainableError(`there is no listener ${named}; there is ${namesOf(listeners)}`);
    if (!fitting.includes(found))
      throw new UnexplainableError(`listener ${named} ${speaks(found.listener)}: write ${schemesOf(found.listener)}`);
    return { ...found, local: localOf(bindFor(subject, found.listener, false), subject), assumed: null };
  }
  const bound = fitting.filter(({ listener }) => bindFor(subject, listener, true) !== null);
  const exact = bound.filter(({ listener }) => bindFor(subject, listener, true)?.address.host === subject.host);
  const chosen = exact.length > 0 ? exact : bound;
  if (chosen.length === 1)
    return { ...chosen[0], local: localOf(bindFor(subject, chosen[0].listener, true), subject), assumed: null };
  if (chosen.length > 1) {
    const names = chosen.map(({ listener }) => listener.name).join(', ');
    throw new UnexplainableError(
      `several listeners have port ${subject.port}: say which one with --listener (${names})`,
    );
  }
  if (!subject.isPortWritten && fitting.length === 1) {
    const [{ listener }] = fitting;
    const bind = bindFor(subject, listener, false);
    const at = bind === null ? '' : `, at ${addressText(bind.address)}`;
    return {
      ...fitting[0],
      local: localOf(bind, subject),
      assumed: `it comes to listener ${listener.name}${at}: the only one for ${subject.scheme}`,
    };
  }
  const port = subject.port === 0 ? '' : ` at port ${subject.port}`;
  throw new UnexplainableError(
    `no listener takes ${subject.scheme}${port}: write its port, or --listener; there is ${namesOf(listeners)}`,
  );
}

function isFor(scheme: Scheme, { passthrough, protocol, tls }: ListenerPlan): boolean {
  switch (scheme) {
    case 'http':
      return protocol === 'http' && tls === null;
    case 'https':
      return (protocol === 'http' && tls !== null) || (protocol === 'tcp' && (tls !== null || passthrough !== null));
    case 'tcp':
      return protocol === 'tcp' && tls === null;
    case 'tls':
      return protocol === 'tcp' && (tls !== null || passthrough !== null);
    case 'udp':
      return protocol === 'udp';
  }
}

function speaks({ passthrough, protocol, tls }: ListenerPlan): string {
  const over = tls === null ? (passthrough === null ? '' : ', and passes TLS on') : ' over TLS';
  return `speaks ${protocol}${over}`;
}

function schemesOf(listener: ListenerPlan): string {
  return (['http', 'https', 'tcp', 'tls', 'udp'] as const)
    .filter((scheme) => isFor(scheme, listener))
    .map((scheme) => `${scheme}://`)
    .join(' or ');
}

const NAMED_MAX = 10;

function namesOf(listeners: readonly ListenerPlan[]): string {
  if (listeners.length === 0) return 'none';
  const named = listeners.slice(0, NAMED_MAX).map((one) => {
    return `${one.name} (${schemesOf(one)} at ${one.binds.map(({ address }) => addressText(address)).join(' ')})`;
  });
  return `${named.join(', ')}${listeners.length > NAMED_MAX ? ` and ${listeners.length - NAMED_MAX} more` : ''}`;
}

/** `isStrict`: the port has to be its, and the address if one is written. */
function bindFor({ host, port }: Subject, { binds }: ListenerPlan, isStrict: boolean): BindPlan | null {
  const family = familyOf(host);
  const ofPort = binds.filter(({ address }) => address.family !== 0 && address.port === port);
  const fits = ({ address, dual }: BindPlan): boolean =>
    family === null || address.host === host || (isAny(address) && (address.family === family || dual));
  const found = ofPort.find(({ address }) => address.host === host) ?? ofPort.find(fits);
  if (found !== undefined || isStrict) return found ?? null;
  return binds.find(({ address }) => address.family !== 0) ?? binds[0] ?? null;
}

function isAny({ host }: Address): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** Of an address; null: it is a name. */
function familyOf(host: string): 4 | 6 | null {
  if (parseIPv4(host) !== null) return 4;
  return parseIPv6(host) === null ? null : 6;
}

function localOf(bind: BindPlan | null, { host, port }: Subject): Address {
  if (bind === null) return { family: 4, host: '127.0.0.1', port };
  const { address } = bind;
  if (!isAny(address)) return address;
  const family = familyOf(host);
  if (family !== null) return { family, host, port: address.port };
  return address.family === 4 || bind.dual
    ? { family: 4, host: '127.0.0.1', port: address.port }
    : { family: 6, host: '::1', port: address.port };
}

const CLIENT_PORT = 40_000;

/** `from` null: on this machine. */
export function clientOf(from: string | null, local: Address): Address {
  if (from === null)
    return {
      family: local.family,
      host: local.family === 6 ? '::1' : local.family === 4 ? '127.0.0.1' : '',
      port: CLIENT_PORT,
    };
  const host = from.replace(/^\[|\]$/g, '');
  const family = familyOf(host);
  if (family === null)
    throw new UnexplainableError(`${from} is no address to come from; write 203.0.113.7 or 2001:db8::7`);
  return { family, host, port: CLIENT_PORT };
}
