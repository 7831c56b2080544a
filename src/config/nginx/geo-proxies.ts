/**
 * `proxy` and `proxy_recursive` of `geo`: where a request comes from one of these, its address is the last one in X-Forwarded-For,
 * and as long as that is one of them too and `proxy_recursive` is there, the one in front of it. Made of values that ask each other.
 */
import type { PlainMap } from './document.ts';

/** One more value; its name. */
export type AddValue = (wanted: string, value: PlainMap) => string;

/** Proxies behind each other that are looked through: values do not ask each other without an end. */
const DEPTH_MAX = 4;
const ADDRESS = '[0-9A-Fa-f:.]+';

/** A template for the address. `of`: one for that of the connection. */
export function addressBehind(of: string, proxies: readonly string[], isRecursive: boolean, add: AddValue): string {
  const networks = Object.fromEntries(proxies.map((network) => [network, '1']));
  let address = of;
  for (let depth = 0; depth < (isRecursive ? DEPTH_MAX : 1); depth++) {
    const is = `(?:^|[\\s,])(${ADDRESS})\\s*${`,\\s*${ADDRESS}\\s*`.repeat(depth)}$`;
    const said = add('geo-said', {
      map: '{header:X-Forwarded-For}',
      regex: [{ is, value: '{capture:1}' }],
      otherwise: address,
    });
    const isProxy = add('geo-proxy', { networks, of: address });
    const value = { map: `{value:${isProxy}}`, exact: { '1': `{value:${said}}` }, otherwise: address };
    address = `{value:${add('geo-address', value)}}`;
  }
  return address;
}
