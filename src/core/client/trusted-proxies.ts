/** The proxies whose word is taken for who the client is: networks, and clients of a Unix socket. */
import { parseIPv4, parseIPv6 } from '../../base/address.ts';
import { assert } from '../../base/assert.ts';
import type { NetworkPlan, TrustPlan } from '../../config/plan/listener.ts';
import { IpWords, isNoIp } from '../../wire/ip-text.ts';

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

const network = new IpWords();

function wordsOf(plan: NetworkPlan): number[] {
  ipOf(plan, network);
  const masks = [0, 32, 64, 96].map((from) => maskOf(prefixBits(plan) - from));
  return [network.ip0, network.ip1, network.ip2, network.ip3].map((word, i) => word & masks[i]).concat(masks);
}

/** The address of a network, into `into`. */
export function ipOf({ family, address }: NetworkPlan, into: IpWords): void {
  const bytes = new Uint8Array(16);
  const literal = family === 4 ? parseIPv4(address) : parseIPv6(address);
  assert(literal !== null, `${address} was checked`);
  if (family === 4) bytes.fill(0xff, 10, 12);
  bytes.set(literal, 16 - literal.length);
  const view = new DataView(bytes.buffer);
  into.ip0 = view.getInt32(0);
  into.ip1 = view.getInt32(4);
  into.ip2 = view.getInt32(8);
  into.ip3 = view.getInt32(12);
}

/** Of an address in sixteen bytes. */
export function prefixBits({ family, bits }: NetworkPlan): number {
  return family === 4 ? MAPPED_BITS + bits : bits;
}

/** A word whose first `bits` bits are set. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
