/**
 * Socket filters (classic BPF, socket(7) SO_ATTACH_FILTER): what is of no interest never wakes the process, and takes no
 * place in a queue that an advert should find.
 */
import { assert } from '../../base/assert.ts';
import * as libc from './libc.ts';
import { allocateNative, type NativeMemory } from './native-memory.ts';

const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;

/** A is loaded from the packet, X holds the length of an IPv4 header; M is a scratch memory (linux/bpf_common.h). */
export const op = {
  LOAD_NUMBER: 0x00,
  LOAD_WORD: 0x20,
  LOAD_HALF: 0x28,
  LOAD_BYTE: 0x30,
  LOAD_HALF_FROM_X: 0x48,
  LOAD_BYTE_FROM_X: 0x50,
  LOAD_LENGTH: 0x80,
  LOAD_X_IPV4_HEADER: 0xb1,
  LOAD_X_NUMBER: 0x01,
  LOAD_STORED: 0x60,
  LOAD_X_STORED: 0x61,
  STORE: 0x02,
  STORE_X: 0x03,
  ADD: 0x04,
  ADD_X: 0x0c,
  SUBTRACT_X: 0x1c,
  AND: 0x54,
  SHIFT_LEFT: 0x64,
  SHIFT_RIGHT: 0x74,
  COPY_TO_X: 0x07,
  JUMP: 0x05,
  JUMP_IF_EQUAL: 0x15,
  JUMP_IF_GREATER: 0x25,
  JUMP_IF_NOT_LESS: 0x35,
  JUMP_IF_BITS: 0x45,
  RETURN: 0x06,
} as const;

const WHOLE = 0x40000;
const NOTHING = 0;

const INSTRUCTION_BYTES = 8;
const PROGRAM_AT = 16;
/** BPF_MAXINSNS */
export const INSTRUCTIONS_MAX = 4096;

export interface Instruction {
  readonly code: number;
  readonly operand: number;
  /** Of a jump: how many instructions to skip if it is so, and if not. */
  readonly skips?: readonly [ifSo: number, ifNot: number];
}

export type Filter = readonly Instruction[];

export const ACCEPT: Instruction = { code: op.RETURN, operand: WHOLE };
export const REFUSE: Instruction = { code: op.RETURN, operand: NOTHING };

export const REFUSE_ALL: Filter = [REFUSE];
export const ACCEPT_ALL: Filter = [ACCEPT];

/** Accepts if A is one of the values. */
export function acceptIfAny(values: readonly number[]): Filter {
  const checks = values.flatMap((value): Filter => [{ code: op.JUMP_IF_EQUAL, operand: value, skips: [0, 1] }, ACCEPT]);
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
    view.setUint32(at + 4, operand >>> 0, true);
  });
  return libc.setOptionBytes(descriptor, libc.SOL_SOCKET, SO_ATTACH_FILTER, bytes.subarray(0, PROGRAM_AT));
}

/** Nothing happens where there is none. */
export function detachFilter(descriptor: number): void {
  libc.setOption(descriptor, libc.SOL_SOCKET, SO_DETACH_FILTER, 0);
}
