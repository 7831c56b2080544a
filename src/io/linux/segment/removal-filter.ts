/** What the monitor of the kernel's tables is told of routes and rules: that one of this program's was removed. */
import { ACCEPT, type Filter, op, REFUSE } from '../socket-filter.ts';
import { RTM_NEWRULE } from './route-messages.ts';
import { ADDRESS_PROTOCOL, RTM_DELROUTE, RTM_NEWROUTE } from './rtnetlink.ts';

/** Of the netlink header, in host byte order; the filter reads it in network byte order. */
const TYPE_AT = 4;
/** Of struct rtmsg, behind a header of 16 bytes. */
const ROUTE_PROTOCOL_AT = 16 + 5;

/** Everything else that comes is of links and addresses, and is accepted. Rules are few. */
export function removalFilter(): Filter {
  return [
    { code: op.LOAD_HALF, operand: TYPE_AT },
    { code: op.JUMP_IF_EQUAL, operand: swapped(RTM_NEWROUTE), skips: [5, 0] },
    { code: op.JUMP_IF_EQUAL, operand: swapped(RTM_NEWRULE), skips: [4, 0] },
    { code: op.JUMP_IF_EQUAL, operand: swapped(RTM_DELROUTE), skips: [0, 2] },
    { code: op.LOAD_BYTE, operand: ROUTE_PROTOCOL_AT },
    { code: op.JUMP_IF_EQUAL, operand: ADDRESS_PROTOCOL, skips: [0, 1] },
    ACCEPT,
    REFUSE,
  ];
}

function swapped(type: number): number {
  return type << 8;
}
