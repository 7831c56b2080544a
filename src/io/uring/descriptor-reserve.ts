/**
 * Descriptors that accepting cannot take: one accept takes everything that waits in the kernel's queue, so whoever counts what
 * it brought counts too late. The limit of open files is lowered by the reserve; an accept that comes up against it leaves
 * its connection in the queue. A socket for a server may go past it: the limit is raised for as long as making it takes.
 */
import * as ffi from './ffi.ts';

const RLIMIT_NOFILE = 7;
/** struct rlimit: two words of 64 bits, soft and hard. */
const SOFT = 0;

export class DescriptorReserve {
  private readonly mapping = ffi.mapMemory(4096);
  private readonly words = new BigUint64Array(this.mapping.buffer);
  private readonly full: bigint;
  private readonly lowered: bigint;

  constructor(reserve: number) {
    ffi.getrlimit(RLIMIT_NOFILE, this.mapping.address);
    this.full = this.words[SOFT];
    this.lowered = this.full - BigInt(reserve);
    this.setSoft(this.lowered);
  }

  /** As socket(2). */
  socket(family: number, type: number): number {
    this.setSoft(this.full);
    const descriptor = ffi.socket(family, type, 0);
    this.setSoft(this.lowered);
    return descriptor;
  }

  private setSoft(limit: bigint): void {
    this.words[SOFT] = limit;
    ffi.setrlimit(RLIMIT_NOFILE, this.mapping.address);
  }
}
