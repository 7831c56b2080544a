/**
 * What a PROXY protocol header of version 2 says behind the addresses, by the names that a file has for it (section 2.2 of
 * https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
 */

/** What stands in the header's own list, and what stands within its `ssl`. */
const TYPES: ReadonlyMap<string, number> = new Map([
  ['alpn', 0x01],
  ['authority', 0x02],
  ['unique-id', 0x05],
  ['ssl', 0x20],
  ['netns', 0x30],
]);
const TYPES_OF_SSL: ReadonlyMap<string, number> = new Map([
  ['version', 0x21],
  ['cn', 0x22],
  ['cipher', 0x23],
  ['sig-alg', 0x24],
  ['key-alg', 0x25],
]);

/** `within`: `ssl` has it. `verify` is the number that `ssl` begins with, and no type. */
export interface ProxyTlv {
  readonly within: 'header' | 'ssl';
  readonly type: number | 'verify';
}

const SSL = 'ssl-';

/** `alpn`, `ssl-cn`, `0xea`, `ssl-0x21`; null: there is no such thing. */
export function parseProxyTlv(name: string): ProxyTlv | null {
  if (name === 'ssl-verify') return { within: 'ssl', type: 'verify' };
  const isOfSsl = name.startsWith(SSL);
  const rest = isOfSsl ? name.slice(SSL.length) : name;
  const type = /^0x[0-9a-f]{1,2}$/i.test(rest) ? Number(rest) : (isOfSsl ? TYPES_OF_SSL : TYPES).get(rest);
  return type === undefined ? null : { within: isOfSsl ? 'ssl' : 'header', type };
}
