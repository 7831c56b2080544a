/** What can be told of an address that an interface has. */
import { compareBytes } from '../../../base/bytes.ts';
import type { LinkAddress } from './rtnetlink.ts';

/** Somebody else's: those of this program have an end, also on kernels that do not say whose they are. */
export function isForeign({ isOurs, isPermanent }: LinkAddress): boolean {
  return !isOurs && isPermanent;
}

export function isLinkLocal(address: Uint8Array): boolean {
  return address[0] === 0xfe && (address[1] & 0xc0) === 0x80;
}

/** `network`: an address with the network around it. */
export function isInNetwork(address: Uint8Array, network: LinkAddress): boolean {
  const whole = network.prefixLength >> 3;
  const rest = network.prefixLength & 7;
  if (compareBytes(address.subarray(0, whole), network.address.subarray(0, whole)) !== 0) return false;
  return rest === 0 || (address[whole] ^ network.address[whole]) >> (8 - rest) === 0;
}
