/**
 * Which VRRP packets wake the process: those of its virtual routers, and for a router that is flooded only what may be an
 * advert that it believes, with a sample of the rest, so that it is still counted. What a narrow filter refuses must be what
 * `AdvertReceiver` of core/vrrp calls a fault, no more and no less.
 */
import { assert } from '../../../base/assert.ts';
import type { AdvertShape } from '../../../port/segment.ts';
import { VRRP_GROUP_4, VRRP_GROUP_6, VRRP_PROTOCOL } from '../../../wire/vrrp/advert.ts';
import { TRAILER_BYTES } from '../../../wire/vrrp/trailer.ts';
import { acceptIfAny, type Filter, type Instruction, op, REFUSE } from '../socket-filter.ts';
import { CHECKSUM_FILTER_4, CHECKSUM_FILTER_6, MESSAGE_BYTES } from './checksum-filter.ts';
import { NET_OFF, SAMPLE, STRANGERS } from './sample-filter.ts';

/** A virtual router that is flooded. */
export interface NarrowRouter {
  readonly routerId: number;
  readonly shape: AdvertShape;
  /** Of all others a sample passes; null: there are no others. */
  readonly senders: readonly Uint8Array[] | null;
}

/** Where in the advert. */
const ROUTER_ID_AT = 1;
const COUNT_AT = 3;
const INTERVAL_AT = 4;
const HEADER_BYTES = 8;
const V2_AUTH_BYTES = 8;
const TYPE_ADVERTISEMENT = 1;
/** An Authentication Header as VRRP had it, with HMAC-MD5-96. */
const AUTHENTICATION_HEADER_BYTES = 24;

/** Where a family has what: a raw IPv4 socket sees the header too, whose length is in X; one of IPv6 sees the payload. */
interface Layout {
  readonly ttlAt: number;
  readonly sourceAt: number;
  readonly destinationAt: number;
  readonly group: Uint8Array;
  readonly addressShift: number;
  readonly loadByte: number;
  readonly loadHalf: number;
  /** The length of the payload to A. */
  readonly loadLength: Filter;
}

const V4: Layout = {
  ttlAt: 8,
  sourceAt: 12,
  destinationAt: 16,
  group: VRRP_GROUP_4,
  addressShift: 2,
  loadByte: op.LOAD_BYTE_FROM_X,
  loadHalf: op.LOAD_HALF_FROM_X,
  loadLength: [
    { code: op.LOAD_LENGTH, operand: 0 },
    { code: op.SUBTRACT_X, operand: 0 },
  ],
};

const V6: Layout = {
  ttlAt: NET_OFF + 7,
  sourceAt: NET_OFF + 8,
  destinationAt: NET_OFF + 24,
  group: VRRP_GROUP_6,
  addressShift: 4,
  loadByte: op.LOAD_BYTE,
  loadHalf: op.LOAD_HALF,
  loadLength: [{ code: op.LOAD_LENGTH, operand: 0 }],
};

/** Of IPv4 packets with their header. */
export function advertFilter4(routerIds: readonly number[], narrow: readonly NarrowRouter[] = []): Filter {
  return [
    { code: op.LOAD_X_IPV4_HEADER, operand: 0 },
    { code: op.LOAD_BYTE_FROM_X, operand: ROUTER_ID_AT },
    ...narrowChecks(narrow, V4, CHECKSUM_FILTER_4),
    ...acceptIfAny(routerIds),
  ];
}

/** Of IPv6 payloads. */
export function advertFilter6(routerIds: readonly number[], narrow: readonly NarrowRouter[] = []): Filter {
  return [
    { code: op.LOAD_BYTE, operand: ROUTER_ID_AT },
    ...narrowChecks(narrow, V6, CHECKSUM_FILTER_6),
    ...acceptIfAny(routerIds),
  ];
}

/** Of IPv4 packets with an Authentication Header: VRRP, which is always refused, and nobody's IPsec. */
export function authenticatedAdvertFilter(routerIds: readonly number[], narrow: readonly NarrowRouter[] = []): Filter {
  return [
    { code: op.LOAD_X_IPV4_HEADER, operand: 0 },
    { code: op.LOAD_BYTE_FROM_X, operand: 0 },
    { code: op.JUMP_IF_EQUAL, operand: VRRP_PROTOCOL, skips: [1, 0] },
    REFUSE,
    { code: op.LOAD_BYTE_FROM_X, operand: AUTHENTICATION_HEADER_BYTES + ROUTER_ID_AT },
    ...narrow.flatMap(({ routerId }) => ifRouter(routerId, SAMPLE)),
    ...acceptIfAny(routerIds),
  ];
}

/** What has the shape goes on with `checksum`; what is for none of them goes on behind it. */
function narrowChecks(narrow: readonly NarrowRouter[], layout: Layout, checksum: Filter): Filter {
  if (narrow.length === 0) return [];
  const blocks = narrow.map(({ routerId, shape, senders }) => {
    const known = senders === null ? [] : unlessAnyOf(senders, layout.sourceAt, STRANGERS);
    return { routerId, checks: [...known, ...shapeChecks(shape, layout)] };
  });
  // Around each block's checks: two instructions before, and the jump at the end; and one behind all.
  let rest = blocks.reduce((sum, { checks }) => sum + checks.length + 3, 1);
  const program: Instruction[] = [];
  for (const { routerId, checks } of blocks) {
    rest -= checks.length + 3;
    program.push(...ifRouter(routerId, [...checks, { code: op.JUMP, operand: rest }]));
  }
  program.push({ code: op.JUMP, operand: checksum.length }, ...checksum);
  return program;
}

/** A block that does not go on behind itself, for the router whose id is in A. */
function ifRouter(routerId: number, block: Filter): Filter {
  return [
    { code: op.JUMP_IF_EQUAL, operand: routerId, skips: [1, 0] },
    { code: op.JUMP, operand: block.length },
    ...block,
  ];
}

/** Each check goes on, or ends in the sample. */
function shapeChecks({ version, peers, ttlMin, isSigned }: AdvertShape, layout: Layout): Filter {
  const { group, sourceAt, destinationAt, ttlAt, loadByte, loadHalf, loadLength, addressShift } = layout;
  const fixedBytes = HEADER_BYTES + (version === 2 ? V2_AUTH_BYTES : 0);
  const fails = SAMPLE.length;
  return [
    ...(peers === null
      ? unlessAnyOf([group], destinationAt, SAMPLE)
      : [...unlessAnyOf(peers, sourceAt, SAMPLE), ...whenEqual(group, destinationAt, SAMPLE)]),
    { code: op.LOAD_BYTE, operand: ttlAt },
    { code: op.JUMP_IF_NOT_LESS, operand: ttlMin, skips: [fails, 0] },
    ...SAMPLE,
    ...loadLength,
    { code: op.JUMP_IF_NOT_LESS, operand: HEADER_BYTES, skips: [fails, 0] },
    ...SAMPLE,
    { code: loadByte, operand: 0 },
    { code: op.JUMP_IF_EQUAL, operand: (version << 4) | TYPE_ADVERTISEMENT, skips: [fails, 0] },
    ...SAMPLE,
    // Version 2 has its interval in one byte, behind the type of authentication.
    version === 2 ? { code: loadByte, operand: INTERVAL_AT + 1 } : { code: loadHalf, operand: INTERVAL_AT },
    { code: op.JUMP_IF_BITS, operand: version === 2 ? 0xff : 0xfff, skips: [fails, 0] },
    ...SAMPLE,
    { code: loadByte, operand: COUNT_AT },
    { code: op.JUMP_IF_EQUAL, operand: 0, skips: [0, fails] },
    ...SAMPLE,
    // What stands behind the addresses: nothing, or a trailer. X is of no use any more.
    { code: op.SHIFT_LEFT, operand: addressShift },
    { code: op.ADD, operand: fixedBytes },
    { code: op.STORE, operand: MESSAGE_BYTES },
    ...loadLength,
    { code: op.LOAD_X_STORED, operand: MESSAGE_BYTES },
    { code: op.SUBTRACT_X, operand: 0 },
    { code: op.JUMP_IF_EQUAL, operand: TRAILER_BYTES, skips: [fails + (isSigned ? 0 : 1), 0] },
    ...(isSigned ? [] : [{ code: op.JUMP_IF_EQUAL, operand: 0, skips: [fails, 0] } as const]),
    ...SAMPLE,
  ];
}

/** Goes on behind `otherwise` if the address there is one of these. */
function unlessAnyOf(addresses: readonly Uint8Array[], at: number, otherwise: Filter): Filter {
  const program: Instruction[] = [];
  const wordsOf = addresses.map(toWords);
  const sizes = wordsOf.map((words) => 2 * words.length + 1);
  let rest = sizes.reduce((sum, size) => sum + size, 0) + otherwise.length;
  wordsOf.forEach((words, i) => {
    rest -= sizes[i];
    words.forEach((word, j) => {
      program.push({ code: op.LOAD_WORD, operand: at + 4 * j });
      // To the next address, behind its jump.
      program.push({ code: op.JUMP_IF_EQUAL, operand: word, skips: [0, sizes[i] - 2 * j - 2] });
    });
    program.push({ code: op.JUMP, operand: rest });
  });
  return [...program, ...otherwise];
}

/** Runs `then` if the address there is this one, and goes on behind it if not. */
function whenEqual(address: Uint8Array, at: number, then: Filter): Filter {
  const words = toWords(address);
  const size = 2 * words.length + then.length;
  return [
    ...words.flatMap((word, j): Filter => [
      { code: op.LOAD_WORD, operand: at + 4 * j },
      { code: op.JUMP_IF_EQUAL, operand: word, skips: [0, size - 2 * j - 2] },
    ]),
    ...then,
  ];
}

function toWords(address: Uint8Array): number[] {
  assert(address.length === 4 || address.length === 16, 'an address is 4 or 16 bytes');
  const view = new DataView(address.buffer, address.byteOffset, address.length);
  return Array.from({ length: address.length / 4 }, (_, i) => view.getUint32(4 * i));
}
