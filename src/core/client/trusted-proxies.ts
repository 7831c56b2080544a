/** The proxies whose word is taken for who the client is: networks, and clients of a Unix socket. */
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import type { NetworkPlan, TrustPlan } from '../../config/plan.ts';
import { type IpWords, isNoIp } from '../../wire/ip-text.ts';

/** Bits of an IPv4-mapped address in front of the IPv4 address. */
const MAPPED_BITS = 96;
/** Four words of an address, and the four of its mask. */
const NETWORK_WORDS = 8;

export class TrustedProxies {
  private readonly networks: Int32Array;
  private readonly unix: boolean;

  constructor({ networks, unix }: Pick<TrustPlan, 'networks' | 'unix'>) {
    this.networks = Int32Array.from(networks.flatMap(wordsOf));
    this.unix = unix;
  }

  has(ip: IpWords): boolean {
    if (isNoIp(ip)) return this.unix;
    const { networks } = this;
    for (let i = 0; i < networks.length; i += NETWORK_WORDS) {
      if (
        (ip.ip3 & networks[i + 7]) === networks[i + 3] &&
        (ip.ip2 & networks[i + 6]) === networks[i + 2] &&
        (ip.ip1 & networks[i + 5]) === networks[i + 1] &&
        (ip.ip0 & networks[i + 4]) === networks[i]
      ) {
        return true;
      }
    }
    return false;
  }
}

function wordsOf({ family, address, bits }: NetworkPlan): number[] {
  const bytes = new Uint8Array(16);
  const literal = family === 4 ? parseIPv4(address) : parseIPv6(address);
  assert(literal !== null, `${address} was checked`);
  if (family === 4) bytes.fill(0xff, 10, 12);
  bytes.set(literal, 16 - literal.length);
  const maskBits = family === 4 ? MAPPED_BITS + bits : bits;
  const view = new DataView(bytes.buffer);
  const masks = [0, 32, 64, 96].map((from) => maskOf(maskBits - from));
  return [0, 4, 8, 12].map((at, i) => view.getInt32(at) & masks[i]).concat(masks);
}

/** A word whose first `bits` bits are set. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
