/** Which ARP frames wake the vip process. */
import { ACCEPT, acceptIfAny, type Filter, op } from '../socket-filter.ts';

const ETHERNET_HEADER_BYTES = 14;
const ARP_OPERATION_AT = ETHERNET_HEADER_BYTES + 6;
const ARP_SENDER_AT = ETHERNET_HEADER_BYTES + 14;
const ARP_REPLY = 2;

/** Of ARP frames: what says who has one of these addresses, and replies, which answer this machine. */
export function arpFilter(addresses: readonly Uint8Array[]): Filter {
  return [
    { code: op.LOAD_HALF, operand: ARP_OPERATION_AT },
    { code: op.JUMP_IF_EQUAL, operand: ARP_REPLY, skips: [0, 1] },
    ACCEPT,
    { code: op.LOAD_WORD, operand: ARP_SENDER_AT },
    ...acceptIfAny(addresses.map((address) => new DataView(address.buffer, address.byteOffset).getUint32(0))),
  ];
}
