/**
 * Socket filters (classic BPF, socket(7) SO_ATTACH_FILTER): what is of no interest never wakes the process, and takes no
 * place in a queue that an advert should find.
 */
import { assert } from '../../../base/assert.ts';
import * as libc from '../libc.ts';
import { allocateNative, type NativeMemory } from './system.ts';

const SO_ATTACH_FILTER = 26;

// A is loaded from the packet, X holds the length of an IPv4 header.
const LOAD_BYTE = 0x30;
const LOAD_HALF = 0x28;
const LOAD_WORD = 0x20;
const LOAD_BYTE_FROM_X = 0x50;
const LOAD_X_IPV4_HEADER = 0xb1;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;

const WHOLE = 0x40000;
const NOTHING = 0;

const INSTRUCTION_BYTES = 8;
const PROGRAM_AT = 16;
const INSTRUCTIONS_MAX = 4096;

interface Instruction {
  readonly code: number;
  readonly operand: number;
  /** Of a jump: how many instructions to skip if it is so, and if not. */
  readonly skips?: readonly [ifSo: number, ifNot: number];
}

export type Filter = readonly Instruction[];

const ACCEPT: Instruction = { code: RETURN, operand: WHOLE };
const REFUSE: Instruction = { code: RETURN, operand: NOTHING };

export const REFUSE_ALL: Filter = [REFUSE];
export const ACCEPT_ALL: Filter = [ACCEPT];

const VRRP = 112;
const ROUTER_ID_AT = 1;
/** An Authentication Header as VRRP had it, with HMAC-MD5-96. */
const AUTHENTICATION_HEADER_BYTES = 24;
const ETHERNET_HEADER_BYTES = 14;
const ARP_OPERATION_AT = ETHERNET_HEADER_BYTES + 6;
const ARP_SENDER_AT = ETHERNET_HEADER_BYTES + 14;
const ARP_REPLY = 2;

/** Of IPv4 packets with their header: VRRP of these virtual routers. */
export function advertFilter4(routerIds: readonly number[]): Filter {
  return [
    { code: LOAD_X_IPV4_HEADER, operand: 0 },
    { code: LOAD_BYTE_FROM_X, operand: ROUTER_ID_AT },
    ...acceptIfAny(routerIds),
  ];
}

/** Of IPv6 payloads: VRRP of these virtual routers. */
export function advertFilter6(routerIds: readonly number[]): Filter {
  return [{ code: LOAD_BYTE, operand: ROUTER_ID_AT }, ...acceptIfAny(routerIds)];
}

/** Of IPv4 packets with an Authentication Header: VRRP of these virtual routers, and nobody's IPsec. */
export function authenticatedAdvertFilter(routerIds: readonly number[]): Filter {
  return [
    { code: LOAD_X_IPV4_HEADER, operand: 0 },
    { code: LOAD_BYTE_FROM_X, operand: 0 },
    { code: JUMP_IF_EQUAL, operand: VRRP, skips: [1, 0] },
    REFUSE,
    { code: LOAD_BYTE_FROM_X, operand: AUTHENTICATION_HEADER_BYTES + ROUTER_ID_AT },
    ...acceptIfAny(routerIds),
  ];
}

/** Of ARP frames: what says who has one of these addresses, and replies, which answer this machine. */
export function arpFilter(addresses: readonly Uint8Array[]): Filter {
  return [
    { code: LOAD_HALF, operand: ARP_OPERATION_AT },
    { code: JUMP_IF_EQUAL, operand: ARP_REPLY, skips: [0, 1] },
    ACCEPT,
    { code: LOAD_WORD, operand: ARP_SENDER_AT },
    ...acceptIfAny(addresses.map((address) => new DataView(address.buffer, address.byteOffset).getUint32(0))),
  ];
}

/** Accepts if A is one of the values. */
function acceptIfAny(values: readonly number[]): Filter {
  const checks = values.flatMap((value): Filter => [{ code: JUMP_IF_EQUAL, operand: value, skips: [0, 1] }, ACCEPT]);
  // Too many for a filter: the reader sorts them out.
  return checks.length < INSTRUCTIONS_MAX / 2 ? [...checks, REFUSE] : [ACCEPT];
}

let memory: NativeMemory | null = null;

/** The result of setsockopt(2). */
export function attachFilter(descriptor: number, filter: Filter): number {
  assert(filter.length <= INSTRUCTIONS_MAX, 'a filter is too long');
  memory ??= allocateNative(PROGRAM_AT + INSTRUCTIONS_MAX * INSTRUCTION_BYTES);
  const { view, bytes, address } = memory;
  // struct sock_fprog: the count, and where the instructions are.
  view.setUint16(0, filter.length, true);
  view.setBigUint64(8, BigInt(address + PROGRAM_AT), true);
  filter.forEach(({ code, operand, skips }, i) => {
    const at = PROGRAM_AT + i * INSTRUCTION_BYTES;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, skips?.[0] ?? 0);
    view.setUint8(at + 3, skips?.[1] ?? 0);
    view.setUint32(at + 4, operand, true);
  });
  return libc.setOptionBytes(descriptor, libc.SOL_SOCKET, SO_ATTACH_FILTER, bytes.subarray(0, PROGRAM_AT));
}
