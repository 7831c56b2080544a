/**
 * Addresses as an operator writes them: where to listen, where a server is, and the addresses of virtual routers.
 * Literals are RFC 4291 and dotted quads without leading zeros; names are those of RFC 1123, with `_` for containers.
 */
import type { Address } from '../../base/address.ts';
import { formatIP, parseIPv4, parseIPv6 } from '../../base/address.ts';
import type { Parsed } from '../findings/diagnostic.ts';
import { parsed, refused, show } from '../findings/diagnostic.ts';
import type { BindPlan, NetworkPlan } from '../plan/listener.ts';

/** A server: its port is null where none was written. */
export interface ServerAddress {
  readonly target: Address | { readonly hostname: string; readonly port: number };
  readonly hasPort: boolean;
}

/** An address, and how many bits of it name its network. */
export interface Cidr {
  readonly family: 4 | 6;
  readonly address: string;
  readonly bits: number;
}

/** Of sockaddr_un.sun_path on Linux, less the NUL that ends it. */
const UNIX_PATH_BYTES_MAX = 107;

/** `*:80`, `192.0.2.1:80`, `[2001:db8::1]:80` or `unix:/run/x.sock`, of TCP. */
export function parseBind(text: string): Parsed<BindPlan> {
  if (text.startsWith('unix:')) {
    const path = text.slice(5);
    if (!isSocketPath(path)) return refused('bad-unix-path', { value: show(text) });
    return parsed({ address: { family: 0, host: path, port: 0 }, dual: false, isUdp: false });
  }
  const split = splitHostPort(text);
  if (split === null || split.host === '') {
    return refused('bad-bind', { value: show(text), fix: bindFix(text) });
  }
  const { host, port } = split;
  if (port === null && !/^[0-9]+$/.test(host))
    return refused('bad-bind', { value: show(text), fix: `write "${bracket(host)}:80", with a port` });
  if (port === null) return refused('bad-bind', { value: show(text), fix: bindFix(text) });
  if (host === '*') return parsed({ address: { family: 6, host: '::', port }, dual: true, isUdp: false });
  const literal = literalAddress(host, port);
  if (literal === null) return refused('bad-bind', { value: show(text), fix: bindFix(text) });
  return parsed({ address: literal, dual: false, isUdp: false });
}

function bindFix(text: string): string {
  const repaired = repair(text, (one) => parseBind(one).value !== null);
  if (repaired !== null) return `write ${repaired}`;
  if (text.includes('$')) return 'write the address itself: variables are not replaced';
  const tooLarge = /^(.*):[0-9]{5,}$/.exec(text);
  if (tooLarge !== null) return 'write a port from 1 to 65535';
  const port = /^:?([0-9]{1,5})$/.exec(text);
  if (port !== null && Number(port[1]) >= 1 && Number(port[1]) <= 65535) return `write "*:${port[1]}"`;
  if (/^[a-zA-Z_-][\w.-]*(:[0-9]+)?$/.test(text)) {
    return 'names cannot be listened on; write an address such as "192.0.2.1:80", or "*:80" for all addresses';
  }
  return 'write "*:80", "192.0.2.1:80", "[2001:db8::1]:80" or "unix:/run/x.sock", with a port from 1 to 65535';
}

/** `192.0.2.1:80`, `[2001:db8::1]:80`, `name:80`, `unix:/run/x.sock`, or without the port. */
export function parseServer(text: string): Parsed<ServerAddress> {
  if (text.startsWith('unix:')) {
    const path = text.slice(5);
    if (!isSocketPath(path)) return refused('bad-unix-path', { value: show(text) });
    return parsed({ target: { family: 0, host: path, port: 0 }, hasPort: true });
  }
  const url = /^[a-z]+:\/\/([^/]*)/.exec(text);
  if (url !== null) {
    return refused('bad-server', { value: show(text), fix: `write the address alone, for example "${url[1]}"` });
  }
  const [address, ...options] = text.split(/\s+/);
  if (options.length > 0 && /[=a-z]/i.test(options.join('')) && parseServer(address).value !== null) {
    const fix = `write "${address}"; its options stand in a map: { address: "${address}", weight: 2 }`;
    return refused('bad-server', { value: show(text), fix });
  }
  const split = splitHostPort(text);
  if (split === null || split.host === '' || split.host === '*') {
    const repaired = repair(text, (one) => parseServer(one).value !== null);
    if (repaired !== null) return refused('bad-server', { value: show(text), fix: `write ${repaired}` });
    const host = /^(.*[^:]):[0-9]+$/.exec(text)?.[1];
    if (host !== undefined && splitHostPort(host)?.port === null) {
      return refused('bad-server', { value: show(text), fix: 'write a port from 1 to 65535' });
    }
    return refused('bad-server', {
      value: show(text),
      fix: 'write "192.0.2.1:80", "[2001:db8::1]:80", "name.example:80" or "unix:/run/x.sock"',
    });
  }
  const hasPort = split.port !== null;
  const port = split.port ?? 0;
  const literal = literalAddress(split.host, port);
  if (literal !== null) return parsed({ target: literal, hasPort });
  if (!isHostname(split.host)) {
    const repaired = repair(text, (one) => parseServer(one).value !== null);
    if (repaired !== null) return refused('bad-server', { value: show(text), fix: `write ${repaired}` });
    return refused('bad-server', {
      value: show(text),
      fix: `${hasPort ? `${show(split.host)} is neither an IP address nor a host name; ` : ''}write for example "192.0.2.1:80"`,
    });
  }
  return parsed({ target: { hostname: split.host.toLowerCase(), port }, hasPort });
}

/** `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]`, with the port of DNS where none is written. */
export function parseNameServer(text: string): Parsed<string> {
  const server = parseServer(text).value;
  if (server === null || 'hostname' in server.target || server.target.family === 0) {
    return refused('bad-server', { value: show(text), fix: 'write an address, for example "192.0.2.53"' });
  }
  const { host, port } = server.target;
  return parsed(`${bracket(host)}:${server.hasPort ? port : 53}`);
}

/** `192.0.2.3/24` or `2001:db8::3/64`. */
export function parseCidr(text: string): Parsed<Cidr> {
  const match = /^([^/]*)\/([0-9]{1,3})$/.exec(text);
  const host = match === null ? text : match[1];
  const literal = literalAddress(host, 0);
  if (literal === null || literal.family === 0) {
    const [, address, mask] = /^([0-9.]+)\/([0-9.]+)$/.exec(text) ?? [];
    const maskBits = mask === undefined ? null : bitsOfMask(mask);
    if (maskBits !== null && parseIPv4(address) !== null) {
      return refused('bad-cidr', { value: show(text), fix: `write ${address}/${maskBits}` });
    }
    return refused('bad-cidr', { value: show(text), fix: 'write for example 192.0.2.3/24 or 2001:db8::3/64' });
  }
  const bitsMax = literal.family === 4 ? 32 : 128;
  const usual = literal.family === 4 ? 24 : 64;
  if (match === null)
    return refused('bad-cidr', { value: show(text), fix: `write the prefix length too: ${text}/${usual}` });
  const bits = Number(match[2]);
  if (bits < 1 || bits > bitsMax) {
    return refused('bad-cidr', {
      value: show(text),
      fix: `write a prefix length from 1 to ${bitsMax}: ${host}/${usual}`,
    });
  }
  return parsed({ family: literal.family, address: literal.host, bits });
}

/** In place of a network: clients of a Unix socket, who have no address. */
export const UNIX = 'unix';

/** `10.0.0.0/8`, `2001:db8::/32`, or one address. Bits behind the prefix are an error: they were meant to say something. */
export function parseNetwork(text: string, others = ', or unix for Unix sockets'): Parsed<NetworkPlan> {
  const match = /^([^/]*?)(?:\/([0-9]{1,3}))?$/.exec(text);
  const literal = match === null ? null : literalAddress(match[1], 0);
  const example = `write for example 10.0.0.0/8 or 2001:db8::/32${others}`;
  if (match === null || literal === null || literal.family === 0) {
    return refused('bad-network', { value: show(text), fix: example });
  }
  const bitsMax = literal.family === 4 ? 32 : 128;
  const bits = match[2] === undefined ? bitsMax : Number(match[2]);
  if (bits > bitsMax)
    return refused('bad-network', { value: show(text), fix: `write a prefix length from 0 to ${bitsMax}` });
  const bytes = literal.family === 4 ? parseIPv4(literal.host) : parseIPv6(literal.host);
  if (bytes === null) return refused('bad-network', { value: show(text), fix: example });
  const network = bytes.map((byte, i) => byte & (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))));
  if (network.some((byte, i) => byte !== bytes[i])) {
    return refused('bad-network', { value: show(text), fix: `write ${formatIP(network)}/${bits}` });
  }
  return parsed({ family: literal.family, address: literal.host, bits });
}

/** 24 for 255.255.255.0; null: it is no mask. */
function bitsOfMask(text: string): number | null {
  const bytes = parseIPv4(text);
  if (bytes === null) return null;
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, '0')).join('');
  return /^1+0*$/.test(bits) ? bits.lastIndexOf('1') + 1 : null;
}

/** An IP address without port or prefix. */
export function parseIp(text: string): Parsed<{ readonly family: 4 | 6; readonly address: string }> {
  const literal = literalAddress(text, 0);
  if (literal === null || literal.family === 0) return refused('bad-ip', { value: show(text) });
  return parsed({ family: literal.family, address: literal.host });
}

/** A place on an HTTP server, as a witness is written. */
export interface HttpUrl {
  readonly target: ServerAddress['target'];
  /** The Host field. */
  readonly authority: string;
  /** With its query. */
  readonly path: string;
}

/** `http://name.example:8080/path?query`. */
export function parseHttpUrl(text: string): Parsed<HttpUrl> {
  const bad = (fix: string): Parsed<never> => refused('bad-url', { value: show(text), fix });
  const secure = /^https:\/\/([^/:]*)/i.exec(text);
  if (secure !== null) return bad(`https is not possible here; write \`tcp: "${secure[1]}:443"\` instead of \`http\``);
  const match = /^http:\/\/([^/?#@]+)(\/[\u0021-\u0022\u0024-\u007e]*)?$/i.exec(text);
  const address = match === null ? null : parseServer(match[1]).value;
  if (match === null || address === null || match[1].startsWith('unix:')) {
    return bad('write for example http://192.0.2.80/ or http://name.example:8080/healthz');
  }
  const { target, hasPort } = address;
  return parsed({
    target: { ...target, port: hasPort ? target.port : 80 },
    authority: match[1],
    path: match[2] ?? '/',
  });
}

/** Why no machine can have this address of this network, or null. */
export function notAHostAddress({ address, family, bits }: Cidr): string | null {
  const bytes = family === 4 ? parseIPv4(address) : parseIPv6(address);
  if (bytes === null) return null;
  if (bytes.every((byte) => byte === 0)) return 'the unspecified address';
  if (family === 4 ? bytes[0] >= 224 && bytes[0] < 240 : bytes[0] === 0xff) return 'a multicast address';
  if (family === 4 ? bytes[0] === 127 : address === '::1') return 'a loopback address';
  if (family === 6 || bits > 30) return null;
  const host = ((bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]) << bits;
  if (host === 0) return 'the address of the network itself';
  return host === -1 << bits ? 'the broadcast address of its network' : null;
}

/** RFC 1123 section 2.1 with `_`. A name whose last label is a number would be taken for an address by others. */
export function isHostname(text: string): boolean {
  if (text.length > 253) return false;
  const labels = text.split('.');
  if (!labels.every((label) => /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,61}[a-zA-Z0-9_])?$/.test(label))) return false;
  return !/^[0-9]+$/.test(labels[labels.length - 1]);
}

function literalAddress(host: string, port: number): Address | null {
  const v4 = parseIPv4(host);
  if (v4 !== null) return { family: 4, host: formatIP(v4), port };
  const v6 = parseIPv6(host);
  if (v6 === null) return null;
  // formatIP turns ::ffff:192.0.2.1 into the IPv4 address that it is.
  const text = formatIP(v6);
  return { family: text.includes(':') ? 6 : 4, host: text, port };
}

/** Port null: none written. Null: not in this form, or the port is out of range. */
function splitHostPort(text: string): { host: string; port: number | null } | null {
  const match = /^(?:\[([^[\]]*)\]|([^:[\]]*))(?::([0-9]{1,5}))?$/.exec(text);
  if (match === null) return null;
  const isBracketed = match[1] !== undefined;
  const host = isBracketed ? match[1] : match[2];
  if (isBracketed && !host.includes(':')) return null;
  if (match[3] === undefined) return { host, port: null };
  const port = Number(match[3]);
  return port >= 1 && port <= 65535 ? { host, port } : null;
}

/** What was most likely meant, in quotes, if that is right; null: nothing is likely. */
function repair(text: string, isRight: (text: string) => boolean): string | null {
  const bare = text
    .replace(/^[\u201c\u201d\u201e"']+|[\u201c\u201d"']+$/g, '')
    .replace(/^[a-z]+:\/\//, '')
    .replace(/\/[^:]*(?=:[0-9]+$|$)/, '')
    .trim();
  const parts = bare.split(/\s*,\s*/);
  if (parts.length > 1 && parts.every(isRight)) return `[ ${parts.map((part) => JSON.stringify(part)).join(', ')} ]`;
  for (const candidate of [bracketIPv6(bare), bare, bare.replace(/\s+/, ':')]) {
    if (candidate !== null && candidate !== text && isRight(candidate)) return JSON.stringify(candidate);
  }
  return null;
}

/** `2001:db8::1:80` could be an address alone; a port is what is written last there. */
function bracketIPv6(text: string): string | null {
  const match = /^(.*:.*):([0-9]{1,5})$/.exec(text);
  if (match !== null && parseIPv6(match[1]) !== null) return `[${match[1]}]:${match[2]}`;
  return parseIPv6(text) === null ? null : `[${text}]:80`;
}

function bracket(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

function isSocketPath(path: string): boolean {
  // oxlint-disable-next-line no-control-regex -- the kernel would end the path at a NUL
  return path.startsWith('/') && utf8Bytes(path) <= UNIX_PATH_BYTES_MAX && !/[\u0000-\u001f]/.test(path);
}

function utf8Bytes(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0) ?? 0;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** fe80::/10: an address that means something on its link only. */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab][0-9a-f]:/.test(address);
}
