/**
 * A filter of system calls (seccomp(2)) that refuses to start a program. A proxy never does, and who has taken one over
 * would. The filter is installed for all threads of the process, and takes "no new privileges", which must have been set by
 * the calling thread, along to all of them.
 */
import koffi from 'koffi';

interface Machine {
  readonly seccomp: number;
  readonly execve: number;
  readonly execveat: number;
  /** AUDIT_ARCH_... of <linux/audit.h> */
  readonly architecture: number;
}

const MACHINES: Readonly<Record<string, Machine>> = {
  x64: { seccomp: 317, execve: 59, execveat: 322, architecture: 0xc000_003e },
  arm64: { seccomp: 277, execve: 221, execveat: 281, architecture: 0xc000_00b7 },
};

const SET_MODE_FILTER = 1;
/** For all threads; and without a mitigation (SSBD) that slows down a process which runs no code of others. */
const FLAG_TSYNC = 1;
const FLAG_SPEC_ALLOW = 4;

// struct sock_filter: code (2 bytes), where to jump if true and if false (1 each), operand (4). And struct seccomp_data.
const LOAD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const NUMBER_AT = 0;
const ARCHITECTURE_AT = 4;
const ALLOW = 0x7fff_0000;
const REFUSE_WITH_EPERM = 0x0005_0001;
/** Another set of numbers for the same calls, on x86-64 (x32). */
const FOREIGN_NUMBERS = 0x4000_0000;

const program = koffi.struct({ length: 'uint16_t', instructions: 'const void *' });
const systemCall = koffi
  .load(null)
  .func('syscall', 'long', ['long', 'unsigned int', 'unsigned int', koffi.pointer(program)]) as (
  ...operands: unknown[]
) => number;

/** False: there is no such filter here. */
export function forbidExecution(): boolean {
  const machine = MACHINES[process.arch];
  if (machine === undefined) return false;
  const code = [
    [LOAD, 0, 0, ARCHITECTURE_AT],
    [JUMP_IF_EQUAL, 0, 5, machine.architecture],
    [LOAD, 0, 0, NUMBER_AT],
    [JUMP_IF_AT_LEAST, 3, 0, FOREIGN_NUMBERS],
    [JUMP_IF_EQUAL, 2, 0, machine.execve],
    [JUMP_IF_EQUAL, 1, 0, machine.execveat],
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, REFUSE_WITH_EPERM],
  ] as const;
  const instructions = new Uint8Array(code.length * 8);
  const view = new DataView(instructions.buffer);
  code.forEach(([operation, ifTrue, ifFalse, operand], index) => {
    view.setUint16(index * 8, operation, true);
    view.setUint8(index * 8 + 2, ifTrue);
    view.setUint8(index * 8 + 3, ifFalse);
    view.setUint32(index * 8 + 4, operand, true);
  });
  const filter = { length: code.length, instructions };
  return systemCall(machine.seccomp, SET_MODE_FILTER, FLAG_TSYNC | FLAG_SPEC_ALLOW, filter) === 0;
}
