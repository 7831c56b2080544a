/**
 * The end of a narrow filter, for an advert whose shape is right: passes it if its checksum is right in one of the forms that
 * `AdvertView.checksumForm` of wire/vrrp/advert.ts knows, and a sample of the others. A filter has no loops: each address that
 * an advert can have stands in it, up to SUMMED_ADDRESSES_MAX. Longer adverts pass.
 */
import { SUMMED_ADDRESSES_MAX } from '../../../base/limits.ts';
import { VRRP_PROTOCOL } from '../../../wire/vrrp/advert.ts';
import { TRAILER_BYTES } from '../../../wire/vrrp/trailer.ts';
import { ACCEPT, type Filter, type Instruction, op } from '../socket-filter.ts';
import { NET_OFF, SAMPLE } from './sample-filter.ts';

const COUNT_AT = 3;
const HEADER_BYTES = 8;
const V2_AUTH_BYTES = 8;

/** Where in the scratch memory. The length of the message, without a trailer, is there before. */
export const MESSAGE_BYTES = 0;
const BASE = 1;
const COUNT = 2;
const SUM = 3;
const FOLDED = 4;

const setBase: Filter = [
  { code: op.COPY_TO_X, operand: 0 },
  { code: op.STORE_X, operand: BASE },
];

/** Of IPv4 packets with their header. */
export const CHECKSUM_FILTER_4: Filter = [
  { code: op.LOAD_X_IPV4_HEADER, operand: 0 },
  { code: op.STORE_X, operand: BASE },
  ...sumMessage(4),
  ...whenVersion2([
    ...toEnd(-V2_AUTH_BYTES),
    ...halves(0, V2_AUTH_BYTES).flatMap(addHalf),
    ...acceptIfRight(),
    ...SAMPLE,
  ]),
  ...acceptIfRight(),
  { code: op.LOAD_STORED, operand: MESSAGE_BYTES },
  ...pseudoHeader(halves(12, 8)),
];

/** Of IPv6 payloads. The trailer is under the checksum too. */
export const CHECKSUM_FILTER_6: Filter = [
  { code: op.LOAD_X_NUMBER, operand: 0 },
  { code: op.STORE_X, operand: BASE },
  ...sumMessage(16),
  ...whenLonger([...toEnd(0), ...halves(0, TRAILER_BYTES).flatMap(addHalf)]),
  { code: op.LOAD_LENGTH, operand: 0 },
  ...pseudoHeader(halves(NET_OFF + 8, 32)),
];

/** Header and addresses to SUM, counted from BASE, which is in X. */
function sumMessage(addressBytes: number): Filter {
  const program: Instruction[] = [
    { code: op.LOAD_BYTE_FROM_X, operand: COUNT_AT },
    { code: op.STORE, operand: COUNT },
    { code: op.JUMP_IF_GREATER, operand: SUMMED_ADDRESSES_MAX, skips: [0, 1] },
    ACCEPT,
    { code: op.LOAD_NUMBER, operand: 0 },
    { code: op.STORE, operand: SUM },
    ...halves(0, HEADER_BYTES).flatMap(addHalf),
  ];
  const addressSize = halves(0, addressBytes).flatMap(addHalf).length + 3;
  for (let i = 0; i < SUMMED_ADDRESSES_MAX; i++) {
    program.push(
      ...halves(HEADER_BYTES + i * addressBytes, addressBytes).flatMap(addHalf),
      { code: op.LOAD_STORED, operand: COUNT },
      { code: op.JUMP_IF_EQUAL, operand: i + 1, skips: [0, 1] },
      { code: op.JUMP, operand: addressSize * (SUMMED_ADDRESSES_MAX - 1 - i) },
    );
  }
  return program;
}

/** BASE is so many bytes from the end of the message from now on. */
function toEnd(offset: number): Filter {
  return [
    { code: op.LOAD_STORED, operand: MESSAGE_BYTES },
    { code: op.ADD_X, operand: 0 },
    { code: op.ADD, operand: offset },
    ...setBase,
  ];
}

function whenVersion2(then: Filter): Filter {
  return [
    { code: op.LOAD_BYTE_FROM_X, operand: 0 },
    { code: op.SHIFT_RIGHT, operand: 4 },
    { code: op.JUMP_IF_EQUAL, operand: 2, skips: [0, then.length] },
    ...then,
  ];
}

function whenLonger(then: Filter): Filter {
  return [
    { code: op.LOAD_X_STORED, operand: MESSAGE_BYTES },
    { code: op.LOAD_LENGTH, operand: 0 },
    { code: op.SUBTRACT_X, operand: 0 },
    { code: op.LOAD_X_STORED, operand: BASE },
    { code: op.JUMP_IF_EQUAL, operand: 0, skips: [then.length, 0] },
    ...then,
  ];
}

/** What it covers is in A. */
function pseudoHeader(addresses: readonly number[]): Filter {
  return [
    { code: op.ADD, operand: VRRP_PROTOCOL },
    { code: op.LOAD_X_STORED, operand: SUM },
    { code: op.ADD_X, operand: 0 },
    ...addresses.flatMap((at): Filter => [
      { code: op.COPY_TO_X, operand: 0 },
      { code: op.LOAD_HALF, operand: at },
      { code: op.ADD_X, operand: 0 },
    ]),
    { code: op.STORE, operand: SUM },
    ...acceptIfRight(),
    ...SAMPLE,
  ];
}

/** The sum of a message that has its right checksum in it is all ones. Twice: the first time there may be a carry. */
function acceptIfRight(): Filter {
  return [...fold(SUM), ...fold(FOLDED), { code: op.JUMP_IF_EQUAL, operand: 0xffff, skips: [0, 1] }, ACCEPT];
}

function fold(from: number): Filter {
  return [
    { code: op.LOAD_STORED, operand: from },
    { code: op.SHIFT_RIGHT, operand: 16 },
    { code: op.COPY_TO_X, operand: 0 },
    { code: op.LOAD_STORED, operand: from },
    { code: op.AND, operand: 0xffff },
    { code: op.ADD_X, operand: 0 },
    { code: op.STORE, operand: FOLDED },
  ];
}

/** BASE is in X before and after. */
function addHalf(at: number): Filter {
  return [
    { code: op.LOAD_HALF_FROM_X, operand: at },
    { code: op.LOAD_X_STORED, operand: SUM },
    { code: op.ADD_X, operand: 0 },
    { code: op.STORE, operand: SUM },
    { code: op.LOAD_X_STORED, operand: BASE },
  ];
}

function halves(from: number, bytes: number): readonly number[] {
  return Array.from({ length: bytes / 2 }, (_, i) => from + 2 * i);
}
